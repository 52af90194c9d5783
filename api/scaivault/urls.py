"""Where the ScaiVault dialect answers, and where it is described."""

from __future__ import annotations

from django.urls import path

from api.scaivault.openapi import document_view
from api.scaivault.routes import ROUTES

urlpatterns = [path("openapi.json", document_view), *ROUTES]
