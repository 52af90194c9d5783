"""Asking for certificates in the browser: one at a time, or many from a file."""
