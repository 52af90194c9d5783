"""The calls and the events of services about many certificates at once, and about the filters that find them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cryptography.x509 import ReasonFlags

from accounts.roles import OrganizationRole
from certificates.services.downloads import download_many
from certificates.services.many import hand_over_many, renew_many, revoke_many, tag_many
from certificates.services.saved import delete_filter, save_filter, update_filter
from kernel.ref import Ref
from tests import cast

_SAVED: Final = "saved_filter.created"


def _save(s: Any) -> Ref:
    return Ref("pk", save_filter(actor=s.owner, name="Soon", query="?status=expiring").pk)


def _revoke(s: Any) -> None:
    revoke_many(actor=s.owner, certificates=[s.certificate, s.waiting], reason=ReasonFlags.superseded)


def _hand_over(s: Any) -> None:
    heir = cast.member(s.office.organization, OrganizationRole.OPERATOR, "heir@acme.example").user
    hand_over_many(actor=s.owner, certificates=[s.certificate], owner=heir.email)


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
    "certificates.hand_over_many": (_hand_over, ["user.created", "membership.created", "certificate.updated"]),
    "certificates.download_many": (
        lambda s: download_many(actor=s.owner, certificates=[s.certificate, s.held]),
        ["certificate.downloaded", "certificate.downloaded"],
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
