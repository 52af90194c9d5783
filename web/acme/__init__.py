"""Certificates of public CAs in the browser: orders, accounts, the names of the organization, and its DNS."""
