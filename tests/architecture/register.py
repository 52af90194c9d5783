"""The calls and the events of services about many certificates at once, and about the filters that find them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cryptography.x509 import ReasonFlags

from certificates.services.many import renew_many, revoke_many, tag_many
from certificates.services.saved import delete_filter, save_filter, update_filter
from kernel.ref import Ref

_SAVED: Final = "saved_filter.created"


def _save(s: Any) -> Ref:
    return Ref("pk", save_filter(actor=s.owner, name="Soon", query="?status=expiring").pk)


def _revoke(s: Any) -> None:
    revoke_many(actor=s.owner, certificates=[s.certificate, s.waiting], reason=ReasonFlags.superseded)


REGISTER_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "certificates.revoke_many": (_revoke, ["certificate.revoked", "certificate.revoked"]),
    "certificates.renew_many": (
        lambda s: renew_many(actor=s.owner, certificates=[s.certificate, s.held, s.waiting]),
        ["certificate.issued", "certificate.issued"],
    ),
    "certificates.tag_many": (
        lambda s: tag_many(actor=s.owner, certificates=[s.certificate, s.held], add=["x"]),
        ["certificate.updated", "certificate.updated"],
    ),
    "certificates.save_filter": (_save, [_SAVED]),
    "certificates.update_filter": (
        lambda s: update_filter(actor=s.owner, saved=_save(s), name="Late", is_shared=True),
        [_SAVED, "saved_filter.updated"],
    ),
    "certificates.delete_filter": (
        lambda s: delete_filter(actor=s.owner, saved=_save(s)),
        [_SAVED, "saved_filter.deleted"],
    ),
}
