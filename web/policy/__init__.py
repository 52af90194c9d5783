"""Roles and templates in the browser."""
