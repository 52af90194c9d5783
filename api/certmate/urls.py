"""Where the CertMate dialect answers, and where it is described."""

from __future__ import annotations

from django.urls import path

from api.certmate.openapi import document_view
from api.certmate.routes import ROUTES

urlpatterns = [path("openapi.json", document_view), *ROUTES]
