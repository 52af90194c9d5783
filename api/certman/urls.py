"""The addresses of the Certman dialect."""

from __future__ import annotations

from django.urls import path

from api.certman.whoami import Whoami

urlpatterns = [
    path("whoami", Whoami.as_view({"get": "retrieve"})),
]
