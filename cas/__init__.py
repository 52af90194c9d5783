"""Authority: CAs and their keys, roles, templates, and the one door to a signature."""
