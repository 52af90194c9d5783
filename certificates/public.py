"""What relying parties ask for: CA certificates, CRLs, OCSP. Anonymous, cacheable, without a session.

One middleware, the first, answers these paths and returns, so that nothing else of the application is in their way.
The paths stand in certificates that live for years: they are looked up in `PublicPath`, and never change.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable
from dataclasses import astuple, dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import unquote

from cryptography import x509
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.http import http_date, parse_etags

from cas.core.formats import crl_to_pem, to_pem
from cas.core.ocsp import LONGEST_REQUEST
from cas.models import CaCertificate
from certificates import public_cache
from certificates.models import Crl, PublicPath
from certificates.services.ocsp import answer_ocsp

log = logging.getLogger(__name__)

_PREFIXES: Final = ("ca", "crl", "ocsp")
_LOOKUP_SECONDS: Final = 60
_RETRY_SECONDS: Final = 10
_LONGEST_KEPT: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Place:
    """What stands behind a public path."""

    kind: str
    ca_id: int
    scope: int
    slug: str


class PublicEndpoints:
    """Middleware: `/ca/…`, `/crl/…` and `/ocsp/…`; every other path goes on to the application."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        prefix, _slash, rest = request.path_info.lstrip("/").partition("/")
        if prefix not in _PREFIXES or not rest:
            return self._get_response(request)
        try:
            response = _ANSWERS[prefix](request, rest)
        except DatabaseError:
            log.exception("a public path could not be answered")
            response = _plain(503, "Try again later.")
            response["Retry-After"] = str(_RETRY_SECONDS)
        response["X-Content-Type-Options"] = "nosniff"
        if request.method == "HEAD" and response.status_code != 304:
            response["Content-Length"] = str(len(response.content))
            response.content = b""
        return response


def _answer_ca(request: HttpRequest, rest: str) -> HttpResponse:
    """`/ca/<slug>.crt` (DER) and `/ca/<slug>.pem` (RFC 5280 4.2.2.1, RFC 2585)."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    slug, _dot, suffix = rest.rpartition(".")
    place = _find(f"ca/{slug}")
    if place is None or suffix not in ("crt", "cer", "pem"):
        return _plain(404, "There is no such CA.")
    row = CaCertificate.objects.filter(ca_id=place.ca_id, preferred=True).first()
    if row is None:
        return _plain(404, "The CA has no certificate yet.")
    if suffix == "pem":
        content = to_pem(row.certificate).encode()
        return _file(request, lambda: content, f"{row.fingerprint}-pem", "application/x-pem-file", rest)
    return _file(request, lambda: bytes(row.der), row.fingerprint, "application/pkix-cert", rest)


def _answer_crl(request: HttpRequest, rest: str) -> HttpResponse:
    """`/crl/<slug>` (DER, also with `.crl`), `/crl/<slug>.pem`, and a shard's number after the slug (RFC 2585)."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    wants_pem = rest.endswith(".pem")
    path = rest.removesuffix(".pem").removesuffix(".crl")
    place = _find(f"crl/{path}")
    if place is None:
        return _plain(404, "There is no such CRL.")
    newest = Crl.objects.filter(scope__ca_id=place.ca_id, scope__scope=place.scope).order_by("-number")
    crl = newest.defer("body").first()
    if crl is None:
        response = _plain(503, "The first CRL has not been published yet.")
        response["Retry-After"] = str(_RETRY_SECONDS)
        return response
    stem = f"{place.slug}-{place.scope}" if place.scope else place.slug
    if wants_pem:
        response = _file(
            request, lambda: _crl_pem(crl), f"{crl.sha256}-pem", "application/x-pem-file", f"{stem}.crl.pem"
        )
    else:
        response = _file(request, lambda: bytes(crl.body), crl.sha256, "application/pkix-crl", f"{stem}.crl")
    response["Last-Modified"] = http_date(crl.this_update.timestamp())
    _cacheable(response, until=crl.next_update)
    return response


def _answer_ocsp(request: HttpRequest, rest: str) -> HttpResponse:
    """POST `/ocsp/<slug>` and GET `/ocsp/<slug>/<base64>` (RFC 6960 appendix A)."""
    slug, _slash, encoded = rest.partition("/")
    place = _find(f"ocsp/{slug}")
    issuer = _issuer(place.ca_id) if place else None
    if place is None or issuer is None:
        return _plain(404, "There is no such OCSP responder.")
    allowed = ["GET", "HEAD"] if encoded else ["POST"]
    if request.method not in allowed:
        return HttpResponseNotAllowed(allowed)
    body = _decode(encoded) if encoded else request.read(LONGEST_REQUEST + 1)
    answer = answer_ocsp(ca_id=place.ca_id, issuer=issuer, request=body, now=timezone.now())
    response = HttpResponse(answer.body, content_type="application/ocsp-response")
    if answer.this_update is None or answer.next_update is None:
        response["Cache-Control"] = "no-store"
        return response
    etag = f'"{sha256(answer.body).hexdigest()}"'
    if encoded and _has_it(request, etag):
        response = HttpResponse(status=304)
    response["ETag"] = etag
    response["Last-Modified"] = http_date(answer.this_update.timestamp())
    _cacheable(response, until=answer.next_update)
    return response


_ANSWERS: Final = {"ca": _answer_ca, "crl": _answer_crl, "ocsp": _answer_ocsp}


def _find(path: str) -> _Place | None:
    """A path is never given to another CA, so that what was found once stays true."""
    if not path.isprintable():
        # No path of ours, and nothing that PostgreSQL could be asked about.
        return None
    key = "public-path:" + sha256(path.encode()).hexdigest()
    place = public_cache.get(key, lambda kept: _Place(*kept))
    if place is None:
        row = PublicPath.objects.select_related("ca").filter(path=path).first()
        if row is None:
            return None
        place = _Place(row.kind, row.ca_id, row.scope, row.ca.slug)
        public_cache.keep(key, list(astuple(place)), _LOOKUP_SECONDS)
    return place


def _issuer(ca_id: int) -> x509.Certificate | None:
    """Its name and key, which are what makes it this CA, never change; its certificate may, seldom."""
    key = f"public-issuer:{ca_id}"
    der = public_cache.get(key, public_cache.as_bytes)
    if der is None:
        row = CaCertificate.objects.filter(ca_id=ca_id, preferred=True).first()
        if row is None:
            return None
        der = bytes(row.der)
        public_cache.keep(key, der, _LOOKUP_SECONDS)
    return _parsed(der)


@lru_cache(maxsize=256)
def _parsed(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def _decode(text: str) -> bytes:
    """The request in a GET path; what cannot be decoded is a malformed request, which the answer will say."""
    try:
        return base64.b64decode(unquote(text).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""


def _crl_pem(crl: Crl) -> bytes:
    """Kept while it is asked for, unless it is so long that it would take the room of everything else."""
    key = f"crl-pem:{crl.sha256}"
    pem = public_cache.get(key, public_cache.as_bytes)
    if pem is None:
        pem = crl_to_pem(bytes(crl.body))
        if len(pem) <= _LONGEST_KEPT:
            public_cache.keep(key, pem, _LOOKUP_SECONDS)
    return pem


def _file(
    request: HttpRequest, content: Callable[[], bytes], etag: str, content_type: str, filename: str
) -> HttpResponse:
    """The file, or 304 without reading it where the client has it already."""
    quoted = f'"{etag}"'
    if _has_it(request, quoted):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(content(), content_type=content_type)
        response["Content-Disposition"] = f'attachment; filename="{filename}"'
    response["ETag"] = quoted
    _cacheable(response, until=None)
    return response


def _has_it(request: HttpRequest, etag: str) -> bool:
    """Whether the client has this already, by the weak comparison of RFC 9110 13.1.2: proxies weaken what they zip."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return known == ["*"] or etag in {each.removeprefix("W/") for each in known}


def _cacheable(response: HttpResponse, *, until: datetime | None) -> None:
    """Caches may keep it for a minute (RFC 5019 section 6, RFC 9111), and never beyond its own end."""
    seconds = settings.PUBLIC_MAX_AGE
    if until is not None:
        seconds = max(0, min(seconds, int((until - timezone.now()).total_seconds())))
        response["Expires"] = http_date(timezone.now().timestamp() + seconds)
    del response["Cache-Control"]
    patch_cache_control(response, public=True, max_age=seconds, no_transform=True, must_revalidate=True)


def _plain(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(sentence + "\n", status=status, content_type="text/plain; charset=utf-8")
