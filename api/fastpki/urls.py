"""The addresses of the FastPKI dialect. Collections end in a slash, items do not, and neither is led to the other."""

from __future__ import annotations

from django.urls import path

from api.fastpki.identity_urls import IDENTITY
from api.fastpki.openapi import document_view
from api.fastpki.pki_urls import PKI

ROUTES = [*IDENTITY, *PKI]
urlpatterns = [*ROUTES, path("fastpki/openapi.json", document_view)]
