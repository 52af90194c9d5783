"""Trust anchors and the validator in the browser."""

from __future__ import annotations

import re

import pytest

from cas.chains import chain_of
from cas.core.formats import to_pem
from cas.models import TrustAnchor
from tests import elsewhere
from tests.elsewhere import pem
from tests.office import open_office
from tests.trusting import trust
from tests.web.people import browser_of

LIST = "/trust/"
VALIDATE = f"{LIST}validate/"


def words_of(answer) -> str:
    return re.sub(r"(<[^>]+>|\s)+", " ", answer.content.decode())


def asked(client, **fields):
    return client.post(VALIDATE, {"check_revocation": "on", **fields})


def results(answer) -> list[str]:
    return [check.outcome for check in answer.context["checks"]]


def test_strangers_neither_see_nor_end_anybody_s_trust(office):
    anchor = trust(office)
    client = browser_of(open_office("Umbrella").person.user)
    assert anchor.name not in client.get(LIST).content.decode()
    for part in ("", "retire/"):
        assert client.get(f"{LIST}{anchor.public_id}/{part}").status_code == 404
    assert client.post(f"{LIST}{anchor.public_id}/retire/").status_code == 404
    anchor.refresh_from_db()
    assert anchor.retired_at is None


def test_an_anchor_is_added_read_found_and_retired(owner, office):
    assert "Nobody else is trusted" in words_of(owner.get(LIST))
    root = elsewhere.root().certificate
    form = {"organization": office.organization.pk, "certificates": pem(root).decode()}
    assert owner.post(f"{LIST}new/", {**form, "certificates": ""}).status_code == 422
    assert owner.post(f"{LIST}new/", form)["Location"] == LIST
    anchor = TrustAnchor.objects.get()
    assert owner.post(f"{LIST}new/", form).status_code == 422
    record = owner.get(f"{LIST}{anchor.public_id}/")
    assert anchor.subject in record.content.decode()
    assert "Basic constraints" in words_of(record)
    colons = ":".join(re.findall("..", anchor.fingerprint[:12].upper()))
    for query, found in ((colons, True), (anchor.name[:4], True), ("nothing like it", False)):
        assert (str(anchor.public_id) in owner.get(LIST, {"q": query}).content.decode()) is found
    assert owner.post(f"{LIST}{anchor.public_id}/retire/")["Location"] == LIST
    assert owner.get(f"{LIST}{anchor.public_id}/").status_code == 404
    assert str(anchor.public_id) not in owner.get(LIST).content.decode()


def test_a_chain_of_our_own_passes_every_check_that_was_asked(owner, office, certificate):
    leaf = to_pem(certificate.body.x509)
    answer = asked(owner, certificate=leaf, purpose="server_auth", peer_name="api.acme.test")
    assert (answer.status_code, results(answer)) == (200, ["passed"] * 4)
    assert [link.text.common_name for link in answer.context["chain"]] == [
        "ACME Root",
        "ACME Issuing CA",
        "www.acme.test",
    ]
    assert "It would be believed." in words_of(answer)
    unasked = owner.post(VALIDATE, {"certificate": leaf})
    assert results(unasked) == ["passed", "passed", "skipped", "skipped"]


@pytest.mark.parametrize(
    ("wishes", "failed", "why"),
    [
        ({"purpose": "code_signing"}, 3, "purpose"),
        ({"peer_name": "other.acme.test"}, 3, "name"),
        ({"at": "2040-01-01T00:00"}, 1, "expired"),
        ({"trust_anchors": "elsewhere"}, 0, "trust"),
    ],
)
def test_which_check_fails_and_why(owner, office, certificate, wishes, failed, why):
    if "trust_anchors" in wishes:
        wishes = {"trust_anchors": pem(elsewhere.root().certificate).decode()}
    answer = asked(owner, certificate=to_pem(certificate.body.x509), **wishes)
    assert answer.status_code == 200
    assert results(answer)[failed] == "failed"
    text = words_of(answer)
    assert "It would not be believed." in text
    assert why in text.lower()


def test_what_cannot_be_read_stands_beside_its_field(owner, office):
    for field, form in (
        ("certificate", {}),
        ("certificate", {"certificate": "no certificate"}),
        ("crls", {"certificate": to_pem(chain_of(office.root).certificates[0]), "crls": "no CRL"}),
        ("peer_name", {"certificate": to_pem(chain_of(office.root).certificates[0]), "peer_name": "..."}),
    ):
        answer = asked(owner, **form)
        assert (answer.status_code, set(answer.context["form"].errors)) == (422, {field})
