"""What an organization has of public certificates and notices: one of everything, with nobody asked on the network."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Model
from django.utils import timezone

from acme_client.models import AcmeAccount, AcmeAuthorization, AcmeChallenge, AcmeOrder
from acme_client.orders import AccountOrder, DnsProviderOrder, PublicOrder
from acme_client.services.accounts import register_account
from acme_client.services.dns_providers import create_dns_provider
from acme_client.services.names import grant_name
from acme_client.services.orders import start_order
from certificates.orders import Managed
from kernel.ref import Ref
from kernel.secret import Secret
from notices.models import Channel, Delivery, Mute, Notice
from notices.orders import ChannelOrder, RuleOrder
from notices.services.channels import create_channel
from notices.services.reading import mute
from notices.services.rules import create_rule
from notices.subjects import Subject
from tests import cast
from tests.office import Office

SUFFIX = "acme-shop.test"


def account_of(office: Office, *, name: str = "ACME public CA", **more: object) -> AcmeAccount:
    """An account that the server has registered."""
    order: dict[str, object] = {
        "organization": Ref("pk", office.organization.pk),
        "name": name,
        "provider": "custom",
        "environment": "production",
        "email": "pki@acme.example",
        "agrees_to_terms": True,
        "directory_url": "https://ca.acme.example/directory",
    }
    row = register_account(actor=office.owner, order=AccountOrder(**(order | more)))  # type: ignore[arg-type]
    url = f"https://ca.acme.example/account/{row.pk}"
    AcmeAccount.objects.filter(pk=row.pk).update(status=AcmeAccount.Status.VALID, account_url=url, due_at=None)
    row.refresh_from_db()
    return row


def public_name_of(office: Office, suffix: str = SUFFIX) -> Model:
    return grant_name(actor=cast.SUPERUSER, organization=Ref("pk", office.organization.pk), suffix=suffix)


def order_of(office: Office, account: AcmeAccount, host: str = f"www.{SUFFIX}") -> AcmeOrder:
    """An order that is to be placed. The name must be the organization's own."""
    order = PublicOrder(account=Ref("pk", account.pk), names=(host,), challenge_type="http-01", key=Managed())
    return start_order(actor=office.owner, order=order)


def challenge_of(order: AcmeOrder) -> AcmeChallenge:
    """What the server asks of the first name of an order, as the worker writes it down."""
    here = {"organization": order.organization}
    name = order.names[0]
    asked = AcmeAuthorization.objects.create(**here, order=order, url=f"https://ca.acme.example/{name}", name=name)
    return AcmeChallenge.objects.create(
        **here,
        authorization=asked,
        type=order.challenge_type,
        url=f"https://ca.acme.example/{name}/1",
        token="acme-token-of-the-server",
        key_authorization="acme-token-of-the-server.thumbprint",
        host=name,
    )


def public_rows(office: Office) -> dict[str, Model]:
    """By what an address calls them."""
    account, name = account_of(office), public_name_of(office)
    order = order_of(office, account)
    provider = DnsProviderOrder(
        organization=Ref("pk", office.organization.pk),
        name="ACME DNS",
        type="cloudflare",
        config={"auth_token": "acme-cloudflare-token"},
    )
    return {
        "acme_account": account,
        "acme_order": order,
        "acme_challenge": challenge_of(order),
        "public_name": name,
        "dns_provider": create_dns_provider(actor=office.owner, order=provider),
    }


def channel_of(office: Office, name: str = "ACME deployment") -> Channel:
    order = ChannelOrder(
        organization=Ref("pk", office.organization.pk),
        name=name,
        kind=Channel.Kind.WEBHOOK,
        url=Secret("https://hooks.acme.example/acme-secret-path"),
    )
    return create_channel(actor=office.owner, order=order).channel


def notice_of(office: Office, *, number: int = 0) -> Notice:
    """As a sweep writes it."""
    issued = office.issue(f"told{number}.acme.test").certificate
    return Notice.objects.create(
        organization=office.organization,
        subject=Subject.CERTIFICATE_EXPIRING,
        level=Notice.Level.WARNING,
        kind="certificate",
        object_id=issued.public_id,
        label=str(issued),
        threshold=30,
        facts={"not_after": issued.not_after.isoformat()},
        occasion=f"{issued.public_id} 30",
    )


def delivery_of(channel: Channel, notice: Notice) -> Delivery:
    """One that was given up."""
    return Delivery.objects.create(
        organization=channel.organization,
        channel=channel,
        notice=notice,
        subject=notice.subject,
        document={"label": notice.label},
        status=Delivery.Status.DEAD,
        attempts=12,
        last_status=500,
        last_error="The receiver has answered 500.",
        created_at=timezone.now() - timedelta(days=3),
    )


def muted_of(office: Office) -> Mute:
    return mute(actor=office.owner, notice=Ref("pk", notice_of(office, number=1).pk))


def told_rows(office: Office) -> dict[str, Model]:
    """By what an address calls them."""
    channel, notice = channel_of(office), notice_of(office)
    rule = RuleOrder(
        organization=Ref("pk", office.organization.pk),
        name="ACME rule",
        subject=Subject.CERTIFICATE_EXPIRING,
        thresholds=(30, 7),
        channels=(Ref("pk", channel.pk),),
    )
    return {
        "channel": channel,
        "notice_rule": create_rule(actor=office.owner, order=rule),
        "notice": notice,
        "mute": muted_of(office),
        "delivery": delivery_of(channel, notice),
    }
