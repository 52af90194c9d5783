"""The same for many certificates of the register, one after the other: each is judged, done and told for itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cryptography import x509
from django.db import transaction

from accounts import policy
from cas.core.keys import KeyAlgorithm, KeyFamily
from certificates import selectors
from certificates.models import Certificate, Request
from certificates.orders import Managed, RenewOrder, RevokeOrder
from certificates.services.editing import active_member, no_such_member, require_hand_over, update_certificate
from certificates.services.labels import label_errors
from certificates.services.renewal import foresee_renewal, renew_certificate
from certificates.services.revocation import comment_errors, require_revocable, revoke_certificate
from certificates.services.submission import AwaitingApproval
from kernel.actor import Actor
from kernel.errors import DomainError, Invalid, Unavailable
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.text import Text, _

log = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 500
# One takes up to seconds to make; whoever asked waits for the answer.
_MOST_SLOW_KEYS: Final = 20

Custody = Certificate.KeyCustody


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one certificate, or would become of it.

    `refusals`: why nothing. `successor`: what renews it. `waits`: a renewal that others must agree to; `request`, where
    it was filed. `is_changed`: False where it was as wished before.
    """

    certificate: Certificate
    refusals: tuple[Text, ...] = ()
    successor: Certificate | None = None
    request: Request | None = None
    waits: bool = False
    is_changed: bool = True

    @property
    def is_refused(self) -> bool:
        return bool(self.refusals)


_Step = Callable[[Certificate], Outcome]
Report = Callable[[Outcome], None]
"""Hears what became of each, as soon as it is done; what it raises is raised."""


def _to_nobody(outcome: Outcome) -> None:
    pass


def revoke_many(
    *,
    actor: Actor,
    certificates: Sequence[Certificate],
    reason: x509.ReasonFlags,
    comment: str = "",
    report: Report = _to_nobody,
) -> list[Outcome]:
    """Each as `revoke_certificate` would, in its own transaction: one that is refused takes no other with it.

    Raises Invalid: none or more than 500, the comment.
    """
    _require_some(certificates)
    if errors := comment_errors(comment):
        raise Invalid(errors=errors)

    def revoke(row: Certificate) -> Outcome:
        order = RevokeOrder(certificate=Ref("pk", row.pk), reason=reason, comment=comment)
        return Outcome(revoke_certificate(actor=actor, order=order))

    return _reported(certificates, revoke, report)


def renew_many(*, actor: Actor, certificates: Sequence[Certificate], report: Report = _to_nobody) -> list[Outcome]:
    """Each as `renew_certificate` would; keys that are made here wait to be collected. Raises Invalid: none or more
    than 500.
    """
    _require_some(certificates)

    def renew(row: Certificate) -> Outcome:
        issued = renew_certificate(actor=actor, order=_renewal_of(row))
        if isinstance(issued, AwaitingApproval):
            return Outcome(row, request=issued.request, waits=True)
        return Outcome(row, successor=issued.certificate)

    return _reported(certificates, _sparing(renew), report)


def tag_many(
    *,
    actor: Actor,
    certificates: Sequence[Certificate],
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    report: Report = _to_nobody,
) -> list[Outcome]:
    """Give tags to each and take others away, as `update_certificate` would; one that is so already stays untouched.

    Raises Invalid: none or more than 500, nothing to do, the tags.
    """
    _require_some(certificates)
    if errors := label_errors(add, ""):
        raise Invalid(errors=[replace(error, field="add") for error in errors])
    if not add and not remove:
        raise Invalid.of("add", "required", _("Name a tag to add or to take away."))

    def tag(row: Certificate) -> Outcome:
        with transaction.atomic():
            found = selectors.lock_certificate(Ref("pk", row.pk), visible_to=actor)
            wanted = list(dict.fromkeys(each for each in (*found.tags, *add) if each not in remove))
            if wanted == found.tags:
                return Outcome(found, is_changed=False)
            return Outcome(update_certificate(actor=actor, certificate=Ref("pk", found.pk), tags=wanted))

    return _reported(certificates, tag, report)


def hand_over_many(
    *, actor: Actor, certificates: Sequence[Certificate], owner: str, report: Report = _to_nobody
) -> list[Outcome]:
    """From now on the member with this e-mail address answers for each, as `update_certificate` would have it; one that
    is theirs already stays untouched.

    Raises Invalid: none or more than 500, no such member.
    """
    _require_some(certificates)
    people = {active_member(row.organization_id, owner) for row in certificates}
    if None in people:
        raise no_such_member()

    def hand_over(row: Certificate) -> Outcome:
        found = selectors.get_certificate(Ref("pk", row.pk), visible_to=actor)
        if found.owner in people:
            return Outcome(found, is_changed=False)
        return Outcome(update_certificate(actor=actor, certificate=Ref("pk", found.pk), owner=owner))

    return _reported(certificates, hand_over, report)


def foresee_revocations(certificates: Sequence[Certificate], *, visible_to: Actor) -> list[Outcome]:
    """What `revoke_many` would say now, for whatever reason but a hold; nothing is done."""

    def foresee(row: Certificate) -> Outcome:
        _require(visible_to, Permission.CERTIFICATES_REVOKE, row)
        require_revocable(row, x509.ReasonFlags.unspecified)
        return Outcome(row)

    return list(_each(certificates, foresee))


def foresee_renewals(certificates: Sequence[Certificate], *, visible_to: Actor) -> list[Outcome]:
    """What `renew_many` would say now; nothing is reserved, written or signed."""

    def foresee(row: Certificate) -> Outcome:
        return Outcome(row, waits=not foresee_renewal(_renewal_of(row), visible_to=visible_to))

    return list(_each(certificates, _sparing(foresee)))


def foresee_tags(certificates: Sequence[Certificate], *, visible_to: Actor) -> list[Outcome]:
    """Which of them the actor may give tags to."""

    def foresee(row: Certificate) -> Outcome:
        _require(visible_to, Permission.CERTIFICATES_ISSUE, row)
        return Outcome(row)

    return list(_each(certificates, foresee))


def foresee_handovers(certificates: Sequence[Certificate], *, visible_to: Actor) -> list[Outcome]:
    """Which of them could have another owner now."""

    def foresee(row: Certificate) -> Outcome:
        _require(visible_to, Permission.CERTIFICATES_ISSUE, row)
        require_hand_over(visible_to, row)
        return Outcome(row)

    return list(_each(certificates, foresee))


def _require_some(certificates: Sequence[Certificate]) -> None:
    if not 0 < len(certificates) <= MOST_AT_ONCE:
        raise Invalid.of("certificates", "out-of-range", _("From 1 to %(most)s certificates."), most=MOST_AT_ONCE)


def _require(actor: Actor, permission: Permission, row: Certificate) -> None:
    policy.require(actor, permission, organization_id=row.organization_id, ca_id=row.ca_id)


def _reported(certificates: Sequence[Certificate], step: _Step, report: Report) -> list[Outcome]:
    outcomes = []
    for outcome in _each(certificates, step):
        report(outcome)
        outcomes.append(outcome)
    return outcomes


def _each(certificates: Sequence[Certificate], step: _Step) -> Iterator[Outcome]:
    for row in certificates:
        try:
            yield step(row)
        except Invalid as refusal:
            yield Outcome(row, tuple(error.message for error in refusal.errors) or (refusal.message,))
        except DomainError as refusal:
            yield Outcome(row, (refusal.message,))
        except Exception:
            # Whoever asked must hear of those that are done already.
            log.exception("certificate %s of many: not done", row.pk)
            yield Outcome(row, (Text(_("This was not done, because something went wrong here."), {}),))


def _renewal_of(row: Certificate) -> RenewOrder:
    key = Managed(collect_later=True) if row.key_custody != Custody.SUBSCRIBER else None
    return RenewOrder(certificate=Ref("pk", row.pk), key=key)


def _sparing(renew: _Step) -> _Step:
    """The same, but for what would take too long, or needs somebody who knows a passphrase."""
    slow = 0

    def step(row: Certificate) -> Outcome:
        nonlocal slow
        if row.ca is not None and row.ca.passphrase_protected:
            raise Unavailable(_("%(ca)s is locked: it needs its passphrase."), code="ca-locked", ca=row.ca.name)
        if row.key_custody != Custody.SUBSCRIBER and KeyAlgorithm(row.key_algorithm).family is KeyFamily.RSA:
            if slow == _MOST_SLOW_KEYS:
                text = _("At most %(most)s RSA keys are made at once: renew this one afterwards.")
                raise Invalid.of("key", "too-many-keys", text, most=_MOST_SLOW_KEYS)
            outcome = renew(row)
            slow += 1
            return outcome
        return renew(row)

    return step
