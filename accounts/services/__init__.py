"""Every write about organizations, people and credentials."""
