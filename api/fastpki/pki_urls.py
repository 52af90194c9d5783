"""What is issued: CAs, certificates, exports."""

from __future__ import annotations

from django.urls import URLPattern

PKI: list[URLPattern] = []
