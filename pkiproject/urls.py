"""Who answers which path; the rooms know their own."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from pkiproject import developers

urlpatterns = [
    # Programs ask more often than people do, and whatever stands before an address is tried first.
    path("", include("api.urls")),
    path("", include("web.urls")),
    path("developers/", developers.reference, name="developers"),
    path("developers/errors/", developers.errors, name="developers-errors"),
    path("developers/errors/<str:code>", developers.error, name="developers-error"),
    path("developers/<str:version>/", developers.reference_of, name="developers-version"),
    path("admin/", admin.site.urls),
]

handler400 = "pkiproject.errors.bad_request"
handler403 = "pkiproject.errors.forbidden"
handler404 = "pkiproject.errors.not_found"
handler500 = "pkiproject.errors.server_error"
