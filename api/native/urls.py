"""Where the native API answers, and where it is described."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from api.native.openapi import document_view
from api.native.routes import V1, V2


def _is_about_others(route: URLPattern | URLResolver) -> bool:
    return not str(route.pattern).startswith("certificates")


# Addresses are tried one after the other, and most requests are about certificates.
urlpatterns = [
    path("v1/", include(sorted(V1, key=_is_about_others))),
    path("v2/", include(sorted(V2, key=_is_about_others))),
    path("v1/openapi.json", document_view, {"version": "v1"}),
    path("v2/openapi.json", document_view, {"version": "v2"}),
]
