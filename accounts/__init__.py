"""Who: organizations, users, memberships, API keys, and the two permission questions."""
