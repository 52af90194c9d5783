"""Downloads for machines: known by their entity tag (RFC 9110 section 8.8.3), and waited for (RFC 7240 section 4.3)."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiResponse
from rest_framework.request import Request

from api.common.files import file_response
from api.common.openapi import a_file, operation
from api.native.certificate_inputs import DownloadQuery
from api.native.dialect import NativeViewSet
from certificates.bundles import Format
from certificates.services.pulling import Pulled, pull_certificate
from kernel.permissions import Permission
from kernel.ref import Ref

FILES: Final = (
    "application/x-pem-file",
    "application/pkix-cert",
    "application/x-pkcs7-certificates",
    "application/x-pkcs12",
    "application/zip",
)
PULLED: Final = {**a_file(*FILES), 304: OpenApiResponse(None, "It is what is known.")}
_TEXT: Final = {"type": "string"}
IF_NONE_MATCH: Final = {
    "in": "header",
    "name": "If-None-Match",
    "description": "The `ETag` of what is known.",
    "schema": _TEXT,
}
ETAG: Final = {"ETag": {"description": "Of the file: its SHA-256.", "schema": _TEXT, "required": True}}
_LONGEST_WAIT: Final = 30
_PREFER: Final = {
    "in": "header",
    "name": "Prefer",
    "description": f"`wait=20`: so many seconds, at most {_LONGEST_WAIT}, for what is not known (RFC 7240).",
    "schema": _TEXT,
}
_CURRENT: Final = ETAG | {
    "Content-Location": {
        "description": "The address of this very certificate.",
        "schema": {"type": "string", "format": "uri-reference"},
        "required": True,
    },
    "Preference-Applied": {"description": "Where it has waited.", "schema": _TEXT},
}
_BETWEEN_LOOKS: Final = 1.0
_WAIT: Final = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?=[,;]|$)", re.IGNORECASE)
# Each of them holds a thread, and most threads are for others: whoever finds no place is answered at once, as if they
# had not asked to wait.
_PLACES: Final = threading.BoundedSemaphore(settings.WEB_THREADS // 4)


def known_digests(request: Request) -> frozenset[str]:
    """What the asker has already, as `If-None-Match` says."""
    tags = parse_etags(request.headers.get("If-None-Match", ""))
    return frozenset(tag.removeprefix("W/").strip('"') for tag in tags)


def pulled_response(pulled: Pulled) -> HttpResponse:
    """The file, or 304 where it is known."""
    response = HttpResponse(status=304) if pulled.file is None else file_response(pulled.file)
    response.headers["ETag"] = f'"{pulled.digest}"'
    return response


class Pulls(NativeViewSet):
    """What a server is set up with: one address for a certificate and everything that renews it."""

    title = "Current certificates"
    permissions = {"download": Permission.CERTIFICATES_DOWNLOAD}
    downloads = frozenset({"download"})
    queries = {"download": DownloadQuery}

    @operation("Download the current certificate", answers=PULLED, reads=[IF_NONE_MATCH, _PREFER], sends=_CURRENT)
    def download(self, request: Request, ref: Ref) -> HttpResponse:
        """The newest of the certificate and of what has renewed it, without any private key. With `If-None-Match`, 304
        while it is the one that is known; with `Prefer: wait=20` as well, the answer waits for a new one, so long.
        """
        fmt, known = Format.read(self.parameters["fmt"]), known_digests(request)

        def look() -> Pulled:
            return pull_certificate(actor=self.actor, certificate=ref, fmt=fmt, known=known, newest=True)

        patience = _patience(request)
        pulled, has_waited = _await_change(look, patience) if patience else (look(), False)
        response = pulled_response(pulled)
        if has_waited:
            response.headers["Preference-Applied"] = f"wait={patience}"
        response.headers["Content-Location"] = f"/api/v2/certificates/{pulled.certificate.public_id}/download"
        return response


def _patience(request: Request) -> int:
    """How many seconds the asker would wait; 0: none."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(int(found[1]), _LONGEST_WAIT) if found else 0


def _await_change(look: Callable[[], Pulled], patience: int) -> tuple[Pulled, bool]:
    """What is seen when it is new, or at last, and whether there was a place to wait in."""
    deadline = time.monotonic() + patience
    pulled = look()
    if pulled.file is not None or not _PLACES.acquire(blocking=False):
        return pulled, False
    try:
        while pulled.file is None and (left := deadline - time.monotonic()) > 0:
            if not connection.in_atomic_block:
                # Others need it more than who sleeps.
                connection.close()
            time.sleep(min(_BETWEEN_LOOKS, left))
            pulled = look()
    finally:
        _PLACES.release()
    return pulled, True


PULL_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, Any]], ...]] = (
    ("certificates/<public_id:ref>/current/download", Pulls, {"get": "download"}),
)
