"""Holes that other systems had, by name: each of them is tried on whichever endpoints have the same power here."""

from __future__ import annotations

import io
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client

from accounts.jwks import refresh_keys
from accounts.models import ApiKey, User
from accounts.services.oidc_issuers import IssuerOrder, create_oidc_issuer
from accounts.services.people import create_first_administrator
from cas import keystore
from cas.models import CaKey, CertificateAuthority
from certificates.models import Certificate, OcspResponder, PublicPath, Revocation
from kernel.permissions import Permission
from kernel.secret import Secret
from pkiproject.archive.exporting import export_everything
from pkiproject.archive.stream import ArchiveBroken, Lock, read_lines
from tests import cast, pki
from tests.api.wire import Wire, wire_of, wrong_fields
from tests.office import Office, open_office
from tests.postgres import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db

CERTIFICATES = "/api/v2/certificates"
# prime256v1, as DER writes it.
P256_OID = bytes.fromhex("06082a8648ce3d030107")
ISSUE = {"template_code": "web-tls", "common_name": "www.acme.test"}


@pytest.fixture
def office(db: None) -> Office:
    return open_office()


@pytest.fixture
def api(office: Office) -> Wire:
    return wire_of(office.person)


@pytest.fixture
def stranger(db: None) -> Wire:
    return wire_of(cast.stranger())


def issued(answer: Any) -> x509.Certificate:
    assert answer.status_code == 201, answer.content
    return Certificate.objects.get(public_id=answer.json()["id"]).body.x509


def test_v1_an_owner_changes_nobody_of_another_organization(office: Office, stranger: Wire):
    member = office.organization.memberships.get()
    before = (member.user.password, member.user.email, member.role)
    path = f"/api/v2/members/{member.public_id}"
    assert stranger.patch(path, {"role": "member"}).status_code == 404
    assert stranger.delete(path).status_code == 404
    member.refresh_from_db()
    member.user.refresh_from_db()
    assert (member.user.password, member.user.email, member.role) == before


@pytest.mark.parametrize("field", ["password", "email", "is_superuser", "username", "must_change_password"])
def test_v1_no_owner_writes_into_an_account(office: Office, api: Wire, field: str):
    teammate = cast.member(office.organization, "member", "teammate@acme.example")
    row = teammate.user.memberships.get()
    answer = api.patch(f"/api/v2/members/{row.public_id}", {field: "x"})
    assert wrong_fields(answer) == {field: "unknown-field"}


def test_v2_nobody_signs_a_ca_under_the_root_of_another(office: Office, stranger: Wire):
    count = CertificateAuthority.objects.count()
    body = {"name": "x", "subject": {"common_name": "x"}, "parent_id": str(office.root.public_id)}
    foreign = stranger.post("/api/v2/cas", body)
    absent = stranger.post("/api/v2/cas", body | {"parent_id": "00000000-0000-4000-8000-000000000000"})
    assert [(each.status_code, each.json()["type"].rpartition("/")[2]) for each in (foreign, absent)] == [
        (404, "ca-not-found")
    ] * 2
    office.root.refresh_from_db()
    assert office.root.allow_leaf_certificates
    assert CertificateAuthority.objects.count() == count


def test_v3_who_belongs_to_no_organization_sees_nothing(office: Office):
    office.issue()
    person = cast.member(office.organization, "owner", "leaving@acme.example")
    client = Client()
    client.force_login(person.user, backend="accounts.sessions.PasswordBackend")
    person.user.memberships.all().delete()
    for path in (CERTIFICATES, "/api/v2/cas", "/api/v2/members", "/api/v2/audit"):
        assert client.get(path).status_code == 403, path


def test_v4_nobody_makes_members_in_another_organization(office: Office, stranger: Wire):
    body = {"email": "owner@umbrella.example", "role": "owner", "organization_id": str(office.organization.public_id)}
    assert stranger.post("/api/v2/members", body).status_code == 403
    assert stranger.post("/api/v2/invitations", body | {"email": "spy@x.example"}).status_code == 403
    assert office.organization.memberships.count() == 1


@pytest.mark.parametrize("role", ["member", "operator", "approver", "auditor"])
def test_v4_a_plain_member_makes_none_in_their_own(office: Office, role: str):
    wire = Client()
    person = cast.member(office.organization, role)
    wire.force_login(person.user, backend="accounts.sessions.PasswordBackend")
    body = {"email": "spy@x.example", "role": "member"}
    for path in ("/api/v2/members", "/api/v2/invitations", "/api/v2/api-keys", "/api/v2/organizations"):
        assert wire.post(path, body, content_type="application/json").status_code == 403, path


def test_v5_a_leaf_is_never_a_ca_whatever_its_request_says(office: Office, api: Wire):
    """CertMate PR 391 as well: extensions of a CSR were copied."""
    csr = pki.make_csr(subject="CN=www.acme.test", extensions=(x509.BasicConstraints(ca=True, path_length=None),))
    certificate = issued(api.post(CERTIFICATES, {"template_code": "web-tls", "csr": csr}))
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (False, None)
    assert not certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


@pytest.mark.parametrize("field", ["certificate_type", "type", "is_ca", "ca", "path_length"])
def test_v5_no_field_of_an_issuance_asks_for_a_ca(api: Wire, field: str):
    assert wrong_fields(api.post(CERTIFICATES, ISSUE | {field: "ca"})) == {field: "unknown-field"}


SUBJECTS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "a common name in the subject": (
        {"subject": {"common_name": "evil.bank.example"}},
        {"subject.common_name": "name-not-allowed"},
    ),
    "another beside the one that is allowed": (
        {"common_name": "www.acme.test", "subject": {"common_name": "evil.bank.example"}},
        {"common_name": "contradiction"},
    ),
    "a name among the names": (
        {"common_name": "www.acme.test", "sans": ["DNS:evil.bank.example"]},
        {"sans[0]": "name-not-allowed"},
    ),
}


@pytest.mark.parametrize(("wish", "wrong"), SUBJECTS.values(), ids=SUBJECTS)
def test_v6_the_policy_sees_what_will_be_signed(api: Wire, wish: dict[str, Any], wrong: dict[str, str]):
    before = Certificate.objects.count()
    assert wrong_fields(api.post(CERTIFICATES, {"template_code": "web-tls", **wish})) == wrong
    assert Certificate.objects.count() == before


def test_v6_a_request_brings_no_other_name(api: Wire):
    csr = pki.make_csr(subject="CN=evil.bank.example")
    before = Certificate.objects.count()
    answer = api.post(CERTIFICATES, {"template_code": "web-tls", "csr": csr})
    assert wrong_fields(answer) == {"subject.common_name": "name-not-allowed"}
    assert Certificate.objects.count() == before


@pytest.mark.parametrize("days", [100_000, 398, -1, 0])
def test_v7_nothing_outlives_its_role_or_its_issuer(api: Wire, days: int):
    assert wrong_fields(api.post(CERTIFICATES, ISSUE | {"validity_days": days})).keys() <= {"validity", "validity_days"}
    assert not Certificate.objects.exists()


def test_v8_an_attribute_that_nobody_knows_is_not_left_out(api: Wire):
    answer = api.post(CERTIFICATES, {"template_code": "web-tls", "subject": {"XX": "foo"}})
    assert answer.status_code == 422
    assert not Certificate.objects.exists()


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host"])
def test_v9_no_header_comes_into_a_certificate(api: Wire, settings: Any, header: str):
    settings.ALLOWED_HOSTS = ["*"]
    certificate = issued(api.send("POST", CERTIFICATES, ISSUE, **{header: "evil.example"}))
    assert b"evil.example" not in certificate.public_bytes(pki.Encoding.DER)


def test_v10_asking_for_a_crl_signs_none(office: Office, monkeypatch: pytest.MonkeyPatch):
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a public answer opened a CA key")

    monkeypatch.setattr(keystore, "open_signer", opened)
    urls = issued_crl_urls(office)
    assert urls
    first, second = (Client().get(urls[0]) for _ in range(2))
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    crl = x509.load_der_x509_crl(first.content)
    assert crl.extensions.get_extension_for_class(x509.CRLNumber)
    assert crl.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)


def issued_crl_urls(office: Office) -> list[str]:
    return list(PublicPath.objects.filter(ca=office.issuing, kind="crl").values_list("path", flat=True))


def test_v11_rights_end_with_the_membership(office: Office):
    person = cast.member(office.organization, "owner", "leaving@acme.example")
    wire = wire_of(person)
    mine = wire.post(CERTIFICATES, ISSUE).json()["id"]
    person.user.memberships.all().delete()
    assert wire.get(f"{CERTIFICATES}/{mine}").status_code == 401
    assert wire.post(f"{CERTIFICATES}/{mine}/revoke").status_code == 401


def test_v12_there_is_no_first_user_to_be_had_over_the_wire(db: None):
    assert not User.objects.exists()
    for path in ("/api/v2/members", "/api/v2/organizations", "/api/v2/api-keys", "/api/v1/users/"):
        assert Wire().post(path, {"name": "x", "email": "x@x.example"}).status_code == 401, path
    assert not User.objects.exists()


def test_v12_a_second_first_administrator_is_not_made(db: None, capsys: pytest.CaptureFixture[str]):
    cast.superuser()
    with suppress(CommandError):
        call_command("first_administrator")
    assert User.objects.count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_v12_of_many_who_begin_at_once_one_makes_the_first_administrator():
    assert not User.objects.exists()
    together, made = threading.Barrier(8), []

    def begin(number: int) -> None:
        together.wait(PATIENCE_SECONDS)
        try:
            made.append(create_first_administrator(actor=cast.SUPERUSER, email=f"root{number}@localhost"))
        finally:
            connection.close()

    threads = [threading.Thread(target=begin, args=[number]) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(PATIENCE_SECONDS)
    assert len(made) == 8
    assert sum(each is not None for each in made) == 1
    assert User.objects.count() == 1


def test_v13_a_ca_is_never_deleted(office: Office, api: Wire):
    for path in ("/api/v2/cas", "/api/v2/certificates"):
        row = office.issuing if path.endswith("cas") else office.issue().certificate
        assert api.delete(f"{path}/{row.public_id}").status_code == 405


def test_v13_no_key_lies_open(office: Office):
    """Whatever is written as a key is sealed: it loads as none, and carries none of the marks of one."""
    office.issue()
    rows = [row.sealed for row in CaKey.objects.all()] + [row.sealed_key for row in OcspResponder.objects.all()]
    assert len(rows) >= 2
    for blob in map(bytes, rows):
        with pytest.raises(ValueError):  # noqa: PT011  whatever it says
            load_der_private_key(blob, password=None)
        assert b"PRIVATE KEY" not in blob
        assert P256_OID not in blob


def test_v13_what_was_revoked_is_told_of_a_retired_ca_too(office: Office, api: Wire):
    row = office.issue().certificate
    assert api.post(f"{CERTIFICATES}/{row.public_id}/revoke").status_code == 200
    assert api.post(f"/api/v2/cas/{office.issuing.public_id}/retire").status_code == 200
    assert Revocation.objects.filter(ca=office.issuing, serial=row.serial).exists()
    assert Client().get("/" + issued_crl_urls(office)[0]).status_code == 200


def test_v14_a_bad_token_is_not_none(office: Office):
    for method, path in (("POST", "/api/v2/members"), ("GET", CERTIFICATES), ("POST", CERTIFICATES)):
        assert Wire("nonsense").send(method, path, {} if method == "POST" else None).status_code == 401


def test_v14_an_unknown_name_costs_as_much_as_a_wrong_password(monkeypatch: pytest.MonkeyPatch):
    person = cast.owner(cast.organization())
    hashed: list[str] = []
    real = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda self, password, salt: hashed.append(password) or real(
        self, password, salt))  # fmt: skip
    answers = []
    for name in (person.user.email, "nobody@acme.example"):
        hashed.clear()
        answer = Client().post("/sign-in/", {"username": name, "password": "wrong"})
        answers.append((answer.status_code, len(hashed)))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("path", "status"),
    [(f"{CERTIFICATES}/00000000-0000-4000-8000-000000000000", 404), (f"{CERTIFICATES}/x", 404),
     (f"{CERTIFICATES}?limit=x", 422), (f"{CERTIFICATES}?status=x", 422)],
)  # fmt: skip
def test_v15_and_certmate_1111_what_is_wrong_has_its_own_status(api: Wire, path: str, status: int):
    assert api.get(path).status_code == status


def test_v15_a_ca_with_a_name_that_is_taken_is_a_conflict_and_no_500(office: Office, api: Wire):
    body = {"name": office.issuing.name, "subject": {"common_name": "x"}}
    answer = api.post("/api/v2/cas", body)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "ca-exists")


def test_v15_a_key_of_a_request_is_kept_as_what_it_is(office: Office, api: Wire):
    """Not with the size of an RSA key that it is not."""
    csr = pki.make_csr(subject="CN=www.acme.test", key=ec.generate_private_key(ec.SECP256R1()))
    shown = api.post(CERTIFICATES, {"template_code": "web-tls", "csr": csr}).json()
    assert shown["key_algorithm"] == "ECDSA_P256"
    assert Certificate.objects.get(public_id=shown["id"]).key_algorithm == "ECDSA_P256"


def test_v15_what_a_new_member_may_is_kept_and_nothing_unknown_is_dropped(office: Office, api: Wire):
    body = {"email": cast.stranger().user.email, "role": "member", "capabilities": ["audit:read"]}
    assert wrong_fields(api.post("/api/v2/members", body)) == {"capabilities": "unknown-field"}
    row = office.organization.memberships.first()
    assert row is not None
    answer = api.patch(f"/api/v2/members/{row.public_id}", {"capabilities": ["nothing"]})
    assert wrong_fields(answer) == {"capabilities[0]": "unknown-permission"}
    kept = api.patch(f"/api/v2/members/{row.public_id}", {"capabilities": ["audit:read"]})
    assert kept.json()["capabilities"] == ["audit:read"]


# --- CertMate ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["auditor", "approver", "member"])
def test_certmate_221_a_viewer_neither_revokes_nor_pulls_keys(office: Office, role: str):
    row = office.issue().certificate
    client = Client()
    client.force_login(cast.member(office.organization, role).user, backend="accounts.sessions.PasswordBackend")
    for action in ("revoke", "private-key", "renew"):
        answer = client.post(f"{CERTIFICATES}/{row.public_id}/{action}", content_type="application/json")
        assert answer.status_code == 403, action
    row.refresh_from_db()
    assert row.state == "issued"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..%2f..%2fetc", "a/b.acme.test", "a\\b.acme.test", "\0.acme.test"]
)
def test_certmate_391_no_name_leaves_a_folder(api: Wire, name: str):
    status = 400 if "\0" in name else 422
    assert api.post(CERTIFICATES, ISSUE | {"common_name": name}).status_code == status
    assert not Certificate.objects.exists()


def test_certmate_603_renewing_forgets_no_revocation(office: Office, api: Wire):
    first = api.post(CERTIFICATES, ISSUE).json()["id"]
    assert api.post(f"{CERTIFICATES}/{first}/revoke").status_code == 200
    api.post(f"{CERTIFICATES}/{first}/renew")
    assert Certificate.objects.get(public_id=first).state == "revoked"


def test_certmate_408_who_is_disabled_is_out_at_once(office: Office):
    client = Client()
    client.force_login(office.person.user, backend="accounts.sessions.PasswordBackend")
    assert client.get(CERTIFICATES).status_code == 200
    User.objects.update(is_active=False)
    assert client.get(CERTIFICATES).status_code == 401
    assert client.get("/account/").status_code == 302


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "\\\\evil.example", "javascript:alert(1)"]
)
def test_certmate_402_no_sign_in_leads_elsewhere(office: Office, target: str):
    form = {"username": office.person.user.email, "password": cast.PASSWORD, "next": target}
    assert Client().post("/sign-in/", form).headers["Location"] == "/"


def test_certmate_1166_a_key_makes_no_stronger_one(office: Office):
    few = wire_of(office.person, Permission.API_KEYS_WRITE, Permission.CERTIFICATES_READ)
    before = ApiKey.objects.count()
    answer = few.post("/api/v2/api-keys", {"name": "x", "permissions": ["certificates:revoke"]})
    assert answer.status_code == 403
    assert ApiKey.objects.count() == before


# --- CertMate: renewals, backups, masks, what is asked elsewhere ------------------------------------------------------


def days_of(shown: dict[str, Any]) -> int:
    begin, end = (datetime.fromisoformat(shown[name]) for name in ("not_before", "not_after"))
    return (end - begin + timedelta(seconds=1)).days


def test_certmate_422_a_renewal_lasts_as_long_as_it_is_asked_to(api: Wire):
    first = api.post(CERTIFICATES, ISSUE | {"validity_days": 7}).json()
    renewed = api.post(f"{CERTIFICATES}/{first['id']}/renew", {"validity_days": 5})
    assert (renewed.status_code, days_of(first), days_of(renewed.json())) == (201, 7, 5)


def test_certmate_422_nobody_makes_another_key_for_who_brought_one(api: Wire):
    csr = pki.make_csr(subject="CN=www.acme.test")
    first = api.post(CERTIFICATES, {"template_code": "web-tls", "csr": csr}).json()
    answer = api.post(f"{CERTIFICATES}/{first['id']}/renew", {})
    assert wrong_fields(answer) == {"csr": "required"}
    assert Certificate.objects.count() == 1


def test_certmate_432_of_a_secret_nothing_but_its_beginning_is_shown(office: Office, api: Wire):
    token = api.post("/api/v2/api-keys", {"name": "x", "permissions": ["certificates:read"]}).json()["token"]
    shown = api.get("/api/v2/api-keys").content.decode() + api.get("/api/v2/audit").content.decode()
    assert token[:12] in shown, "by which its owner knows it again"
    assert token[:13] not in shown
    assert token[-4:] not in shown.replace(token[:12], "")


@pytest.mark.parametrize("written", ["2026-11-22T09:00:00Z", "2026-11-22T10:00:00+02:00", "2026-11-22T00:00:00-08:00"])
def test_certmate_432_the_end_of_a_key_is_a_time_and_no_text(
    office: Office, api: Wire, monkeypatch: pytest.MonkeyPatch, written: str
):
    """As text `2026-11-22T10…+02:00` would come after `2026-11-22T09…Z`; it is the moment that counts."""
    end = datetime.fromisoformat(written)
    before, after = end - timedelta(seconds=1), end + timedelta(seconds=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: before)
    body = {"name": "x", "permissions": ["certificates:read"], "expires_at": written}
    wire = Wire(api.post("/api/v2/api-keys", body).json()["token"])
    assert wire.get(CERTIFICATES).status_code == 200
    monkeypatch.setattr("django.utils.timezone.now", lambda: after)
    assert wire.get(CERTIFICATES).status_code == 401


@pytest.mark.parametrize("with_master_key", [False, True])
def test_certmate_595_582_409_an_archive_has_every_ca_and_shows_no_key(office: Office, with_master_key: bool):
    """Theirs that were safe to share had all keys in them, and then left the CA out."""
    issued_here = office.issue()
    lock = Lock(Secret(bytes(range(32))), is_key=True)
    file = io.BytesIO()
    export_everything(actor=cast.SUPERUSER, file=file, lock=lock, with_master_key=with_master_key)
    content = file.getvalue()
    assert P256_OID not in content
    assert settings.MASTER_KEY.reveal() not in content
    assert issued_here.certificate.fingerprint.encode() not in content
    file.seek(0)
    lines = b"".join(read_lines(file, lock))
    for row in CertificateAuthority.objects.all():
        assert str(row.public_id).encode() in lines
    assert (settings.MASTER_KEY.reveal().hex().encode() in lines.lower()) is with_master_key
    with pytest.raises(ArchiveBroken):
        b"".join(read_lines(io.BytesIO(content), Lock(Secret(bytes(32)), is_key=True)))


BEHIND_US = ("169.254.169.254", "127.0.0.1", "10.0.0.1", "[::1]", "[::ffff:7f00:1]", "[fec0::1]", "0x7f.1")


@pytest.mark.parametrize("host", BEHIND_US)
def test_certmate_webhooks_nothing_behind_us_is_asked(office: Office, host: str):
    """Theirs went wherever a tenant said. Here tenants name issuers and providers, whose keys are fetched."""
    issuer = create_oidc_issuer(
        actor=office.owner,
        organization=office.organization,
        issuer=f"https://{host}",
        order=IssuerOrder(name="x", audience="x"),
    )
    refresh_keys(issuer)
    issuer.refresh_from_db()
    assert issuer.keys == []
    assert "no public address" in issuer.keys_error
