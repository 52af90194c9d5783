"""A day's work in an office that was restored: `python -m tests.pkiproject.restored` prints what came of it as JSON."""

from __future__ import annotations

import json
from typing import Any

import django

django.setup()

from cryptography import x509  # noqa: E402
from cryptography.hazmat.primitives.hashes import SHA256  # noqa: E402
from cryptography.x509 import ocsp  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Membership, User  # noqa: E402
from accounts.services.credentials import authenticate_token  # noqa: E402
from accounts.services.organizations import add_member  # noqa: E402
from accounts.services.people import actor_for_user  # noqa: E402
from audit import services as audit  # noqa: E402
from audit.models import AuditEvent  # noqa: E402
from cas.core.formats import to_pem  # noqa: E402
from cas.models import Template  # noqa: E402
from certificates.models import Certificate, CrlScope  # noqa: E402
from certificates.services.crl import publish_crl  # noqa: E402
from certificates.services.issuance import issue_at_once  # noqa: E402
from certificates.services.keys import collect_private_key  # noqa: E402
from certificates.services.ocsp import answer_ocsp  # noqa: E402
from kernel.actor import SYSTEM  # noqa: E402
from kernel.ref import Ref  # noqa: E402
from kernel.secret import Secret  # noqa: E402
from tests.cast import SUPERUSER  # noqa: E402
from tests.office import order_for  # noqa: E402


def work(token: str) -> dict[str, Any]:
    template = Template.objects.get()
    actor = authenticate_token(Secret(token), ip=None)
    issued = issue_at_once(actor=actor, order=order_for(template, "restored.acme.test"))
    scopes = CrlScope.objects.filter(ca=template.ca)
    waiting = Certificate.objects.get(key_custody="waiting")
    collected = collect_private_key(actor=actor, certificate=Ref("pk", waiting.pk))
    return {
        "serial": issued.certificate.serial,
        "chain": [to_pem(each) for each in (issued.x509, *issued.chain)],
        "crl_numbers": [crl.number for scope in scopes if (crl := publish_crl(actor=SYSTEM, scope=scope))],
        "ocsp": {row.serial: _status(row, issued.chain[0]) for row in Certificate.objects.filter(ca=template.ca)},
        "collected": bool(collected),
        "membership": _new_membership().pk,
        "sessions": Session.objects.count(),
        "events": sorted(set(AuditEvent.objects.values_list("name", flat=True))),
        "log": _go_on_sealing(),
    }


def _status(row: Certificate, issuer: x509.Certificate) -> str:
    request = ocsp.OCSPRequestBuilder().add_certificate(row.body.x509, issuer, SHA256()).build()
    answer = answer_ocsp(ca_id=row.ca_id, issuer=issuer, request=request.public_bytes(_der()), now=timezone.now())
    return ocsp.load_der_ocsp_response(answer.body).certificate_status.name


def _der() -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def _new_membership() -> Membership:
    organization, guest = Template.objects.get().organization, User.objects.get(email="guest@localhost")
    return add_member(actor=SUPERUSER, organization=organization, user=guest, role="member")


def _go_on_sealing() -> dict[str, Any]:
    """Sealed as it is, and again after the loss was accepted."""
    before = audit.seal(actor=SYSTEM)
    losses = len(audit.find_losses())
    call_command("accept_log_loss", reason="the disk burned down")
    after = audit.seal(actor=SYSTEM)
    told = AuditEvent.objects.filter(name="audit.loss_accepted").count()
    return {
        "sealed": before,
        "losses": losses,
        "sealed_after": after,
        "told": told,
        "findings": [str(each) for each in audit.verify().findings],
    }


def main(token: str) -> None:
    actor_for_user(User.objects.get(email="owner@acme.example"))
    print(json.dumps(work(token)))  # noqa: T201


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
