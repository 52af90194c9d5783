"""An office whose CAs answer FastPKI's clients, and people who speak as those do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography import x509

from accounts.services.sign_in_tokens import sign_in_by_password
from cas.models import CertificateAuthority
from cas.orders import Dialect
from cas.services.standing import enable_dialect
from kernel.actor import Actor, ActorKind
from kernel.ref import Ref
from kernel.secret import Secret
from tests import cast
from tests.api.wire import Wire
from tests.office import Office, open_office
from tests.remembered import remembered

SOMEBODY = Actor(
    kind=ActorKind.USER, id=0, label="", organization_id=None, permissions=frozenset(), ip="192.0.2.9", trace_id=""
)


@dataclass(frozen=True)
class Client:
    """A person of an office who has signed in as FastPKI's command line does."""

    office: Office
    token: str

    @property
    def wire(self) -> Wire:
        return Wire(self.token)

    @property
    def ca(self) -> CertificateAuthority:
        return self.office.issuing


def token_of(person: cast.Person) -> str:
    """What `fastpki auth login` keeps."""
    pair = sign_in_by_password(actor=SOMEBODY, name=person.user.email, password=Secret(cast.PASSWORD))
    return pair.access.reveal().decode()


@remembered
def fastpki_office(name: str = "ACME") -> Client:
    """Root and issuing CA are both open to these clients; who has signed in is the owner."""
    office = open_office(name)
    for ca in (office.root, office.issuing):
        enable_dialect(actor=office.owner, ca=Ref("pk", ca.pk), dialect=Dialect.FASTPKI)
    return Client(office, token_of(office.person))


def certificate_body(common_name: str = "api.example.com", **changes: Any) -> dict[str, Any]:
    """The body of the document's first example."""
    return {
        "common_name": common_name,
        "subject_dn": f"CN={common_name},O=Acme Corp,C=US",
        "certificate_type": "server",
        **changes,
    }


def certificate_in(answer: Any) -> x509.Certificate:
    assert answer.status_code in (200, 201), answer.content
    return x509.load_pem_x509_certificate(answer.json()["certificate"].encode())


def names_in(certificate: x509.Certificate) -> list[str]:
    """The values of the subject alternative names, in the order of the certificate."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]
