"""Where the Certman dialect answers, and where it is described."""

from __future__ import annotations

from django.urls import path

from api.certman.openapi import document_view
from api.certman.routes import ROUTES

urlpatterns = [path("openapi", document_view), *ROUTES]
