"""CSRs that are approved before anybody has chosen who signs them: subject, names and key, and nothing else.

They are requests like others, decided on by the same people in the same way (`requests`). Whoever signs an approved one
chooses the template, within whose role everything must lie, and the validity; names may be left out. The
approval counts for what the template asks for, which says so to let nothing else in. What CA and role ask for is an
approval of a certificate under them, and this one is of none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction
from django.utils import timezone

from accounts import policy, vault
from accounts.selectors import get_organization, person_of
from audit import services as audit
from audit.events import EventName
from cas import selectors as cas_selectors
from cas.chains import lock_chain
from cas.core.csr import CsrFacts, read_csr
from cas.core.csr_signing import make_csr
from cas.core.general_names import canonical, general_name, general_name_text, kind_of
from cas.core.keys import PublicKey, algorithm_of, generate, public_key_sha256, serialize_private_key
from cas.core.names import format_name, name_errors, parse_name, rebuilt
from cas.core.plan import key_errors
from cas.models import Template
from cas.services.restrictions import require_allowed, restriction_of
from certificates.csr_orders import CsrOrder, SignCsrOrder
from certificates.models import Request
from certificates.orders import IssueOrder
from certificates.request_selectors import get_csr, lock_request
from certificates.services import approval
from certificates.services.approval import refuse_guarded
from certificates.services.fulfilment import finish, requester_of, require_quorum, require_requester
from certificates.services.minting import Issued, KeyMaterial, Wanted, mint, rehearse
from certificates.services.requests import LIFETIME, not_now, record
from certificates.services.submission import permitted_template
from kernel.actor import Actor
from kernel.errors import Conflict, FieldError, Invalid, field_error
from kernel.permissions import Permission
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import _

_TABLE: Final = "certificates_request"
_MOST_NAMES: Final = 1000
_MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class _Csr:
    """A CSR that nothing is wrong with by itself, its names in canonical form."""

    subject: x509.Name
    sans: tuple[x509.GeneralName, ...]
    public_key: PublicKey
    request: x509.CertificateSigningRequest
    private_key: Secret | None


def submit_csr(*, actor: Actor, order: CsrOrder) -> Request:
    """Ask for a CSR to be accepted; where its key is made here, it is sealed and handed to nobody.

    Raises NotFound (organization), Denied (permission; nobody answers for the actor), Invalid with every violation on
    `subject`, `sans[n]` and `public_key`.
    """
    organization = get_organization(order.organization, visible_to=actor)
    policy.require(actor, Permission.CERTIFICATES_ISSUE, organization_id=organization.pk)
    person = person_of(actor)
    # Before the transaction: making a key takes up to seconds.
    csr = _read(order, organization.pk)
    facts = _facts(csr)
    row = Request(
        organization=organization,
        kind=Request.Kind.CSR,
        subject=facts["subject"],
        sans=facts["sans"],
        csr=csr.request.public_bytes(Encoding.DER),
        key_algorithm=facts["key_algorithm"],
        facts=facts,
        digest=approval.digest_of(facts),
        approvals_needed=1,
        demands=approval.written([approval.Demand(1)]),
        requester_kind=actor.kind,
        requester_id=actor.id,
        requester_label=actor.label,
        person=person,
        maker_id=actor.maker_id,
        expires_at=timezone.now() + LIFETIME,
        event=audit.new_event_id(),
    )
    with transaction.atomic():
        if csr.private_key is not None:
            row.sealed_key = vault.seal_secret(
                csr.private_key, organization_id=organization.pk, table=_TABLE, row=row.public_id
            )
        row.save(force_insert=True)
        told = {name: facts[name] for name in ("key_algorithm", "key", "made_here")}
        names = [name for _kind, name in row.sans][:_MOST_TOLD]
        record(actor, EventName.REQUEST_SUBMITTED, row, event_id=row.event, names=names, **told)
    return row


def sign_csr(*, actor: Actor, order: SignCsrOrder) -> Issued:
    """Issue what was approved, under a CA and for a time that the actor chooses. A key that was made here stays here.

    Whoever signs is bound by an issuance policy of their own, as the requester is. Raises NotFound (CSR, template, CA),
    Denied (permission, passphrase; CA or role ask for an approval of their own; a policy is missing), Conflict (it is
    not approved, by as many as the template asks for, or has expired; names that nobody approved; its requester may
    not issue any more; its key is here, and the role keeps none), Invalid with every violation, Unavailable.
    """
    row = get_csr(order.request, visible_to=actor)
    template = permitted_template(actor, order.ca, order.template)
    if template.organization_id != row.organization_id:
        raise cas_selectors.ca_not_found()
    with transaction.atomic():
        row = lock_request(Ref("pk", row.pk), visible_to=actor)
        _require_signable(row, template)
        key = KeyMaterial(read_csr(bytes(row.csr or b"")).public_key, _private_key(row))
        wanted, now = Wanted(_issue_order(row, order, template), key), timezone.now()
        plan = rehearse(template, wanted, now=now)
        # The requester's policy is judged by `mint`; of CA and validity it is the signer who disposes.
        require_allowed(restriction_of(actor), plan, ca_id=template.ca_id)
        agreed = approval.digest_of(approval.facts_of(plan, template, made_here=wanted.made_here))
        wanted = replace(wanted, approval=approval.Approval(agreed))
        issued = mint(requester_of(row), template, wanted, now=now)
        finish(actor, row, issued.certificate)
    return issued


def _read(order: CsrOrder, organization_id: int) -> _Csr:
    if isinstance(order.key, CsrFacts):
        brought = order.key
        hashes = {public_key_sha256(brought.public_key)}
        forbidden = cas_selectors.forbidden_keys(hashes, organization_id=organization_id)
        subject, sans = _judged_names(brought.subject, brought.sans, key_errors(brought.public_key, forbidden))
        return _Csr(subject, sans, brought.public_key, brought.request, None)
    subject, sans = _judged_names(order.subject, order.sans, [])
    key = generate(order.key)
    request = make_csr(subject, sans, key)
    return _Csr(subject, sans, key.public_key(), request, serialize_private_key(key, encoding="der"))


def _judged_names(
    subject: x509.Name, wished: Sequence[x509.GeneralName], errors: list[FieldError]
) -> tuple[x509.Name, tuple[x509.GeneralName, ...]]:
    """Subject and names as they will stand. Raises Invalid with everything that is wrong with them, and the errors."""
    sans, wrong = _canonical(wished)
    errors = [*errors, *name_errors(subject), *wrong]
    if not subject.rdns and not wished:
        text = _("there is neither a subject nor a subject alternative name")
        errors.append(field_error("subject", "no-name", text))
    if errors:
        raise Invalid(errors=errors)
    return rebuilt(subject), sans


def _canonical(sans: Sequence[x509.GeneralName]) -> tuple[tuple[x509.GeneralName, ...], list[FieldError]]:
    if len(sans) > _MOST_NAMES:
        return (), [field_error("sans", "too-many-names", _("more than %(limit)s names"), limit=_MOST_NAMES)]
    found: list[x509.GeneralName] = []
    errors: list[FieldError] = []
    for index, san in enumerate(sans):
        try:
            found.append(canonical(san, field=f"sans[{index}]"))
        except Invalid as error:
            errors += error.errors
    return tuple(dict.fromkeys(found)), errors


def _facts(csr: _Csr) -> dict[str, Any]:
    """What people agree to."""
    return {
        "kind": Request.Kind.CSR.value,
        "subject": format_name(csr.subject),
        "sans": [[kind_of(san).value, general_name_text(san)] for san in csr.sans],
        "key_algorithm": algorithm_of(csr.public_key).value,
        "key": public_key_sha256(csr.public_key),
        "made_here": csr.private_key is not None,
    }


def _require_signable(row: Request, template: Template) -> None:
    if row.status != Request.Status.APPROVED:
        raise not_now(row)
    if row.expires_at <= timezone.now():
        raise Conflict(_("The request has expired."), code="request-expired")
    refuse_guarded(template, lock_chain(template.ca_id)[0], template.role)
    require_requester(row)
    require_quorum(row, _demands_of(template))
    if row.sealed_key is not None and not template.role.store_private_keys:
        text = _("The key of this CSR stays here, and the role %(role)s keeps no keys.")
        raise Conflict(text, code="role-keeps-no-keys", role=template.role.name)


def _demands_of(template: Template) -> list[approval.Demand]:
    if not template.requires_approval:
        return []
    return [approval.Demand(template.approvals_needed, template.approver_role)]


def _issue_order(row: Request, order: SignCsrOrder, template: Template) -> IssueOrder:
    approved = tuple(general_name(text, kind) for kind, text in row.sans)
    sans = approved if order.sans is None else order.sans
    if beyond := [general_name_text(name) for name in sans if name not in approved]:
        text = _("Nobody has approved these names: %(names)s.")
        raise Conflict(text, code="names-not-approved", names=", ".join(beyond[:_MOST_TOLD]))
    return IssueOrder(
        template=template.code,
        key=read_csr(bytes(row.csr or b"")),
        subject=parse_name(row.subject),
        sans=sans,
        validity=order.validity,
        passphrase=order.passphrase,
    )


def _private_key(row: Request) -> Secret | None:
    if row.sealed_key is None:
        return None
    blob = bytes(row.sealed_key)
    return vault.open_secret(blob, organization_id=row.organization_id, table=_TABLE, row=row.public_id)
