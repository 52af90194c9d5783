"""The audit log: what happened, as it was signed, and what proves it to somebody who does not believe us."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Final

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import acting_in
from api.common.fields import INTEGER_IDS, required
from api.common.files import file_response
from api.common.inputs import Query
from api.common.openapi import a_file, operation
from api.common.paging import read_page
from api.common.problems import Family
from api.native.audit_inputs import (
    CheckpointsQuery,
    ConsistencyQuery,
    EventFilters,
    EventsOffsetQuery,
    EventsQuery,
    ExportQuery,
    LogQuery,
    ProofQuery,
)
from api.native.audit_outputs import (
    CheckpointOut,
    ConsistencyOut,
    EventDetailOut,
    EventOut,
    InclusionOut,
    KeysOut,
)
from api.native.dialect import NativeViewSet
from api.native.outputs import listing
from audit import selectors, verifier
from audit.document import SYSTEM_LOG
from audit.evidence import prove_consistency, prove_inclusion, published_keys
from audit.selectors import EventFilter
from audit.services import export, in_pieces
from certificates.bundles import Download
from certificates.orders import SerialNumber
from certificates.search import time_limit
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid
from kernel.permissions import Permission
from kernel.text import _

# What no index finds is looked for so long, in milliseconds.
_PATIENCE: Final = 5_000
_JSON_LINES: Final = "application/x-ndjson"
_PROGRAM: Final = "text/x-python"
_NOTE: Final = "text/plain"


class _LogViewSet(NativeViewSet):
    """Somebody asks about one log."""

    @property
    def asker(self) -> Actor:
        """The actor, in the organization that the address names, if it names one. Raises Denied."""
        return acting_in(self.actor, self.parameters.get("organization_id"))

    @property
    def log(self) -> int:
        """The asker's organization's; the system's for a superuser who names none. Raises Denied."""
        return self.asker.organization_id or SYSTEM_LOG


class Audit(_LogViewSet):
    """The audit log: every change and every refusal, signed, append-only."""

    title = "Audit log"
    permissions = dict.fromkeys(("list", "retrieve", "proof", "keys", "export", "verifier"), Permission.AUDIT_READ)
    downloads = frozenset({"export", "verifier"})
    queries = {"proof": ProofQuery, "export": ExportQuery}

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        if action == "list":
            return EventsOffsetQuery if version == INTEGER_IDS else EventsQuery
        return super().query_of(action, version)

    @operation("List audit events", answers={200: listing(EventOut)}, refusals=(Family.CONFLICT,))
    def list(self, request: Request) -> Response:
        """Of the actor's organization, the newest first."""
        wanted, asker = self._wanted(), self.asker
        rows = selectors.filter_events(wanted, visible_to=asker)
        with self._patience(wanted, asker):
            page = read_page(rows, self.parameters, exactly=False)
        if page.is_estimate and wanted == EventFilter() and asker.organization_id is not None:
            page = replace(page, total=selectors.count_events(asker.organization_id), is_estimate=False)
        return self.listed(EventOut, page)

    @operation("Show an audit event", answers={200: EventDetailOut})
    def retrieve(self, request: Request, event_id: str) -> Response:
        """With the bytes that were signed, and its place in the tree."""
        return Response(self.show(EventDetailOut, selectors.get_event(event_id, visible_to=self.actor)))

    @operation("Prove an audit event", answers={200: InclusionOut})
    def proof(self, request: Request, event_id: str) -> Response:
        """That it stands in the log under a checkpoint: a document for `verifier.py --proof`."""
        size = self.parameters.get("size")
        proof = prove_inclusion(event_id, visible_to=self.actor, size=size)
        return Response(self.show(InclusionOut, proof.document()))

    @operation("List the log's public keys", answers={200: KeysOut})
    def keys(self, request: Request) -> Response:
        """Ed25519 keys (RFC 8032). Note them down once, and give them to the verifier as `--public-key`."""
        return Response(self.show(KeysOut, {"data": published_keys()}))

    @operation("Export the audit log", answers=a_file(_JSON_LINES))
    def export(self, request: Request) -> StreamingHttpResponse:
        """As JSON lines that `verifier.py` checks anywhere. That it was exported is an event of the log itself.

        It is sent while it is read: a file that lacks its last line, `{"type":"end"}`, was cut off on its way.
        """
        asker = self.asker
        logs = [asker.organization_id] if asker.organization_id is not None else selectors.all_logs()
        lines = export(actor=asker, logs=logs, since=self.parameters.get("since"))
        response = StreamingHttpResponse(in_pieces(lines), content_type=_JSON_LINES)
        name = f"audit-{timezone.now():%Y-%m-%d}.jsonl"
        response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        return response

    @operation("Download the verifier", answers=a_file(_PROGRAM))
    def verifier(self, request: Request) -> HttpResponse:
        """One file of Python that checks exports and proofs; how it is used stands at its top.

        It needs Python 3.11, the package `cryptography`, and nothing of this server. Whoever does not believe the
        server takes the same file from the source code instead.
        """
        content = Path(str(verifier.__file__)).read_bytes()
        return file_response(Download(content=content, content_type=_PROGRAM, filename="verifier.py"))

    def _wanted(self) -> EventFilter:
        """Raises Invalid, Conflict (two readings of a serial number both exist)."""
        values = EventFilters.of(self.parameters)
        if "resource_id" in values and "resource_type" not in values:
            raise Invalid(errors=[required("resource_type")])
        if "serial" in self.parameters:
            values["serial"] = self._serial(self.parameters["serial"])
        return EventFilter(**values)

    def _serial(self, number: SerialNumber) -> str:
        first, *others = number.readings
        if not others:
            return first
        events = selectors.visible_events(self.asker)
        known = [reading for reading in number.readings if events.filter(serial=reading).exists()]
        if len(known) > 1:
            text = _("0x%(hex)s and 0x%(decimal)s both exist: write the one that is meant with its 0x.")
            raise Conflict(text, code="ambiguous-serial", hex=known[0], decimal=known[1])
        return known[0] if known else first

    def _patience(self, wanted: EventFilter, asker: Actor) -> AbstractContextManager[None]:
        """The indexes begin with the log, there is none of addresses, and what is newer than `until` is passed over."""
        is_slow = wanted.ip is not None or wanted.until is not None or asker.organization_id is None
        return time_limit(_PATIENCE) if is_slow else nullcontext()


class Checkpoints(_LogViewSet):
    """Signed statements of what the log was. Whoever keeps one elsewhere can show any change of what it covers."""

    title = "Audit checkpoints"
    permissions = dict.fromkeys(("list", "retrieve", "latest", "note", "consistency"), Permission.AUDIT_READ)
    downloads = frozenset({"note"})
    queries = {"retrieve": LogQuery, "latest": LogQuery, "note": LogQuery, "consistency": ConsistencyQuery}
    field_names = {"earlier": "later"}

    @classmethod
    def query_of(cls, action: str, version: str) -> type[Query]:
        return CheckpointsQuery if action == "list" else super().query_of(action, version)

    @operation("List checkpoints", answers={200: listing(CheckpointOut)})
    def list(self, request: Request) -> Response:
        return self.page(CheckpointOut, selectors.checkpoints(self.log, visible_to=self.asker))

    @operation("Show a checkpoint", answers={200: CheckpointOut})
    def retrieve(self, request: Request, size: int) -> Response:
        """The one of exactly so many events."""
        return self._shown(size)

    @operation("Show the newest checkpoint", answers={200: CheckpointOut}, refusals=(Family.NOT_FOUND,))
    def latest(self, request: Request) -> Response:
        return self._shown(None)

    @operation("Download the newest checkpoint", answers=a_file(_NOTE), refusals=(Family.NOT_FOUND,))
    def note(self, request: Request) -> HttpResponse:
        """As the file to keep elsewhere, and to give to the verifier as `--checkpoint`."""
        checkpoint = selectors.get_checkpoint(self.log, None, visible_to=self.asker)
        name = f"checkpoint-{checkpoint.log}-{checkpoint.size}"
        return file_response(Download(content=checkpoint.note.encode(), content_type=_NOTE, filename=name))

    @operation("Prove that the log only grew", answers={200: ConsistencyOut})
    def consistency(self, request: Request, size: int) -> Response:
        """That a later checkpoint continues this one: a document for `verifier.py --proof`."""
        later = self.parameters.get("later")
        proof = prove_consistency(self.log, earlier=size, size=later, visible_to=self.asker)
        return Response(self.show(ConsistencyOut, proof.document()))

    def _shown(self, size: int | None) -> Response:
        return Response(self.show(CheckpointOut, selectors.get_checkpoint(self.log, size, visible_to=self.asker)))
