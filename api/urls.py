"""The dialects and where they are mounted."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("api.v1")),
    path("api/", include("api.native.urls")),
    path("api/v1/", include("api.fastpki.urls")),
    path("api/", include("api.certmate.urls")),
    path("v1/pki/", include("api.scaivault.urls")),
    path("v1/", include("api.certman.urls")),
    path("", include("api.oauth.urls")),
]
