"""Paths without a slash at their end, as clients know them."""

from __future__ import annotations

from django.urls import path

from api.oauth import metadata, views

urlpatterns = [
    path("oauth/token", views.token, name="oauth-token"),
    path("oauth/revoke", views.revoke, name="oauth-revoke"),
    path("oauth/register", views.register, name="oauth-register"),
    path("oauth/device", views.device, name="oauth-device-authorization"),
    path(".well-known/oauth-authorization-server", metadata.authorization_server, name="oauth-metadata"),
    path(".well-known/oauth-protected-resource", metadata.protected_resource, name="oauth-resource"),
    path(".well-known/oauth-protected-resource/<path:mount>", metadata.protected_resource, name="oauth-resource-part"),
]
