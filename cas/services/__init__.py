"""Every write about authority: CAs, roles, templates, and the serials that CA keys sign."""
