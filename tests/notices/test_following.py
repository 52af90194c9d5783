"""What happened is told to the channels that asked for it, in order, once, and only from then on."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509 import ReasonFlags

from audit.services import seal
from certificates.orders import RenewOrder, RevokeOrder
from certificates.services.renewal import renew_at_once
from certificates.services.revocation import revoke_certificate
from kernel.actor import SYSTEM
from kernel.ref import Ref
from notices.models import Delivery
from notices.orders import ChannelChange
from notices.services import following
from notices.services.channels import update_channel
from notices.services.following import follow_events
from tests.notices.making import HOOK, webhook
from tests.office import Office, open_office

pytestmark = pytest.mark.django_db

ALL = ("certificate.issued", "certificate.renewed", "certificate.revoked")


def told() -> list[tuple[str, str]]:
    rows = Delivery.objects.order_by("pk").values_list("subject", "document")
    return [(subject, document["object"]["name"]) for subject, document in rows]


def follow() -> int:
    seal(actor=SYSTEM)
    return follow_events()


def live_a_life(office: Office) -> None:
    row = office.issue().certificate
    renew_at_once(actor=office.owner, order=RenewOrder(certificate=Ref("pk", row.pk)))
    order = RevokeOrder(certificate=Ref("pk", row.pk), reason=ReasonFlags.superseded)
    revoke_certificate(actor=office.owner, order=order)


LIFE = [(event, "www.acme.test") for event in ALL]


def test_a_life_is_told_in_its_order_and_once(office: Office):
    webhook(office, HOOK, *ALL)
    live_a_life(office)
    assert follow() == 3
    assert follow() == 0
    assert told() == LIFE


def test_what_is_issued_comes_with_the_certificate(office: Office):
    webhook(office, HOOK, "certificate.issued")
    row = office.issue().certificate
    follow()
    facts = Delivery.objects.get().document["facts"]
    certificate = x509.load_pem_x509_certificate(facts["certificate"].encode())
    assert f"{certificate.serial_number:x}" == facts["serial"] == row.serial
    assert facts["names"] == ["www.acme.test", "www.acme.test"]


def test_nothing_is_told_that_was_not_asked_for(office: Office):
    webhook(office, HOOK, "certificate.revoked")
    live_a_life(office)
    follow()
    assert told() == LIFE[2:]


def test_what_was_before_is_not_told(office: Office):
    live_a_life(office)
    webhook(office, HOOK, *ALL)
    assert follow() == 0


def test_what_happened_while_nobody_listened_is_not_told_afterwards(office: Office):
    row = Ref("pk", webhook(office, HOOK, *ALL, is_active=False).channel.pk)
    live_a_life(office)
    update_channel(actor=office.owner, channel=row, change=ChannelChange(is_active=True))
    assert follow() == 0
    office.issue("new.acme.test")
    follow()
    assert told() == [("certificate.issued", "new.acme.test")]


def test_a_change_of_a_channel_that_listens_loses_nothing(office: Office):
    row = Ref("pk", webhook(office, HOOK, *ALL).channel.pk)
    live_a_life(office)
    update_channel(actor=office.owner, channel=row, change=ChannelChange(name="another"))
    follow()
    assert told() == LIFE


def test_a_worker_that_dies_while_it_tells_has_told_nothing(office: Office, monkeypatch: pytest.MonkeyPatch):
    webhook(office, HOOK, *ALL)
    live_a_life(office)
    with monkeypatch.context() as broken:
        broken.setattr(following.Channel, "save", lambda *_args, **_kwargs: 1 / 0)
        assert follow() == 0
    assert told() == []
    assert follow() == 3


def test_another_organization_hears_nothing_of_it(office: Office):
    webhook(open_office("Umbrella"), HOOK, *ALL)
    live_a_life(office)
    assert follow() == 0
