"""Where the native API answers, and where it is described."""

from __future__ import annotations

from django.urls import include, path

from api.native.openapi import document_view
from api.native.routes import V1, V2

urlpatterns = [
    path("v1/openapi.json", document_view, {"version": "v1"}),
    path("v2/openapi.json", document_view, {"version": "v2"}),
    path("v1/", include(V1)),
    path("v2/", include(V2)),
]
