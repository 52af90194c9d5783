"""OCSP as clients use it: over a socket with OpenSSL, and request by request through the handlers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ReasonFlags, ocsp
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from cas.core import der
from certificates.models import CrlScope, Revocation
from certificates.orders import RevokeAuthorityOrder, RevokeOrder
from certificates.services import ocsp as responder
from certificates.services import sweeps
from certificates.services.authorities import publish_everything
from certificates.services.crl import publish_crl
from certificates.services.revocation import release_certificate, revoke_authority, revoke_certificate
from kernel.actor import SYSTEM
from kernel.ref import Ref
from tests.conformance import verifiers
from tests.conformance.relying_party import RelyingParty, ocsp_request, write_pem
from tests.office import Office, open_office
from tests.pki import urls_of

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
ALGORITHMS = [hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()]  # noqa: S303
Clock = Callable[[datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What time the application believes it is."""
    return lambda moment: monkeypatch.setattr(timezone, "now", lambda: moment)


def revoke(office: Office, leaf: x509.Certificate, reason: ReasonFlags = ReasonFlags.superseded) -> None:
    row = office.issuing.issued.get(serial=f"{leaf.serial_number:x}")
    revoke_certificate(actor=office.owner, order=RevokeOrder(certificate=Ref("pk", row.pk), reason=reason))


def release(office: Office, leaf: x509.Certificate) -> None:
    row = office.issuing.issued.get(serial=f"{leaf.serial_number:x}")
    release_certificate(actor=office.owner, certificate=Ref("pk", row.pk))


def publish(office: Office) -> x509.CertificateRevocationList:
    made = publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(ca=office.issuing))
    assert made is not None
    return x509.load_der_x509_crl(made.body)


def an_unknown_certificate(office: Office) -> x509.Certificate:
    """Issued by this CA's key, and not in its books: by forgetting that it is."""
    issued = office.issue("lost.acme.test")
    office.issuing.issued_serials.filter(serial=issued.certificate.serial).update(serial="1")
    return issued.x509


@pytest.mark.needs("openssl")
@pytest.mark.django_db(transaction=True)
def test_openssl_asks_a_live_responder(live_server: LiveServer, tmp_path: Path):
    office = open_office()
    good, bad = office.issue("good.acme.test").x509, office.issue("bad.acme.test").x509
    lost = an_unknown_certificate(office)
    revoke(office, bad, ReasonFlags.key_compromise)
    issuer, root = RelyingParty().chain_of(good)
    write_pem(tmp_path / "issuer.pem", issuer)
    write_pem(tmp_path / "root.pem", root)
    url = live_server.url + urlsplit(urls_of(good)["ocsp"]).path
    expected = {"good": (good, "good"), "bad": (bad, "revoked"), "lost": (lost, "unknown")}
    for name, (certificate, status) in expected.items():
        file = write_pem(tmp_path / f"{name}.pem", certificate)
        for options in ([], ["-no_nonce"], ["-sha256"], ["-sha256", "-no_nonce"]):
            asked = ["-issuer", tmp_path / "issuer.pem", *[o for o in options if o != "-no_nonce"], "-cert", file]
            silent = ["-no_nonce"] if "-no_nonce" in options else []
            trust = ["-CAfile", tmp_path / "root.pem", "-verify_other", tmp_path / "issuer.pem"]
            verdict = verifiers.openssl("ocsp", "-url", url, "-timeout", "15", *silent, *asked, *trust)
            assert verdict.is_good, verdict.said
            assert "Response verify OK" in verdict.said
            assert "nonce" not in verdict.said
            assert f"{name}.pem: {status}" in verdict.said
            assert ("Reason: keyCompromise" in verdict.said) == (name == "bad")


@pytest.mark.needs("openssl")
@pytest.mark.django_db(transaction=True)
def test_openssl_asks_about_a_revoked_intermediate(live_server: LiveServer, tmp_path: Path):
    office = open_office()
    leaf = office.issue().x509
    issuer, root = RelyingParty().chain_of(leaf)
    order = RevokeAuthorityOrder(ca=Ref("pk", office.issuing.pk), reason=ReasonFlags.ca_compromise)
    revoke_authority(actor=office.owner, order=order)
    for scope in CrlScope.objects.all():
        publish_crl(actor=SYSTEM, scope=scope)
    files = {"root": write_pem(tmp_path / "root.pem", root), "chain": write_pem(tmp_path / "issuer.pem", issuer)}
    url = live_server.url + urlsplit(urls_of(issuer)["ocsp"]).path
    asked = ["-issuer", files["root"], "-cert", files["chain"], "-CAfile", files["root"]]
    verdict = verifiers.openssl("ocsp", "-url", url, "-timeout", "15", *asked)
    assert "Response verify OK" in verdict.said
    assert "issuer.pem: revoked" in verdict.said
    assert "Reason: cACompromise" in verdict.said
    party = RelyingParty()
    assert party.status_of(leaf, issuer).certificate_status is REVOKED
    crls = write_pem(tmp_path / "crls.pem", party.crl_of(leaf), party.crl_of(issuer))
    refused = verifiers.openssl_accepts(
        write_pem(tmp_path / "leaf.pem", leaf), crls=crls, hostname="www.acme.test", **files
    )
    assert "certificate revoked" in refused.said


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda each: each.name)
@pytest.mark.parametrize("by_get", [False, True], ids=["POST", "GET"])
def test_an_answer_names_the_certificate_by_the_hash_it_was_asked_with(algorithm: hashes.HashAlgorithm, by_get: bool):
    office = open_office()
    leaf = office.issue().x509
    issuer = RelyingParty().issuer_of(leaf)
    request = ocsp_request(leaf, issuer, algorithm=algorithm)
    answer = ocsp.load_der_ocsp_response(RelyingParty().ask(leaf, request, by_get=by_get).content)
    asked = ocsp.load_der_ocsp_request(request)
    assert answer.certificate_status is GOOD
    assert answer.hash_algorithm.name == algorithm.name
    assert (answer.serial_number, answer.issuer_key_hash) == (asked.serial_number, asked.issuer_key_hash)
    assert answer.this_update_utc <= timezone.now() < answer.next_update_utc
    (responder,) = answer.certificates
    assert answer.responder_key_hash == x509.SubjectKeyIdentifier.from_public_key(responder.public_key()).digest
    responder.verify_directly_issued_by(issuer)
    assert responder.extensions.get_extension_for_class(x509.OCSPNoCheck)


def test_a_hold_that_is_lifted_is_good_again_everywhere():
    office = open_office()
    leaf = office.issue().x509
    party = RelyingParty()
    issuer = party.issuer_of(leaf)
    before = party.status_of(leaf, issuer)
    assert before.certificate_status is GOOD
    revoke(office, leaf, ReasonFlags.certificate_hold)
    held = party.status_of(leaf, issuer)
    assert (held.certificate_status, held.revocation_reason) == (REVOKED, ReasonFlags.certificate_hold)
    assert [entry.serial_number for entry in publish(office)] == [leaf.serial_number]
    release(office, leaf)
    assert party.status_of(leaf, issuer).certificate_status is GOOD
    assert list(publish(office)) == []


def test_an_answer_never_looks_older_than_one_that_it_replaces(set_clock: Clock):
    """A client keeps the answer with the newest thisUpdate (RFC 5019 section 4): a lifted hold must not lose."""
    office = open_office()
    leaf = office.issue().x509
    party = RelyingParty()
    issuer = party.issuer_of(leaf)
    start = timezone.now().replace(microsecond=0) + timedelta(hours=1)
    start -= timedelta(seconds=start.timestamp() % 600)
    seen = []
    steps = [
        (60, lambda: None),
        (120, lambda: revoke(office, leaf, ReasonFlags.certificate_hold)),
        (180, lambda: release(office, leaf)),
        (240, lambda: revoke(office, leaf, ReasonFlags.superseded)),
    ]
    for seconds, step in steps:
        set_clock(start + timedelta(seconds=seconds))
        step()
        answer = party.status_of(leaf, issuer)
        seen.append((answer.certificate_status, answer.this_update_utc))
        assert answer.this_update_utc <= timezone.now()
    assert [status for status, _this_update in seen] == [GOOD, REVOKED, GOOD, REVOKED]
    assert [this_update for _status, this_update in seen] == sorted(this_update for _status, this_update in seen)


def test_an_expired_certificate_can_be_revoked_and_its_entry_goes_when_a_later_crl_has_carried_it(set_clock: Clock):
    now = datetime.now(UTC)
    set_clock(now - timedelta(days=100))
    office = open_office()
    leaf = office.issue(validity=timedelta(days=90)).x509
    assert leaf.not_valid_after_utc < now
    set_clock(now)
    publish_everything(actor=SYSTEM, ca=office.issuing)
    party = RelyingParty()
    issuer = party.issuer_of(leaf)
    assert party.status_of(leaf, issuer).certificate_status is GOOD
    revoke(office, leaf, ReasonFlags.key_compromise)
    answer = party.status_of(leaf, issuer)
    assert (answer.certificate_status, answer.revocation_reason) == (REVOKED, ReasonFlags.key_compromise)
    assert [entry.serial_number for entry in publish(office)] == [leaf.serial_number]
    assert list(publish(office)) == []
    assert party.status_of(leaf, issuer).certificate_status is REVOKED


def test_an_entry_stays_until_a_crl_from_beyond_the_end_has_carried_it(set_clock: Clock):
    office = open_office()
    leaf = office.issue(validity=timedelta(days=2)).x509
    revoke(office, leaf)
    end = leaf.not_valid_after_utc
    carried = []
    for moment in (end - timedelta(days=1), end, end + timedelta(seconds=1), end + timedelta(days=1)):
        set_clock(moment)
        carried.append(len(list(publish(office))))
    assert carried == [1, 1, 1, 0]


def test_a_held_certificate_stays_revoked_since_its_hold_when_its_ca_goes(set_clock: Clock):
    """What was signed during the hold stays in doubt (X.509, 8.5.2), whoever made it final."""
    office = open_office()
    leaf = office.issue().x509
    held_at = timezone.now().replace(microsecond=0) + timedelta(days=1)
    set_clock(held_at)
    revoke(office, leaf, ReasonFlags.certificate_hold)
    set_clock(held_at + timedelta(days=10))
    order = RevokeAuthorityOrder(ca=Ref("pk", office.issuing.pk), reason=ReasonFlags.cessation_of_operation)
    revoke_authority(actor=office.owner, order=order)
    (entry,) = publish(office)
    assert entry.revocation_date_utc == held_at
    assert RelyingParty().status_of(leaf, RelyingParty().issuer_of(leaf)).revocation_time_utc == held_at


@pytest.mark.parametrize("length", [1, 16, 32, 127, 128])
def test_a_nonce_comes_back(length: int):
    office = open_office()
    leaf = office.issue().x509
    nonce = bytes(range(length))
    answer = RelyingParty().status_of(leaf, RelyingParty().issuer_of(leaf), nonce=nonce)
    assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce
    assert answer.certificate_status is GOOD


@pytest.mark.parametrize("length", [0, 129, 500])
def test_a_nonce_of_a_wrong_length_is_malformed(length: int):
    office = open_office()
    leaf = office.issue().x509
    answer = RelyingParty().status_of(leaf, RelyingParty().issuer_of(leaf), nonce=bytes(length))
    assert answer.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def test_another_issuer_is_unauthorized():
    office, other = open_office("ACME"), open_office("Umbrella")
    leaf, foreign = office.issue().x509, other.issue().x509
    party = RelyingParty()
    request = ocsp_request(foreign, party.issuer_of(foreign))
    answer = ocsp.load_der_ocsp_response(party.ask(leaf, request).content)
    assert answer.response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED


def test_an_unknown_serial_is_unknown_and_not_cached():
    office = open_office()
    lost = an_unknown_certificate(office)
    party = RelyingParty()
    response = party.ask(lost, ocsp_request(lost, party.issuer_of(lost)))
    assert ocsp.load_der_ocsp_response(response.content).certificate_status is UNKNOWN
    assert response["Cache-Control"] == "no-store"


def test_several_are_asked_about_at_once():
    office = open_office()
    leaves = [office.issue(f"{name}.acme.test").x509 for name in ("a", "b", "c")]
    revoke(office, leaves[1])
    party = RelyingParty()
    issuer = party.issuer_of(leaves[0])
    tbs_lists = [der.Reader(ocsp_request(leaf, issuer)).enter().enter().enter() for leaf in leaves]
    together = der.sequence(*(each.read_whole(der.SEQUENCE) for each in tbs_lists))
    response = party.ask(leaves[0], der.sequence(der.sequence(together)))
    answers = list(ocsp.load_der_ocsp_response(response.content).responses)
    assert [each.certificate_status for each in answers] == [GOOD, REVOKED, GOOD]
    assert [each.serial_number for each in answers] == [leaf.serial_number for leaf in leaves]


def test_a_cached_answer_costs_one_query_and_a_revocation_is_seen_at_once(django_assert_num_queries: Callable):
    office = open_office()
    leaf = office.issue().x509
    party = RelyingParty()
    request = ocsp_request(leaf, party.issuer_of(leaf))
    first = party.ask(leaf, request)
    with django_assert_num_queries(1):
        again = party.ask(leaf, request)
    assert again.content == first.content
    revoke(office, leaf)
    assert ocsp.load_der_ocsp_response(party.ask(leaf, request).content).certificate_status is REVOKED


def test_a_change_between_question_and_signature_is_not_remembered_for_what_was_before(
    monkeypatch: pytest.MonkeyPatch,
):
    """The hold comes after the status was looked up for the cache; once it is lifted, nobody may call it held."""
    office = open_office()
    leaf = office.issue().x509
    party = RelyingParty()
    issuer = party.issuer_of(leaf)
    live = responder._answer_live

    def hold_first(*arguments: object, **named: object) -> object:
        monkeypatch.setattr(responder, "_answer_live", live)
        revoke(office, leaf, ReasonFlags.certificate_hold)
        return live(*arguments, **named)

    monkeypatch.setattr(responder, "_answer_live", hold_first)
    party.status_of(leaf, issuer)
    Revocation.objects.update(at=timezone.now() - timedelta(minutes=5))
    release(office, leaf)
    assert party.status_of(leaf, issuer).certificate_status is GOOD


def test_the_responder_is_replaced_before_it_ends(set_clock: Clock):
    office = open_office()
    leaf = office.issue().x509
    party = RelyingParty()
    issuer = party.issuer_of(leaf)
    (first,) = party.status_of(leaf, issuer).certificates
    set_clock(first.not_valid_after_utc - timedelta(days=9))
    assert sweeps.rotate_responders() == 2
    (second,) = party.status_of(leaf, issuer).certificates
    assert second.not_valid_after_utc > first.not_valid_after_utc
    assert sweeps.rotate_responders() == 0
