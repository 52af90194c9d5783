"""What was decided while a key was being made: a certificate obeys the rules as they are when it is signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cas.services.authorities import update_ca
from cas.services.templates import order_of, retire_template, update_template
from certificates.models import Certificate
from certificates.services import issuance
from kernel.errors import Denied, DomainError, NotFound
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Office:
    return open_office()


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """An RSA key takes seconds to make, in which others do not sleep."""
    real = issuance.obtain_key

    def obtain_and_act(*arguments: Any) -> Any:
        key = real(*arguments)
        act()
        return key

    monkeypatch.setattr(issuance, "obtain_key", obtain_and_act)


def change_template(office: Office, **changes: object) -> None:
    order = replace(order_of(office.template), **changes)
    update_template(actor=office.owner, template=office.template, order=order)


CHANGES: dict[str, tuple[Callable[[Office], object], type[DomainError]]] = {
    "the template is retired": (
        lambda office: retire_template(actor=office.owner, template=office.template),
        NotFound,
    ),
    "the template asks for approval": (lambda office: change_template(office, requires_approval=True), Denied),
    "the CA asks for approval": (
        lambda office: update_ca(actor=office.owner, ca=office.issuing, requires_approval=True),
        Denied,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_forbidden_meanwhile_is_not_signed(monkeypatch: pytest.MonkeyPatch, office: Office, change: str):
    act, error = CHANGES[change]
    meanwhile(monkeypatch, lambda: act(office))
    with pytest.raises(error):
        office.issue()
    assert not Certificate.objects.exists()


def test_a_shorter_life_counts_at_once(monkeypatch: pytest.MonkeyPatch, office: Office):
    meanwhile(monkeypatch, lambda: change_template(office, validity=timedelta(days=7)))
    issued = office.issue()
    office.template.refresh_from_db()
    assert issued.certificate.profile_id == office.template.profile_id
    assert issued.x509.not_valid_after_utc - issued.x509.not_valid_before_utc < timedelta(days=7)
