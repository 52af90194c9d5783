"""The calls and the events of services about public names and DNS providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from acme_client.orders import DnsProviderChange, DnsProviderOrder
from acme_client.public_names import txt_record
from acme_client.services import dns_providers, names
from kernel.ref import Ref
from tests import cast


def _home(s: Any) -> Ref:
    return Ref("pk", s.office.organization.pk)


def _claim(s: Any) -> Any:
    return names.claim_name(actor=s.owner, organization=_home(s), suffix="example.com")


def _prove(s: Any) -> Any:
    row = _claim(s)
    answers = {"ns1.example.com": frozenset({txt_record(row)[1]})}
    with patch.object(names, "txt_values", lambda *_name, **_more: answers):
        return names.prove_name(actor=s.owner, name=Ref("pk", row.pk))


def _provider(s: Any) -> Any:
    order = DnsProviderOrder(
        organization=_home(s), name="ours", type="cloudflare", config={"auth_token": "x"}, zones=("example.com",)
    )
    return dns_providers.create_dns_provider(actor=s.owner, order=order)


def _provider_ref(s: Any) -> Ref:
    return Ref("pk", _provider(s).pk)


def _try(s: Any) -> Any:
    with patch.object(dns_providers, "_try_out", lambda *_what: ""):
        return dns_providers.test_dns_provider(actor=s.owner, provider=_provider_ref(s))


CLAIMED, PROVIDER = "public_name.claimed", "dns_provider.created"
NAME_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "acme_client.claim_name": (_claim, [CLAIMED]),
    "acme_client.prove_name": (_prove, [CLAIMED, "public_name.proven"]),
    "acme_client.grant_name": (
        lambda s: names.grant_name(actor=cast.SUPERUSER, organization=_home(s), suffix="example.com"),
        ["public_name.granted"],
    ),
    "acme_client.give_up_name": (
        lambda s: names.give_up_name(actor=s.owner, name=Ref("pk", _claim(s).pk)),
        [CLAIMED, "public_name.given_up"],
    ),
    "acme_client.create_dns_provider": (_provider, [PROVIDER]),
    "acme_client.update_dns_provider": (
        lambda s: dns_providers.update_dns_provider(
            actor=s.owner, provider=_provider_ref(s), change=DnsProviderChange(name="other")
        ),
        [PROVIDER, "dns_provider.updated"],
    ),
    "acme_client.delete_dns_provider": (
        lambda s: dns_providers.delete_dns_provider(actor=s.owner, provider=_provider_ref(s)),
        [PROVIDER, "dns_provider.deleted"],
    ),
    "acme_client.test_dns_provider": (_try, [PROVIDER, "dns_provider.tested"]),
}
