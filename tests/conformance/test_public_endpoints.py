"""HTTP as relying parties and the caches between meet it: `/ca/…`, `/crl/…`, `/ocsp/…`."""

from __future__ import annotations

import base64
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ReasonFlags, ocsp
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from accounts.models import WrappingKey
from cas.core.formats import crl_to_pem
from certificates import public, public_cache
from certificates.models import Crl, CrlScope
from certificates.orders import RevokeOrder
from certificates.services.crl import publish_crl
from certificates.services.ocsp import _signer
from certificates.services.revocation import revoke_certificate
from kernel.actor import SYSTEM
from kernel.errors import Unavailable
from kernel.ref import Ref
from kernel.secret import Secret
from tests.conformance.relying_party import RelyingParty, ocsp_request
from tests.office import Office, open_office
from tests.pki import to_der, urls_of
from tests.servers import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return open_office()


@pytest.fixture
def leaf(office: Office) -> x509.Certificate:
    return office.issue().x509


@pytest.fixture
def paths(leaf: x509.Certificate) -> dict[str, str]:
    """The three public addresses of the issuing CA, and an OCSP request in a path."""
    found = {name: urlsplit(url).path for name, url in urls_of(leaf).items()}
    request = ocsp_request(leaf, RelyingParty().issuer_of(leaf))
    return found | {"ocsp by GET": f"{found['ocsp']}/{quote(base64.b64encode(request).decode(), safe='')}"}


FETCHED = ["ca", "crl", "ocsp by GET"]
CONTENT_TYPES = {
    "ca": "application/pkix-cert",
    "crl": "application/pkix-crl",
    "ocsp by GET": "application/ocsp-response",
}


@pytest.mark.parametrize("what", FETCHED)
def test_what_is_fetched_may_be_kept_for_a_while(client: Client, paths: dict[str, str], what: str):
    before = timezone.now().replace(microsecond=0)
    response = client.get(paths[what])
    assert response.status_code == 200
    assert response["Content-Type"] == CONTENT_TYPES[what]
    assert set(response["Cache-Control"].split(", ")) == {"public", "max-age=60", "no-transform", "must-revalidate"}
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in response
    assert "Vary" not in response
    if what != "ca":
        expires = parsedate_to_datetime(response["Expires"])
        assert 59 <= (expires - before).total_seconds() <= 62
        assert parsedate_to_datetime(response["Last-Modified"]) <= timezone.now()


@pytest.mark.parametrize("what", FETCHED)
def test_head_says_what_get_would(client: Client, paths: dict[str, str], what: str):
    whole, head = client.get(paths[what]), client.head(paths[what])
    assert head.status_code == 200
    assert head.content == b""
    assert head["Content-Length"] == str(len(whole.content))
    for name in ("ETag", "Content-Type", "Cache-Control"):
        assert head[name] == whole[name]


@pytest.mark.parametrize("what", FETCHED)
@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("spelt", ["{}", "W/{}", '"x", {}', "*"])
def test_what_the_client_has_is_not_sent_again(
    client: Client, paths: dict[str, str], what: str, method: str, spelt: str
):
    first = client.get(paths[what])
    again = getattr(client, method)(paths[what], headers={"If-None-Match": spelt.format(first["ETag"])})
    assert again.status_code == 304
    assert again.content == b""
    assert "Content-Length" not in again
    for name in ("ETag", "Cache-Control"):
        assert again[name] == first[name]
    stale = client.get(paths[what], headers={"If-None-Match": '"another"'})
    assert stale.content == first.content


def test_a_new_crl_has_a_new_etag(client: Client, office: Office, paths: dict[str, str], leaf: x509.Certificate):
    old = client.get(paths["crl"])
    row = office.issuing.issued.get()
    order = RevokeOrder(certificate=Ref("pk", row.pk), reason=ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=order)
    publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca=office.issuing))
    new = client.get(paths["crl"], headers={"If-None-Match": old["ETag"]})
    assert new.status_code == 200
    assert [entry.serial_number for entry in x509.load_der_x509_crl(new.content)] == [leaf.serial_number]


def test_every_notation_of_a_file_is_the_same_file(client: Client, paths: dict[str, str], leaf: x509.Certificate):
    crl = client.get(paths["crl"]).content
    assert client.get(paths["crl"] + ".crl").content == crl
    pem = client.get(paths["crl"] + ".pem")
    assert x509.load_pem_x509_crl(pem.content) == x509.load_der_x509_crl(crl)
    issuer = RelyingParty().issuer_of(leaf)
    stem = paths["ca"].removesuffix(".crt")
    assert client.get(f"{stem}.cer").content == to_der(issuer)
    assert x509.load_pem_x509_certificate(client.get(f"{stem}.pem").content) == issuer


def test_a_crl_in_pem_is_encoded_once_and_a_long_one_is_not_kept(
    client: Client, paths: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    asked: list[int] = []
    monkeypatch.setattr(public, "crl_to_pem", lambda der: asked.append(len(der)) or crl_to_pem(der))
    first, second = (client.get(paths["crl"] + ".pem").content for _round in range(2))
    assert first == second == x509.load_pem_x509_crl(first).public_bytes(Encoding.PEM)
    assert len(asked) == 1
    monkeypatch.setattr(public, "_LONGEST_KEPT", 10)
    public_cache.keep(f"crl-pem:{Crl.objects.latest('pk').sha256}", None, 60)
    for _round in range(2):
        client.get(paths["crl"] + ".pem")
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("what", "method", "allowed"),
    [
        ("ca", "post", "GET, HEAD"),
        ("ca", "delete", "GET, HEAD"),
        ("crl", "put", "GET, HEAD"),
        ("ocsp", "get", "POST"),
        ("ocsp", "head", "POST"),
        ("ocsp", "delete", "POST"),
        ("ocsp by GET", "post", "GET, HEAD"),
    ],
)
def test_other_methods_are_refused(client: Client, paths: dict[str, str], what: str, method: str, allowed: str):
    response = getattr(client, method)(paths[what])
    assert response.status_code == 405
    assert response["Allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        "/ca/nobody.crt",
        "/ca/nobody",
        "/crl/nobody",
        "/crl/nobody.pem",
        "/crl/nobody/1",
        "/ocsp/nobody",
        "/ocsp/nobody/MEI=",
        "/crl/%00",
        "/ca/%00.crt",
        "/ocsp/%00/MEI=",
        "/crl/%ff%fe",
        "/crl/" + "x" * 5000,
        "/crl/%F0%9F%92%A9",
        "/crl/a%0d%0aSet-Cookie:x",
    ],
)
def test_an_unknown_path_is_not_found(client: Client, path: str):
    for method in ("get", "post") if path.startswith("/ocsp") else ("get", "head"):
        assert getattr(client, method)(path).status_code == 404


def test_a_suffix_that_is_none_is_not_found(client: Client, paths: dict[str, str]):
    assert client.get(paths["ca"].replace(".crt", ".exe")).status_code == 404
    assert client.get(paths["crl"] + "/1").status_code == 404
    assert client.get(paths["crl"].replace("/crl/", "/ca/")).status_code == 404


@pytest.mark.parametrize("what", FETCHED)
def test_relying_parties_are_answered_while_redis_is_gone(
    client: Client, paths: dict[str, str], what: str, settings: Any
):
    gone = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": f"redis://127.0.0.1:{free_port()}/0",
    }
    settings.CACHES = {"default": gone, "public": gone}
    assert client.get(paths[what]).status_code == 200


@pytest.mark.parametrize("what", FETCHED)
def test_what_one_process_has_kept_another_reads(client: Client, paths: dict[str, str], what: str):
    first = client.get(paths[what])
    caches["public-here"].clear()
    again = client.get(paths[what])
    # A signature is another one each time that it is made.
    assert again.content == first.content
    assert again["ETag"] == first["ETag"]


@pytest.mark.parametrize("what", FETCHED)
def test_what_another_version_has_kept_is_made_anew(
    client: Client, paths: dict[str, str], what: str, monkeypatch: pytest.MonkeyPatch
):
    keep = public_cache.keep
    monkeypatch.setattr(public_cache, "keep", lambda key, _value, seconds: keep(key, {"another": "shape"}, seconds))
    assert [client.get(paths[what]).status_code for _round in range(2)] == [200, 200]


def test_a_responder_whose_key_does_not_open_says_so(client: Client, paths: dict[str, str]):
    _signer.cache_clear()
    WrappingKey.objects.update(sealed=b"\x01" + bytes(60))
    response = client.get(paths["ocsp by GET"])
    assert response.status_code == 200
    answer = ocsp.load_der_ocsp_response(response.content)
    assert answer.response_status is ocsp.OCSPResponseStatus.INTERNAL_ERROR
    assert response["Cache-Control"] == "no-store"


def test_a_locked_ca_goes_on_answering_and_publishes_with_its_passphrase(client: Client):
    passphrase = Secret("a passphrase of some length")
    office = open_office(passphrase=passphrase)
    issued = office.issue(passphrase=passphrase)
    party = RelyingParty(client)
    issuer = party.issuer_of(issued.x509)
    assert len(list(party.crl_of(issued.x509))) == 0
    order = RevokeOrder(certificate=Ref("pk", issued.certificate.pk), reason=ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=order)
    assert party.status_of(issued.x509, issuer).certificate_status is ocsp.OCSPCertStatus.REVOKED
    scope = CrlScope.objects.get(ca=office.issuing)
    with pytest.raises(Unavailable):
        publish_crl(actor=SYSTEM, scope=scope)
    assert publish_crl(actor=SYSTEM, scope=scope, passphrase=passphrase) is not None
    crl = party.crl_of(issued.x509)
    assert [entry.serial_number for entry in crl] == [issued.x509.serial_number]
    (responder,) = party.status_of(issued.x509, issuer).certificates
    assert responder.not_valid_after_utc > crl.next_update_utc


def test_a_crl_that_has_ended_is_served_but_not_kept(client: Client, paths: dict[str, str]):
    Crl.objects.update(next_update=timezone.now())
    response = client.get(paths["crl"])
    assert response.status_code == 200
    assert "max-age=0" in response["Cache-Control"]


def test_the_first_crl_is_asked_for_again_later(client: Client, office: Office, paths: dict[str, str]):
    Crl.objects.filter(scope__ca=office.issuing).delete()
    response = client.get(paths["crl"])
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
