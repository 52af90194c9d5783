"""The calls and the events of services that came with the dialects of other systems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cas.core.formats import to_pem
from cas.core.keys import KeyAlgorithm, generate
from cas.core.names import parse_name
from cas.orders import Dialect, RoleOrder
from cas.selectors import standing_template
from cas.services import issuing_roles
from cas.services.roles import order_of
from cas.services.standing import enable_dialect
from cas.standing import Slot
from certificates.csr_orders import CsrOrder, SignCsrOrder
from certificates.import_orders import ImportOrder
from certificates.services import csrs, imports
from certificates.services.requests import approve_request
from kernel.ref import Ref
from tests import elsewhere


def issuing_role_of(s: Any) -> Any:
    order = RoleOrder(ca=Ref("pk", s.office.issuing.pk), name="named", max_ttl=s.office.role.max_ttl)
    return issuing_roles.create_issuing_role(actor=s.owner, order=order)


def _update_role(s: Any) -> None:
    role = issuing_role_of(s)
    shorter = replace(order_of(role), max_ttl=role.max_ttl / 100)
    issuing_roles.update_issuing_role(actor=s.owner, role=role, order=shorter)


def _retire_role(s: Any) -> None:
    issuing_roles.retire_issuing_role(actor=s.owner, role=issuing_role_of(s))


def _import(s: Any) -> None:
    old, key = elsewhere.root(), generate(KeyAlgorithm.ECDSA_P256)
    leaf = old.sign(parse_name("CN=old.acme.test"), key.public_key(), is_ca=False)
    order = ImportOrder(organization=Ref("pk", s.office.organization.pk), certificate=to_pem(leaf).encode())
    imports.import_certificate(actor=s.owner, order=order)


def csr_of(s: Any) -> Any:
    order = CsrOrder(
        organization=Ref("pk", s.office.organization.pk),
        key=KeyAlgorithm.ECDSA_P256,
        subject=parse_name("CN=db.acme.test"),
    )
    return csrs.submit_csr(actor=s.owner, order=order)


def _sign(s: Any) -> None:
    row, ca = csr_of(s), Ref("pk", s.office.issuing.pk)
    approve_request(actor=s.approver, request=Ref("pk", row.pk), digest=row.digest)
    enable_dialect(actor=s.owner, ca=ca, dialect=Dialect.SCAIVAULT)
    code = standing_template(ca, Slot.SCAIVAULT_CSR, visible_to=s.owner).code
    csrs.sign_csr(actor=s.owner, order=SignCsrOrder(request=Ref("pk", row.pk), ca=ca, template=code))


DIALECT_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "cas.create_issuing_role": (issuing_role_of, ["role.created", "template.created"]),
    "cas.update_issuing_role": (
        _update_role,
        ["role.created", "template.created", "template.updated", "role.updated"],
    ),
    "cas.retire_issuing_role": (
        _retire_role,
        ["role.created", "template.created", "template.retired", "role.retired"],
    ),
    "certificates.import_certificate": (_import, ["certificate.imported"]),
    "certificates.submit_csr": (csr_of, ["request.submitted"]),
    "certificates.sign_csr": (
        _sign,
        [
            "request.submitted",
            "request.approved",
            "role.created",
            "template.created",
            "certificate.issued",
            "request.fulfilled",
        ],
    ),
}
