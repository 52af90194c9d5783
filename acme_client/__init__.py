"""Certificates from public CAs."""
