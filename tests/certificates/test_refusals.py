"""What is not issued: every reason reaches the caller with its field, all of them at once, and nothing is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cas.core.csr import read_csr
from cas.core.general_names import general_name
from cas.core.keys import KeyAlgorithm, public_key_sha256
from cas.core.names import parse_name
from cas.models import BlockedKey, IssuedSerial
from cas.services.authorities import update_ca
from cas.services.roles import order_of as role_order
from cas.services.roles import update_role
from cas.services.templates import order_of as template_order
from cas.services.templates import update_template
from certificates.models import Certificate
from certificates.orders import IssueOrder, Managed
from certificates.services.issuance import issue_certificate
from kernel.errors import Denied, Unavailable
from kernel.ref import Ref
from kernel.secret import Secret
from tests import pki
from tests.office import Office, open_office
from tests.refusals import invalid, refused

pytestmark = pytest.mark.django_db

PASSPHRASE = Secret("open, sesame seeds")
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(office):
    serials = IssuedSerial.objects.filter(ca=office.issuing).count()
    yield
    assert IssuedSerial.objects.filter(ca=office.issuing).count() == serials
    assert not Certificate.objects.exists()


def sans(*names: str) -> tuple[Any, ...]:
    return tuple(general_name(name) for name in names)


ORDERS = {
    "a name of somebody else": ({"sans": sans("www.umbrella.test")}, ("sans[0]", "name-not-allowed")),
    "a name that only looks like ours": ({"sans": sans("www.notacme.test")}, ("sans[0]", "name-not-allowed")),
    "a common name of somebody else": (
        {"subject": parse_name("CN=www.umbrella.test")},
        ("subject.common_name", "name-not-allowed"),
    ),
    "a kind of name that is not allowed": ({"sans": sans("root@acme.test")}, ("sans[0]", "name-not-allowed")),
    "a URI that is not allowed": ({"sans": sans("spiffe://acme.test/x")}, ("sans[0]", "name-not-allowed")),
    "too long a life": ({"validity": 398 * DAY}, ("validity", "too-long")),
    "no life at all": ({"validity": timedelta(0)}, ("validity", "out-of-range")),
    "half a second too much": ({"validity": DAY + timedelta(seconds=0.5)}, ("validity", "out-of-range")),
    "no name at all": ({"subject": parse_name(""), "sans": ()}, ("subject", "no-name")),
    "another kind of managed key": ({"key": Managed(KeyAlgorithm.ED25519)}, ("public_key", "key-not-allowed")),
}


@pytest.mark.parametrize(("order", "reason"), ORDERS.values(), ids=ORDERS)
def test_an_order_that_is_refused(office, order, reason):
    with invalid(reason):
        office.issue(**order)


def test_every_violation_is_listed(office):
    with invalid(
        ("sans[0]", "name-not-allowed"),
        ("sans[2]", "name-not-allowed"),
        ("subject.common_name", "name-not-allowed"),
        ("public_key", "key-not-allowed"),
        ("validity", "too-long"),
    ):
        office.issue(
            "www.umbrella.test",
            "a.umbrella.test",
            "b.acme.test",
            "c.umbrella.test",
            key=Managed(KeyAlgorithm.ED25519),
            validity=398 * DAY,
        )


def test_beyond_the_ca_there_is_no_life(office):
    update_role(actor=office.owner, role=office.role, order=replace(role_order(office.role), max_ttl=7300 * DAY))
    with invalid(("validity", "beyond-issuer")):
        office.issue(validity=3000 * DAY)


def test_a_role_names_the_kinds_of_keys(office):
    order = replace(role_order(office.role), key_algorithms=("ECDSA_P256", "ED25519"))
    update_role(actor=office.owner, role=office.role, order=order)
    with invalid(("key_algorithm", "key-not-allowed")):
        office.issue(key=Managed(KeyAlgorithm.ML_DSA_44))
    order = read_csr(pki.make_csr(pki.a_key(KeyAlgorithm.ML_DSA_44), subject="CN=www.acme.test"))
    with invalid(("public_key", "key-not-allowed")):
        office.issue(key=order)


# --- keys that are not certified --------------------------------------------------------------------------------------


def order_by_csr(office: Office, **parts: Any) -> IssueOrder:
    csr = pki.make_csr(**({"subject": "CN=www.acme.test"} | parts))
    return IssueOrder(template=office.template.code, key=read_csr(csr))


@pytest.mark.parametrize("for_all", [False, True], ids=["in the organization", "everywhere"])
def test_a_blocked_key(office, for_all):
    key_hash = public_key_sha256(pki.a_key().public_key())
    BlockedKey.objects.create(organization=None if for_all else office.organization, key_hash=key_hash, reason="lost")
    with invalid(("public_key", "forbidden-key")):
        issue_certificate(actor=office.owner, order=order_by_csr(office))


def test_the_key_of_a_ca_even_of_another_organization(office):
    other = open_office("Umbrella")
    key_hash = public_key_sha256(pki.a_key().public_key())
    type(other.issuing).objects.filter(pk=other.issuing.pk).update(key_hash=key_hash)
    with invalid(("public_key", "forbidden-key")):
        issue_certificate(actor=office.owner, order=order_by_csr(office))


# --- approval ---------------------------------------------------------------------------------------------------------


def _ca_asks(office: Office) -> None:
    update_ca(actor=office.owner, ca=office.issuing, requires_approval=True)


def _role_asks(office: Office) -> None:
    order = replace(role_order(office.role), requires_approval=True)
    update_role(actor=office.owner, role=office.role, order=order)


def _template_asks(office: Office) -> None:
    order = replace(template_order(office.template), requires_approval=True)
    update_template(actor=office.owner, template=office.template, order=order)


@pytest.mark.parametrize(
    ("ask", "holder"),
    [(_ca_asks, "ACME Issuing CA"), (_role_asks, "web"), (_template_asks, "web-tls")],
    ids=["the CA", "the role", "the template"],
)
def test_what_asks_for_an_approval_is_not_issued_without(office, ask, holder):
    ask(office)
    with pytest.raises(Denied) as refusal:
        office.issue()
    assert refusal.value.error_code == "approval-required"
    assert str(refusal.value) == f"web-tls issues only after an approval, which {holder} asks for."


# --- CAs that do not issue --------------------------------------------------------------------------------------------


def test_a_ca_that_issues_no_leaves(office):
    update_ca(actor=office.owner, ca=office.issuing, allow_leaf_certificates=False)
    with refused(Unavailable, "ca-issues-no-leaves"):
        office.issue()


def test_a_template_without_a_profile(office):
    type(office.template).objects.update(profile=None)
    with refused(Unavailable, "template-incomplete"):
        office.issue()


def test_a_locked_ca_wants_its_passphrase():
    locked = open_office("Umbrella", passphrase=PASSPHRASE)
    with refused(Unavailable, "ca-locked"):
        locked.issue()
    with refused(Denied, "wrong-passphrase"):
        locked.issue(passphrase=Secret("another sentence"))


def test_an_unknown_ca(office):
    with pytest.raises(Exception, match="no such certificate authority"):
        office.issue(ca=Ref("slug", "nowhere"))
