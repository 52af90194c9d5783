"""What ScaiVault's clients send about ACME and DNS providers: bodies and addresses to orders."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from acme_client.models import AcmeAccount, AcmeOrder
from acme_client.order_names import MOST_NAMES
from acme_client.orders import AccountOrder, DnsProviderChange, DnsProviderOrder, PublicOrder
from api.common.fields import Choice, Flag, Id, SecretText, Text, Texts
from api.common.inputs import Input
from api.common.paging import PageQuery
from certificates.orders import Managed
from kernel.ref import Ref

_VERSION: Final = "v2"
_LONGEST_NAME: Final = 260
_LONGEST_VALUE: Final = 10_000


class AcmeAccountIn(Input):
    """An account to be registered at an ACME server. Whoever registers it agrees to the server's terms."""

    example = {"name": "Let’s Encrypt", "provider": "letsencrypt", "email": "pki@example.com"}

    name = Text(max_length=80)
    provider = Choice(AcmeAccount.Provider.values)
    environment = Choice(AcmeAccount.Environment.values, default=AcmeAccount.Environment.PRODUCTION.value)
    email = Text(max_length=254)
    directory_url = Text(required=False, max_length=500, help_text="https; of `custom` alone, which must have one.")
    eab_key_id = Text(required=False, max_length=200, help_text="External account binding, where it is asked for.")
    eab_hmac_key = SecretText(required=False, max_length=500, help_text="Its MAC key, in base64url.")

    @classmethod
    def read(cls, data: Any, *, home: Ref) -> AccountOrder:
        """Raises Invalid."""
        values = cls.values(data, version=_VERSION)
        eab_key = values.pop("eab_hmac_key", None)
        return AccountOrder(organization=home, agrees_to_terms=True, eab_key=eab_key, **values)


class AcmeIssueIn(Input):
    """A certificate that is wished for from a public CA."""

    example = {
        "account_id": "0b5c2e1a-7f3d-4c0e-9a64-5d8f1b2c3e4f",
        "domains": ["www.example.com", "example.com"],
        "challenge_type": "http-01",
    }

    account_id = Id()
    domains = Texts(longest=_LONGEST_NAME, most=MOST_NAMES, min_length=1)
    challenge_type = Choice(AcmeOrder.Challenge.values)
    auto_renew = Flag(default=True)

    @classmethod
    def read(cls, data: Any) -> PublicOrder:
        """Raises Invalid."""
        values = cls.values(data, version=_VERSION)
        return PublicOrder(
            account=values["account_id"],
            names=tuple(values["domains"]),
            challenge_type=values["challenge_type"],
            key=Managed(),
            auto_renew=values["auto_renew"],
        )


class AcmeOrderQuery(PageQuery):
    """Which orders are listed."""

    status = Choice(AcmeOrder.Status.values, required=False)
    account_id = Id(required=False, help_text="Those by this account.")


def _config(**options: Any) -> serializers.DictField:
    return serializers.DictField(child=Text(allow_blank=True, max_length=_LONGEST_VALUE), **options)


class DnsProviderIn(Input):
    """Somebody who is to change DNS, and what they are told for it."""

    example = {"name": "Our DNS", "type": "cloudflare", "config": {"auth_token": "…"}}

    name = Text(max_length=80)
    type = Text(max_length=40, help_text="aws_route53, cloudflare, rfc2136 …; the answer to another names all.")
    config = _config(help_text="The fields of its type. Credentials are sealed, and never shown again.")

    @classmethod
    def read(cls, data: Any, *, home: Ref) -> DnsProviderOrder:
        """Raises Invalid."""
        return DnsProviderOrder(organization=home, **cls.values(data, version=_VERSION))


class DnsProviderChangeIn(Input):
    """What changes of a DNS provider."""

    all_optional = True
    example = {"config": {"auth_token": "…"}}

    name = Text(max_length=80)
    config = _config(help_text="The fields that change; what is left out stays.")

    @classmethod
    def read(cls, data: Any) -> DnsProviderChange:
        """Raises Invalid."""
        return DnsProviderChange(**cls.values(data, version=_VERSION))
