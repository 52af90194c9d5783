"""Whom an organization trusts besides its own, and what that makes of a certificate."""
