"""What anybody may send without end takes no room from what must be remembered, and fills no log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import caches

from audit.events import EventName
from audit.models import AuditEvent
from cas import keystore
from certificates import public_cache
from kernel.errors import TooMany
from kernel.secret import Secret
from tests.api.wire import Wire
from tests.office import open_office
from tests.refusals import refused

PASSPHRASE = Secret("a passphrase of some length")


@pytest.fixture
def small_caches(settings: Any) -> Iterator[None]:
    """Caches in memory, as one process has them, which are full soon."""
    memory = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {
        name: {"BACKEND": memory, "LOCATION": f"small-{name}", "OPTIONS": {"MAX_ENTRIES": 30}}
        for name in settings.CACHES
    }
    yield
    for each in caches.all():
        each.clear()


@pytest.mark.django_db
def test_public_answers_do_not_push_out_the_count_of_wrong_passphrases(small_caches: None):
    office = open_office(passphrase=PASSPHRASE)
    for _ in range(5):
        with refused(keystore.WrongPassphrase), keystore.open_signer(office.issuing, passphrase=Secret("wrong")):
            pass
    for number in range(100):
        public_cache.keep(f"ocsp:{number}", b"", 60)
    with refused(TooMany, "passphrase-locked"), keystore.open_signer(office.issuing, passphrase=PASSPHRASE):
        pass


def test_there_is_room_for_more_guesses_than_a_machine_can_refuse_in_a_quarter_of_an_hour(settings):
    # Fifty passwords a second, each under another name.
    assert settings.CACHES["default"]["OPTIONS"]["MAX_ENTRIES"] > 50 * 15 * 60


ADDRESSES = {
    "of things that do not exist": lambda: ("GET", f"/api/v2/certificates/{uuid4()}"),
    "by methods that do not exist": lambda: (f"X{uuid4().hex[:8]}", "/api/v2/certificates"),
    "in capitals": lambda: ("GET", f"/api/v2/certificates/{str(uuid4()).upper()}"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("make_up", ADDRESSES.values(), ids=ADDRESSES)
def test_bad_credentials_at_ever_new_addresses_are_counted_as_one(make_up):
    nobody = Wire("pkf_" + "a" * 32)
    for _ in range(9):
        assert nobody.send(*make_up()).status_code == 401
    assert AuditEvent.objects.filter(name=EventName.CREDENTIAL_REFUSED).count() == 1
