"""The vault: what is sealed opens in its own row only, for any process that has the master key, and for no other."""

from __future__ import annotations

import uuid

import pytest

from accounts import vault
from accounts.models import Organization, ServerSecret, WrappingKey
from accounts.vault import Purpose, WrongMasterKey, check_master_key, open_secret, seal_secret, server_secret
from kernel.seal import SealBroken, new_key
from kernel.secret import Secret
from tests import cast

pytestmark = pytest.mark.django_db

PLAINTEXT = Secret("what nobody shall read")
ROW = uuid.uuid4()
TOKENS = ServerSecret.Purpose.TOKEN_DIGEST


@pytest.fixture
def acme() -> Organization:
    return cast.organization("ACME")


@pytest.fixture(autouse=True)
def _a_fresh_process():
    _another_process()
    yield
    _another_process()


def _another_process() -> None:
    """Another process has the same database and master key, and nothing in its memory."""
    vault._open_server_secret.cache_clear()


def seal(organization: Organization, **place: object) -> bytes:
    return seal_secret(PLAINTEXT, **_place(organization, **place))


def unseal(blob: bytes, organization: Organization, **place: object) -> Secret:
    return open_secret(blob, **_place(organization, **place))


def _place(organization: Organization, **place: object) -> dict[str, object]:
    return {"organization_id": organization.pk, "table": "a_table", "row": ROW} | place


def test_what_was_sealed_opens_in_another_process(acme):
    blob = seal(acme)
    _another_process()
    assert unseal(blob, acme) == PLAINTEXT
    assert PLAINTEXT.reveal() not in blob


@pytest.mark.parametrize(
    "elsewhere",
    [{"row": uuid.uuid4()}, {"table": "another_table"}, {"purpose": Purpose.CA_KEY}],
    ids=["another row", "another table", "another purpose"],
)
def test_a_blob_that_was_moved_does_not_open(acme, elsewhere):
    blob = seal(acme)
    with pytest.raises(SealBroken):
        unseal(blob, acme, **elsewhere)


def test_a_blob_of_one_organization_does_not_open_in_another(acme):
    umbrella = cast.organization("Umbrella")
    blob = seal(acme)
    with pytest.raises(SealBroken):
        unseal(blob, umbrella)


def test_the_wrapping_key_of_one_organization_is_of_no_use_to_another(acme):
    """Even whoever can write the database cannot give one organization the other's key."""
    umbrella = cast.organization("Umbrella")
    blob = seal(acme)
    stolen = WrappingKey.objects.get(organization=acme)
    WrappingKey.objects.create(organization=umbrella, purpose=stolen.purpose, sealed=stolen.sealed)
    with pytest.raises(SealBroken):
        unseal(blob, umbrella)


def test_each_purpose_has_a_key_of_its_own(acme):
    seal(acme, purpose=Purpose.CA_KEY)
    seal(acme, purpose=Purpose.SECRET)
    seal(acme, purpose=Purpose.SECRET)
    assert sorted(WrappingKey.objects.values_list("purpose", flat=True)) == ["ca-key", "secret"]


def test_two_processes_that_begin_at_once_agree_on_one_key(acme, monkeypatch):
    """The second finds no key, makes one, and is told by the database that the first was faster."""
    first = seal(acme)
    existing = WrappingKey.objects.get()
    assert vault._create_wrapping_key(acme.pk, Purpose.SECRET) == existing
    assert unseal(first, acme) == PLAINTEXT

    made = server_secret(TOKENS)
    vault._create_server_secret(TOKENS)
    _another_process()
    assert server_secret(TOKENS) == made
    assert ServerSecret.objects.count() == 1


def test_another_master_key_opens_nothing(acme, settings):
    blob = seal(acme)
    check_master_key()
    settings.MASTER_KEY = new_key()
    _another_process()
    with pytest.raises(SealBroken):
        unseal(blob, acme)
    with pytest.raises(WrongMasterKey):
        check_master_key()


def test_another_master_key_makes_nothing_new_beside_what_it_cannot_open(acme, settings):
    seal(acme)
    settings.MASTER_KEY = new_key()
    with pytest.raises(WrongMasterKey):
        check_master_key()
    assert not ServerSecret.objects.exists()


def test_the_right_master_key_is_recognized(settings):
    check_master_key()
    _another_process()
    check_master_key()
