"""Events, checkpoints and proofs as the native API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers

from api.common.fields import Made
from api.common.formats import serial_text
from api.common.outputs import Output, moment, text, texts, whole
from api.native.outputs import STRING
from audit.canonical import timestamp
from audit.document import columns
from audit.events import EventName
from audit.models import AuditEvent
from kernel.actor import ActorKind

_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_MAYBE_NUMBER: Final = {"type": ["integer", "null"]}
# What the documents call the facts of an issuance.
_WORDS: Final = {"template": "template_code", "ca": "pki_id"}


class ActorOut(Output):
    """Who did it. The number is that of the log's own bytes, in every version of the API."""

    type = Made(lambda actor: actor["type"], {"type": "string", "enum": [kind.value for kind in ActorKind]})
    id = Made(lambda actor: actor["id"], {"type": "integer"})
    label = Made(lambda actor: actor["label"], STRING)  # type: ignore[assignment]
    email = Made(lambda actor: actor["label"] if actor["type"] == ActorKind.USER and actor["id"] else None, _MAYBE_TEXT)


class ResourceOut(Output):
    """What it was done to."""

    type = Made(lambda resource: resource["type"], STRING)
    id = Made(lambda resource: resource["id"], _MAYBE_NUMBER)
    public_id = Made(lambda resource: resource.get("public_id"), _MAYBE_TEXT | {"format": "uuid"})
    label = Made(lambda resource: resource["label"], STRING)  # type: ignore[assignment]
    serial = Made(lambda resource: _serial(resource), _MAYBE_TEXT)


class EventOut(Output):
    """One thing that happened."""

    id = text(source="event_id", help_text="A ULID.")
    ts = Made(lambda told: told["ts"], {"type": "string", "format": "date-time"})
    actor = ActorOut(read_only=True)
    event = text()
    resource = ResourceOut(read_only=True)
    metadata = Made(
        lambda told: _facts(told) | {"ip": told["ip"]},
        {
            "type": "object",
            "additionalProperties": True,
            "description": "What else is known: `template_code` and `pki_id` of an issuance, `ip` always.",
        },
    )
    trace_id = text(help_text="The request in which it happened; empty where there was none.")
    signature = text(help_text="`ed25519:` and the signature over the event's bytes, in base64.")

    def to_representation(self, instance: AuditEvent) -> Any:
        return super().to_representation(told(instance))


class EventDetailOut(EventOut):
    """An event with what proves it: the bytes that were signed, by which key, and where it stands."""

    log = whole(help_text="The organization's number; 0 is the system's log.")
    position = Made(
        lambda told: told["position"], _MAYBE_NUMBER | {"description": "In the tree, from 0; null for some seconds."}
    )
    canonical = text(help_text="The bytes that the signature is over, as UTF-8 text.")
    key = text(help_text="Which public key verifies the signature.")


class KeyOut(Output):
    """A signing key of the log."""

    key = text(source="key_id", help_text="What events call it: 16 hex digits of the SHA-256 of the public key.")
    algorithm = Made(lambda _key: "ed25519", {"type": "string", "enum": ["ed25519"]})
    public_key = Made(
        lambda key: bytes(key.public_key).hex(),
        {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "32 bytes (RFC 8032) in hex."},
    )
    active = serializers.BooleanField(source="is_active", read_only=True)
    created_at = moment()


class KeysOut(Output):
    """Every key that has signed, the first one first."""

    data = KeyOut(many=True, read_only=True)  # type: ignore[assignment]


class CheckpointOut(Output):
    """A signed statement of what the log was at `size` events."""

    log = whole()
    size = whole()
    root = Made(  # type: ignore[assignment]
        lambda row: bytes(row.root).hex(), {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    )
    note = text(help_text="The signed note (C2SP tlog-checkpoint), with its last line end.")
    at = moment()


class _ProofOut(Output):
    log = whole()
    origin = text(help_text="What checkpoints call the log.")
    path = texts(help_text="Hashes of the tree, in base64.")
    checkpoint = text(help_text="A signed note.")
    public_keys = texts(help_text="In hex. Believe those that you noted down yourself.")


class InclusionOut(_ProofOut):
    """That an event stands in the log: `verifier.py --proof` reads it (RFC 6962 section 2.1.1)."""

    type = Made(lambda proof: proof["type"], {"type": "string", "enum": ["inclusion"]})
    position = whole()
    canonical = text()
    signature = text()
    key = text()


class ConsistencyOut(_ProofOut):
    """That the log only grew: `verifier.py --proof` reads it (RFC 6962 section 2.1.2)."""

    type = Made(lambda proof: proof["type"], {"type": "string", "enum": ["consistency"]})
    earlier = text(help_text="The signed note of the earlier checkpoint.")


def told(event: AuditEvent) -> Mapping[str, Any]:
    """What an event tells: by its signed bytes, or by its columns where somebody has spoilt the bytes.

    Whoever looks for what was tampered with must see the list, and the verifier says which event it is.
    """
    return _document(event) | {
        "event_id": event.event_id,
        "log": event.log,
        "position": event.position,
        "canonical": bytes(event.canonical).decode(errors="replace"),
        "signature": event.signature_text,
        "key": event.key_id,
    }


def _document(event: AuditEvent) -> dict[str, Any]:
    try:
        document = event.document
        columns(document)
    except (ValueError, LookupError, TypeError, AttributeError):
        return _from_columns(event)
    return document if isinstance(document.get("metadata"), dict) else _from_columns(event)


def _facts(told: Mapping[str, Any]) -> dict[str, Any]:
    metadata: dict[str, Any] = told["metadata"]
    if told["event"] != EventName.CERTIFICATE_ISSUED:
        return metadata
    return {_WORDS.get(name, name): value for name, value in metadata.items()}


def _from_columns(event: AuditEvent) -> dict[str, Any]:
    return {
        "ts": timestamp(event.at),
        "event": event.name,
        "actor": {"type": event.actor_kind, "id": event.actor_id, "label": event.actor_label},
        "resource": {
            "type": event.resource_type,
            "id": event.resource_id,
            "label": event.resource_label,
            "serial": event.serial or None,
        },
        "metadata": {},
        "ip": event.ip or None,
        "trace_id": event.trace_id,
    }


def _serial(resource: dict[str, Any]) -> str | None:
    return serial_text(resource["serial"]) if resource.get("serial") else None
