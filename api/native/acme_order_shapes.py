"""Orders at ACME servers: what is wished for, and how far each of them has come."""

from __future__ import annotations

from typing import Any, Final

from acme_client.models import AcmeAuthorization, AcmeChallenge, AcmeOrder
from acme_client.order_names import MOST_NAMES
from acme_client.orders import PublicOrder
from api.common.fields import Choice, Flag, Id, Text, Texts
from api.common.inputs import Input
from api.common.outputs import Output, flag, identity, moment, one_of, text, texts, whole
from api.common.paging import PageQuery
from cas.core.csr import LONGEST, read_csr
from cas.core.keys import KeyAlgorithm
from certificates.orders import Managed
from kernel.errors import Invalid
from kernel.text import _

_LONGEST_NAME: Final = 260


class AcmeOrderQuery(PageQuery):
    """Which orders are listed."""

    status = Choice(AcmeOrder.Status.values, required=False)
    account_id = Id(required=False, help_text="Those by this account.")


class AcmeOrderIn(Input):
    """A certificate that is wished for from a public CA."""

    example = {
        "account_id": "0b5c2e1a-7f3d-4c0e-9a64-5d8f1b2c3e4f",
        "names": ["www.example.com", "example.com"],
        "challenge_type": "http-01",
    }

    account_id = Id()
    names = Texts(
        longest=_LONGEST_NAME,
        most=MOST_NAMES,
        min_length=1,
        help_text="Domains, wildcards (by dns-01), addresses; each below a public name of the organization.",
    )
    challenge_type = Choice(AcmeOrder.Challenge.values, help_text="How the names are proven.")
    csr = Text(required=False, max_length=LONGEST, help_text="PEM, with exactly these names: its key stays yours.")
    key_algorithm = Choice(KeyAlgorithm, required=False, help_text="Of a key that is made here.")
    auto_renew = Flag(default=True)
    replaces_id = Id(required=False, help_text="The certificate that this one shall take the place of.")
    tags = Texts(required=False, longest=64, most=50)
    description = Text(required=False, allow_blank=True, max_length=1000)

    @classmethod
    def read(cls, data: Any) -> PublicOrder:
        """Raises Invalid with every violation."""
        values = cls.values(data, version="v2")
        if {"csr", "key_algorithm"} <= values.keys():
            raise Invalid.of("key_algorithm", "contradiction", _("A CSR brings its own key."))
        algorithm = values.get("key_algorithm")
        made_here = Managed(KeyAlgorithm(algorithm) if algorithm else None)
        return PublicOrder(
            account=values["account_id"],
            names=tuple(values["names"]),
            challenge_type=values["challenge_type"],
            key=read_csr(values["csr"]) if "csr" in values else made_here,
            auto_renew=values["auto_renew"],
            tags=tuple(values.get("tags", ())),
            description=values.get("description", ""),
            replaces=values.get("replaces_id"),
        )


class AcmeOrderOut(Output):
    """An order as lists show it."""

    id = identity()
    organization_id = identity(source="organization")
    account_id = identity(source="account")
    status = one_of(AcmeOrder.Status.values)
    names = texts()
    challenge_type = one_of(AcmeOrder.Challenge.values)
    key_algorithm = one_of(KeyAlgorithm)
    auto_renew = flag()
    certificate_id = identity(source="certificate", allow_null=True)
    replaces_id = identity(source="replaces", allow_null=True)
    request_id = identity(
        source="request", allow_null=True, help_text="What approvers decide on, where the account asks for approvals."
    )
    requester = text(source="requester_label")
    tags = texts()
    description = text()
    attempts = whole(help_text="Failed ones since the last step that succeeded.")
    last_error = text(help_text="Why the last try has failed, or why the order has.")
    due_at = moment(allow_null=True, help_text="When it goes on; null where it waits for a person, or is over.")
    expires_at = moment(help_text="When it is given up, whatever the server says.")
    created_at = moment()
    closed_at = moment(allow_null=True)


class AcmeChallengeOut(Output):
    """How a name is proven: what is to be published, and where."""

    id = identity()
    type = one_of(AcmeOrder.Challenge.values)
    status = one_of(AcmeChallenge.Status.values)
    host = text(help_text="The name that the server looks at.")
    token = text()
    key_authorization = text(help_text="What `/.well-known/acme-challenge/` and the token answers, of http-01.")
    record_name = text(help_text="Of dns-01: where the TXT record stands, after CNAMEs have been followed.")
    dns_provider_id = identity(
        source="dns_provider", allow_null=True, help_text="Who publishes it; null where you do, of dns-01."
    )
    presented_at = moment(allow_null=True)
    error = text()


class AcmeAuthorizationOut(Output):
    """The server's question whether one name is ours."""

    name = text()
    is_wildcard = flag()
    status = one_of(AcmeAuthorization.Status.values)
    challenge = AcmeChallengeOut(read_only=True, allow_null=True)


class AcmeOrderDetailOut(AcmeOrderOut):
    """An order, with what the server asks to see."""

    order_url = text(help_text="What the server calls it; empty until it is placed.")
    authorizations = AcmeAuthorizationOut(many=True, read_only=True)
