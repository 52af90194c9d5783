"""Who: sign-in, users, organizations, service accounts, the audit log."""

from __future__ import annotations

from django.urls import URLPattern

IDENTITY: list[URLPattern] = []
