"""What ScaiVault's clients are shown of ACME and of DNS providers."""

from __future__ import annotations

from rest_framework import serializers

from acme_client.dns.credentials import names_of_secrets
from acme_client.models import AcmeAccount, AcmeAuthorization, AcmeChallenge, AcmeOrder
from api.common.fields import Made
from api.common.outputs import Output, flag, identity, moment, one_of, text, texts


class AcmeAccountOut(Output):
    """An account at an ACME server. Its key is never shown."""

    id = identity()
    name = text()
    provider = one_of(AcmeAccount.Provider.values)
    environment = one_of(AcmeAccount.Environment.values)
    email = text()
    directory_url = text()
    eab_key_id = text()
    status = one_of(AcmeAccount.Status.values, help_text="`pending` until the server has answered.")
    account_url = text(help_text="What the server calls it; empty until it is registered.")
    error = text(source="last_error", help_text="Why the last try to reach the server has failed.")
    created_at = moment()


class AcmeChallengeOut(Output):
    """How a name of an order is proven: what is to be published, and where."""

    id = identity(source="challenge")
    domain = text(source="name")
    wildcard = flag(source="is_wildcard")
    authorization_status = one_of(AcmeAuthorization.Status.values, source="status")
    type = one_of(AcmeOrder.Challenge.values, source="challenge.type")
    status = one_of(AcmeChallenge.Status.values, source="challenge.status")
    token = text(source="challenge.token")
    key_authorization = text(source="challenge.key_authorization")
    record_name = text(
        source="challenge.record_name",
        help_text="Of dns-01: where the TXT record stands, after CNAMEs have been followed.",
    )
    error = text(source="challenge.error")


class AcmeIssueOut(Output):
    """An order that is on its way."""

    order_id = identity()
    status = one_of(AcmeOrder.Status.values, help_text="`waiting` where approvers are asked first.")
    challenges = AcmeChallengeOut(
        source="authorizations", many=True, read_only=True, help_text="None until the server has asked for them."
    )


class AcmeOrderOut(AcmeIssueOut):
    """An order, and how far it has come."""

    id = identity()
    account_id = identity(source="account")
    domains = texts(source="names")
    challenge_type = one_of(AcmeOrder.Challenge.values)
    auto_renew = flag()
    certificate_id = identity(source="certificate", allow_null=True)
    error = text(source="last_error", help_text="Why it has failed, or why the last try has.")
    expires_at = moment(help_text="When it is given up, whatever the server says.")
    created_at = moment()


class DnsProviderOut(Output):
    """Somebody who changes DNS. Of the credentials only the names are shown."""

    id = identity()
    name = text()
    type = text()
    config = serializers.DictField(child=serializers.CharField(), read_only=True)
    credentials = Made(
        names_of_secrets,
        {"type": "array", "items": {"type": "string"}, "description": "The fields of `config` that are kept sealed."},
    )
    tested_at = moment(allow_null=True)
    error = text(source="last_error", help_text="Why the last test has failed; empty where it has not.")
    created_at = moment()
