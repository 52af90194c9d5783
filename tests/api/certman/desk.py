"""An office that answers Certman's clients: the two CAs of the document's examples, and keys for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from accounts.grants import GrantOrder
from accounts.services.api_keys import create_api_key
from cas.core.keys import KeyAlgorithm
from cas.core.names import parse_name
from cas.models import CertificateAuthority
from cas.orders import Dialect
from certificates.services.authorities import establish_authority
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.api.wire import Wire
from tests.office import authority_order
from tests.remembered import remembered

PASSPHRASE = "correct horse battery"
EVERYTHING = {"can_read": True, "can_issue": True, "can_revoke": True}


@dataclass(frozen=True)
class Workspace:
    """An organization with a root and an intermediate, and its owner."""

    person: cast.Person
    root: CertificateAuthority
    issuing: CertificateAuthority

    def key(self, *grants: GrantOrder, name: str = "Production Key") -> Wire:
        """A `cm_` key: for everything at both CAs, where no grants are given."""
        wanted = grants or (GrantOrder(self.root.pk, **EVERYTHING), GrantOrder(self.issuing.pk, **EVERYTHING))
        made = create_api_key(
            actor=self.person.actor,
            organization=self.person.organization,
            owner=self.person.user,
            name=name,
            grants=list(wanted),
        )
        return Wire(made.token.reveal().decode())


@remembered
def open_workspace(name: str = "My Workspace", passphrase: str | None = None) -> Workspace:
    """The CAs of the examples; the intermediate behind a passphrase where one is given."""
    organization = cast.organization(name)
    person = cast.member(organization, email=f"user@{organization.slug}.example")
    order = authority_order(organization, "Production Root CA", dialect=Dialect.CERTMAN)
    subject = "CN=Production Root CA,O=Acme Corp,L=San Francisco,ST=California,C=US"
    root = establish_authority(
        actor=person.actor,
        order=replace(order, subject=parse_name(subject), key_algorithm=KeyAlgorithm.ECDSA_P384),
    )
    below = replace(
        order,
        name="Production Intermediate CA",
        subject=parse_name("CN=Production Intermediate CA,O=Acme Corp"),
        validity=None,
        parent=Ref("pk", root.pk),
        path_length=0,
        passphrase=Secret(passphrase) if passphrase else None,
    )
    return Workspace(person, root, establish_authority(actor=person.actor, order=below))


def wish(ca: CertificateAuthority, name: str = "api.example.com", **more: Any) -> dict[str, Any]:
    """The least that a managed certificate is asked for with."""
    return {"caId": str(ca.public_id), "commonName": name, **more}


def issued(wire: Wire, ca: CertificateAuthority, name: str = "api.example.com", **more: Any) -> dict[str, Any]:
    """A certificate, as it was answered."""
    answer = wire.post("/v1/certificates", wish(ca, name, **more))
    assert answer.status_code == 200, answer.content
    made: dict[str, Any] = answer.json()
    return made


def error_of(answer: Any, status: int) -> str:
    """The sentence of a refusal."""
    assert answer.status_code == status, (answer.status_code, answer.content)
    body = answer.json()
    assert list(body) == ["error"]
    said: str = body["error"]
    return said
