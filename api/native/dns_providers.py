"""DNS providers: who changes DNS for an organization, so that names are proven by dns-01."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from acme_client import name_selectors as selectors
from acme_client.dns import catalogue
from acme_client.dns.credentials import names_of_secrets
from acme_client.orders import DnsProviderChange, DnsProviderOrder
from acme_client.services.dns_providers import (
    LONGEST_PROPAGATION,
    MOST_ZONES,
    create_dns_provider,
    delete_dns_provider,
    test_dns_provider,
    update_dns_provider,
)
from api.common.fields import Id, Made, Text, Texts, Whole
from api.common.inputs import Input
from api.common.openapi import operation
from api.common.outputs import Output, flag, identity, moment, text, texts, whole
from api.common.problems import Family
from api.common.throttles import ISSUE
from api.native.dialect import NativeViewSet
from api.native.input_parts import OrganizationOf
from api.native.outputs import STRING, listing
from kernel.permissions import Permission
from kernel.ref import Ref

_READ, _WRITE = Permission.ACME_READ, Permission.ACME_WRITE
_LONGEST_VALUE: Final = 10_000


def _config(**options: Any) -> serializers.DictField:
    return serializers.DictField(child=Text(allow_blank=True, max_length=_LONGEST_VALUE), **options)


class DnsProviderChangeIn(Input):
    """What changes of a DNS provider."""

    all_optional = True
    example = {"zones": ["example.com"]}

    name = Text(max_length=80)
    config = _config(help_text="The fields that change; what is left out stays, an empty text takes one away.")
    zones = Texts(longest=253, most=MOST_ZONES)
    propagation_seconds = Whole(min_value=1, max_value=LONGEST_PROPAGATION)

    @classmethod
    def read(cls, data: Any) -> DnsProviderChange:
        values = cls.values(data, version="v2")
        if "zones" in values:
            values["zones"] = tuple(values["zones"])
        return DnsProviderChange(**values)


class DnsProviderIn(Input):
    """Somebody who is to change DNS, and what they are told for it."""

    example = {
        "name": "Our name server",
        "type": "cloudflare",
        "config": {"auth_token": "…"},
        "zones": ["example.com"],
    }

    organization_id = Id(required=False)
    name = Text(max_length=80)
    type = Text(max_length=40, help_text="One of those that `GET /dns-providers/types` tells of.")
    config = _config(help_text="The fields of its type. Credentials are sealed, and never shown again.")
    zones = Texts(
        required=False,
        longest=253,
        most=MOST_ZONES,
        help_text="What it is asked for; all that no other one has if absent.",
    )
    propagation_seconds = Whole(
        default=120, min_value=1, max_value=LONGEST_PROPAGATION, help_text="How long a change may take to be seen."
    )

    @classmethod
    def read(cls, data: Any, organization_of: OrganizationOf) -> DnsProviderOrder:
        """Raises Denied (the organization), Invalid."""
        values = cls.values(data, version="v2")
        organization = Ref("pk", organization_of(values).pk)
        return DnsProviderOrder(organization=organization, zones=tuple(values.pop("zones", ())), **values)


class DnsProviderOut(Output):
    """Somebody who changes DNS. Of the credentials only the names are shown."""

    id = identity()
    organization_id = identity(source="organization")
    name = text()
    type = text()
    config = serializers.DictField(child=serializers.CharField(), read_only=True)
    credentials = Made(
        names_of_secrets,
        {"type": "array", "items": STRING, "description": "The fields of `config` that are kept sealed."},
    )
    zones = texts()
    propagation_seconds = whole()
    tested_at = moment(allow_null=True)
    last_error = text(help_text="Why the last test has failed; empty where it has not.")
    created_at = moment()


class DnsFieldOut(Output):
    """Something that a type wants to be told."""

    name = text()
    label = text(help_text="In English, as everything about types.")  # type: ignore[assignment]
    help = text()
    is_secret = flag()
    is_required = flag()
    choices = texts(help_text="All there is, where there are any.")


class DnsTypeOut(Output):
    """Somebody who is known here, and what they want to be told."""

    type = text(source="name")
    label = text()  # type: ignore[assignment]
    fields = DnsFieldOut(many=True, read_only=True)  # type: ignore[assignment]


class DnsTypesOut(Output):
    """All of them."""

    data = DnsTypeOut(many=True, read_only=True)  # type: ignore[assignment]


class DnsProviders(NativeViewSet):
    """By whom TXT records are published where names are proven by dns-01."""

    title = "DNS providers"
    permissions = {
        "list": _READ,
        "types": _READ,
        "create": _WRITE,
        "retrieve": _READ,
        "partial_update": _WRITE,
        "destroy": _WRITE,
        "test": _WRITE,
    }
    limits = {"test": ISSUE}
    # A record is written and taken away on the network, and to do it twice does no harm.
    repeatable = frozenset({"test"})

    @operation("List DNS providers", answers={200: listing(DnsProviderOut)})
    def list(self, request: Request) -> Response:
        return self.page(DnsProviderOut, selectors.visible_providers(visible_to=self.actor))

    @operation("List types of DNS providers", answers={200: DnsTypesOut})
    def types(self, request: Request) -> Response:
        """With the fields of `config` that each has."""
        return Response(self.show(DnsTypesOut, {"data": catalogue.kinds()}))

    @operation("Add a DNS provider", body=DnsProviderIn, answers={201: DnsProviderOut}, refusals=(Family.CONFLICT,))
    def create(self, request: Request) -> Response:
        """Nobody is asked yet whether the credentials are good: test it."""
        row = create_dns_provider(actor=self.actor, order=DnsProviderIn.read(request.data, self.organization_of))
        return self.created(self._shown(Ref("pk", row.pk)))

    @operation("Show a DNS provider", answers={200: DnsProviderOut})
    def retrieve(self, request: Request, ref: Ref) -> Response:
        return Response(self._shown(ref))

    @operation(
        "Change a DNS provider", body=DnsProviderChangeIn, answers={200: DnsProviderOut}, refusals=(Family.CONFLICT,)
    )
    def partial_update(self, request: Request, ref: Ref) -> Response:
        """What is given changes, the rest stays."""
        update_dns_provider(actor=self.actor, provider=ref, change=DnsProviderChangeIn.read(request.data))
        return Response(self._shown(ref))

    @operation("Remove a DNS provider", answers={204: None}, refusals=(Family.CONFLICT,))
    def destroy(self, request: Request, ref: Ref) -> Response:
        """Its credentials are forgotten."""
        delete_dns_provider(actor=self.actor, provider=ref)
        return Response(status=204)

    @operation("Test a DNS provider", answers={200: DnsProviderOut}, refusals=(Family.TOO_MANY,))
    def test(self, request: Request, ref: Ref) -> Response:
        """A record is written, looked for, and taken away again. `last_error` says what went wrong."""
        test_dns_provider(actor=self.actor, provider=ref)
        return Response(self._shown(ref))

    def _shown(self, ref: Ref) -> dict[str, Any]:
        shown: dict[str, Any] = self.show(DnsProviderOut, selectors.get_provider(ref, visible_to=self.actor))
        return shown


DNS_PROVIDER_ROUTES: Final[tuple[tuple[str, type[NativeViewSet], Mapping[str, str]], ...]] = (
    ("dns-providers", DnsProviders, {"get": "list", "post": "create"}),
    ("dns-providers/types", DnsProviders, {"get": "types"}),
    (
        "dns-providers/<public_id:ref>",
        DnsProviders,
        {"get": "retrieve", "patch": "partial_update", "delete": "destroy"},
    ),
    ("dns-providers/<public_id:ref>/test", DnsProviders, {"post": "test"}),
)
