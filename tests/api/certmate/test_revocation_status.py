"""What is revoked, for whoever asks: with a token, without one, with a bad one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cas.orders import Dialect
from cas.services.standing import enable_dialect
from certificates.models import Crl
from kernel.ref import Ref
from tests.api.certmate.conftest import CERTS, Client
from tests.api.wire import Wire, wire_of
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db
PUBLIC = ("/api/ocsp/status/1", "/api/crl/download/pem", "/api/crl/download/der", "/api/crl/download/info")


@pytest.fixture
def second(office: Office) -> Office:
    """Another organization that has client certificates."""
    other = open_office("Umbrella")
    enable_dialect(actor=other.owner, ca=Ref("pk", other.issuing.pk), dialect=Dialect.CERTMATE)
    return other


@pytest.mark.row("M2", "M60", "M66")
def test_of_the_only_organization_with_client_certificates_everybody_is_told(client: Client):
    serial = client.create()["serial_number"]
    assert Wire().get(f"/api/ocsp/status/{serial}").json()["certificate_status"] == "good"
    for path in PUBLIC:
        assert Wire().get(path).status_code == 200, path


@pytest.mark.row("M2")
@pytest.mark.parametrize("path", PUBLIC)
def test_of_several_a_credential_says_which_is_meant(office: Office, second: Office, path: str):
    refused = Wire().get(path)
    assert (refused.status_code, refused.json()["code"]) == (401, "AUTH_HEADER_MISSING")
    assert wire_of(office.person).get(path).status_code == 200
    assert wire_of(second.person).get(path).status_code == 200


@pytest.mark.row("M2", "M3")
@pytest.mark.parametrize("path", PUBLIC)
def test_a_bad_token_is_not_as_if_none(office: Office, path: str):
    assert Wire("cm_" + "a" * 32).get(path).status_code == 401


def test_nobody_is_told_of_the_certificates_of_another_organization(client: Client, api: Wire, second: Office):
    made = client.create()
    api.post(f"{CERTS}/{made['identifier']}/revoke")
    stranger = wire_of(second.person)
    said = stranger.get(f"/api/ocsp/status/{made['serial_number']}").json()
    assert said["certificate_status"] == "unknown"
    assert "Umbrella" in stranger.get("/api/crl/download/info").json()["issuer"]


@pytest.mark.row("M65", "M70")
@pytest.mark.parametrize("path", PUBLIC)
def test_without_a_client_ca_there_is_nothing_to_say(path: str):
    office = open_office()
    for wire in (Wire(), wire_of(office.person)):
        answer = wire.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "NO_CLIENT_CA")


@pytest.mark.row("M70")
@pytest.mark.parametrize("kind", ["pem", "der", "info"])
def test_pr_391_a_crl_that_has_ended_is_not_handed_out(office: Office, kind: str):
    Crl.objects.filter(scope__ca=office.issuing).update(next_update=timezone.now() - timedelta(seconds=1))
    answer = Wire().get(f"/api/crl/download/{kind}")
    assert (answer.status_code, answer.json()["code"]) == (503, "NO_CURRENT_CRL")


NO_SERIALS = ["", "x", "1 2", "-1", "0x", ":", "1.5", "g" * 10, "1" * 65]


@pytest.mark.row("M60")
@pytest.mark.parametrize("serial", NO_SERIALS)
def test_what_is_no_serial_number_is_no_address(api: Wire, serial: str):
    assert api.get(f"/api/ocsp/status/{serial}").status_code == 404


@pytest.mark.row("M60", "M63")
@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("12345678", 12345678),
        ("0x12345678", 0x12345678),
        ("12:34:56:78", 0x12345678),
        ("0A", 10),
        ("0", 0),
        ("00012", 12),
        (str(2**160 - 1), 2**160 - 1),
        ("f" * 40, 2**160 - 1),
    ],
)
def test_digits_are_decimal_and_never_guessed_at(api: Wire, written: str, number: int):
    said = api.get(f"/api/ocsp/status/{written}").json()
    assert (said["certificate_serial"], said["certificate_status"]) == (number, "unknown")


def test_certificates_by_a_ca_that_was_succeeded_are_still_known(client: Client, api: Wire, office: Office):
    """The client CA of now answers for the one that it has come after."""
    made = client.create()
    template = office.issuing.templates.get(code="certmate.client")
    office.root.predecessor = office.issuing
    office.root.save()
    template.ca = office.root
    template.role.ca = office.root
    template.role.save()
    template.save()
    assert api.get(f"/api/ocsp/status/{made['serial_number']}").json()["certificate_status"] == "good"
    info = api.get("/api/crl/download/info").json()
    assert info["issuer"] == "CN=ACME Root, O=ACME"
