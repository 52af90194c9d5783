"""Who answers which path; the rooms know their own."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("web.urls")),
    path("", include("api.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "pkiproject.errors.bad_request"
handler403 = "pkiproject.errors.forbidden"
handler404 = "pkiproject.errors.not_found"
handler500 = "pkiproject.errors.server_error"
