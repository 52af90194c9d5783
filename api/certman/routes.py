"""The addresses of the Certman dialect. Three are our own: creating a CA, and showing and downloading a certificate."""

from __future__ import annotations

from typing import Any, Final

from django.urls import URLPattern, path

from api.certman.authorities import Authorities
from api.certman.certificates import Certificates
from api.certman.whoami import Whoami

# It makes `public_id` known.
from api.common import converters as converters

_LIST: Final[dict[str, Any]] = {"get": "list", "post": "create"}
_ITEM: Final[dict[str, Any]] = {"get": "retrieve"}

ROUTES: Final[list[URLPattern]] = [
    path("whoami", Whoami.as_view({"get": "retrieve"})),
    path("cas", Authorities.as_view(_LIST)),
    path("cas/<public_id:ref>", Authorities.as_view(_ITEM)),
    path("cas/<public_id:ref>/chain", Authorities.as_view({"get": "chain"})),
    path("certificates", Certificates.as_view(_LIST)),
    path("certificates/<public_id:ref>", Certificates.as_view(_ITEM)),
    path("certificates/<public_id:ref>/download", Certificates.as_view({"get": "download"})),
    path("certificates/<public_id:ref>/renew", Certificates.as_view({"post": "renew"})),
    path("certificates/<public_id:ref>/revoke", Certificates.as_view({"post": "revoke"})),
]
