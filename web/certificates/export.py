"""The register as a file: CSV for people with spreadsheets, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any, Final

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.admin.files import attachment
from audit.admin.forms import message_of
from certificates.models import Certificate
from certificates.orders import CertificateFilter
from certificates.search import search_certificates
from certificates.services.downloads import download_many
from kernel.actor import Actor
from kernel.errors import DomainError
from web.certificates.asking import Asked
from web.certificates.choosing import Chosen, wants_all
from web.spreadsheets import CONTENT_TYPE, as_file, csv_lines

_CHUNK: Final = 500
_CONTENT_TYPES: Final = {"csv": CONTENT_TYPE, "json": "application/json"}

_FIELDS: Final = (
    "id",
    "common_name",
    "subject",
    "names",
    "serial",
    "fingerprint",
    "status",
    "not_before",
    "not_after",
    "issuer",
    "template",
    "key_algorithm",
    "private_key",
    "requested_by",
    "owner",
    "tags",
    "description",
    "source",
    "revoked_at",
    "revocation_reason",
)


def export(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """What was ticked on the list; where nothing was, all that the filter lets through."""
    sent = request.POST if request.method == "POST" else request.GET
    asked = Asked.of(sent.get("asked", "")) if request.method == "POST" else Asked.read(request.GET)
    fmt = "json" if sent.get("format") == "json" else "csv"
    at = timezone.now()
    try:
        if "chosen" in sent and not wants_all(sent):
            chunks = iter([Chosen.read(sent, actor).rows])
        else:
            chunks = _begun(_chunks(asked.wanted(at), asked, actor))
    except DomainError as error:
        messages.error(request, message_of(error))
        return redirect(reverse("certificates") + asked.kept())
    documents = (_document(row, at) for rows in chunks for row in _with_all(rows))
    return as_file(_WRITERS[fmt](documents), f"certificates-{at:%Y-%m-%d}.{fmt}", _CONTENT_TYPES[fmt])


def archive(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The certificates that were ticked, each with its chain, as one ZIP. GET leads back to the list."""
    if request.method != "POST":
        return redirect("certificates")
    try:
        chosen = Chosen.read(request.POST, actor)
        if not chosen.rows:
            messages.warning(request, _("Tick certificates in the list first."))
            return redirect(reverse("certificates") + chosen.asked.kept())
        file = download_many(actor=actor, certificates=chosen.rows)
    except DomainError as error:
        messages.error(request, message_of(error))
        return redirect("certificates")
    return attachment(file.filename, file.content, file.content_type)


def _chunks(wanted: CertificateFilter, asked: Asked, actor: Actor) -> Iterator[list[Certificate]]:
    after = None
    while True:
        page = search_certificates(wanted, visible_to=actor, after=after, limit=_CHUNK, order=asked.order)
        yield list(page.rows)
        after = page.next
        if after is None:
            return


def _begun(chunks: Iterator[list[Certificate]]) -> Iterator[list[Certificate]]:
    """The same, with the first at hand: what is refused is refused before anything is sent."""
    return chain([next(chunks)], chunks)


def _with_all(rows: list[Certificate]) -> list[Certificate]:
    prefetch_related_objects(rows, "owner", "revocations")
    return rows


def _document(row: Certificate, at: datetime) -> dict[str, Any]:
    revocation = row.open_revocation
    values = (
        str(row.public_id),
        row.common_name,
        row.subject,
        row.sans,
        row.serial,
        row.fingerprint,
        row.status(at),
        row.not_before.isoformat(),
        row.not_after.isoformat(),
        row.ca.name if row.ca else row.issuer_name,
        row.template.code if row.template else "",
        row.key_algorithm,
        row.key_custody,
        row.requester_label,
        row.owner.email if row.owner else "",
        row.tags,
        row.description,
        row.source,
        revocation.at.isoformat() if revocation else "",
        revocation.reason if revocation else "",
    )
    return dict(zip(_FIELDS, values, strict=True))


def _csv(documents: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    return csv_lines(_FIELDS, (_cells(document) for document in documents))


def _cells(document: dict[str, Any]) -> list[str]:
    return [" ".join(value) if isinstance(value, list) else value for value in document.values()]


def _json(documents: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    separator = "[\n"
    for document in documents:
        yield (separator + json.dumps(document, ensure_ascii=False)).encode()
        separator = ",\n"
    yield b"\n]\n" if separator == ",\n" else b"[]\n"


_WRITERS: Final = {"csv": _csv, "json": _json}
