"""Two who ask at the same moment have no more together than one who asks twice."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from acme_client.models import PublicName
from acme_client.services import names
from acme_client.services.names import claim_name
from kernel.errors import Conflict
from kernel.ref import Ref
from tests.office import Office, open_office
from tests.postgres import PATIENCE_SECONDS

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


class Beside(threading.Thread):
    """Somebody else, with a connection of their own."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self.work = work
        self.failure: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.work()
        except Exception as error:
            self.failure = error
        finally:
            connection.close()


def claim(office: Office, suffix: str) -> None:
    claim_name(actor=office.owner, organization=Ref("pk", office.organization.pk), suffix=suffix)


def test_who_asks_while_another_takes_the_last_place_waits_and_is_refused(monkeypatch: pytest.MonkeyPatch):
    office = open_office()
    monkeypatch.setattr(names, "_MOST_NAMES", PublicName.objects.filter(organization=office.organization).count() + 1)
    with transaction.atomic():
        claim(office, "first.example")
        second = Beside(lambda: claim(office, "second.example"))
        second.join(0.5)
        assert second.is_alive()
    second.join(PATIENCE_SECONDS)
    assert isinstance(second.failure, Conflict)
    assert second.failure.error_code == "too-many"
    assert not PublicName.objects.filter(suffix="second.example").exists()


def test_nobody_else_waits_for_those_who_ask():
    office = open_office()
    with transaction.atomic():
        claim(office, "first.example")
        issuing = Beside(lambda: office.issue("www.acme.test"))
        issuing.join(PATIENCE_SECONDS)
        assert (issuing.is_alive(), issuing.failure) == (False, None)
