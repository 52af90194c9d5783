"""The addresses of the FastPKI dialect. Collections end in a slash, items do not, and neither is led to the other."""

from __future__ import annotations

from api.fastpki.identity_urls import IDENTITY
from api.fastpki.pki_urls import PKI

ROUTES = [*IDENTITY, *PKI]
urlpatterns = ROUTES
