"""dns-01 (RFC 8555 section 8.4): a TXT record, by the organization's DNS provider, else by hand."""

from __future__ import annotations

import base64
from datetime import timedelta
from hashlib import sha256

from django.utils import timezone

from accounts.selectors import private_ranges_of
from acme_client.dns import changing
from acme_client.dns.credentials import changer_of
from acme_client.dns.errors import DnsError
from acme_client.dns.resolving import follow, txt_values
from acme_client.models import AcmeChallenge, DnsProvider
from acme_client.name_selectors import provider_for
from acme_client.solvers.protocol import Presented, SolverError
from kernel.text import Text, _


class DnsSolver:
    """Where `_acme-challenge` is a CNAME, the record is published where it leads."""

    def present(self, challenge: AcmeChallenge) -> Presented:
        try:
            record, provider = _place(challenge)
            if provider is None:
                return Presented(record_name=record, by_hand=True)
            changing.publish(changer_of(provider), record, record_value(challenge))
        except DnsError as error:
            raise SolverError(error.text) from error
        return Presented(record_name=record, dns_provider=provider)

    def is_ready(self, challenge: AcmeChallenge) -> bool:
        """All authoritative servers show the record. One that cannot be asked is not waited for beyond its time."""
        is_late = _is_late(challenge)
        try:
            answers = txt_values(record_name(challenge), private_ranges=private_ranges_of(challenge.organization_id))
        except DnsError:
            return is_late
        without = sorted(server for server, values in answers.items() if record_value(challenge) not in values)
        if without and is_late:
            text = _("%(server)s does not show the TXT record %(record)s with its value.")
            raise SolverError(Text(text, {"server": without[0], "record": record_name(challenge)}), is_final=True)
        return not without

    def clean(self, challenge: AcmeChallenge) -> None:
        try:
            record, provider = _place(challenge)
            if provider is not None:
                changing.withdraw(changer_of(provider), record, record_value(challenge))
        except DnsError as error:
            raise SolverError(error.text) from error


def record_name(challenge: AcmeChallenge) -> str:
    """Of the TXT record that the server asks for."""
    return f"_acme-challenge.{challenge.host}"


def record_value(challenge: AcmeChallenge) -> str:
    digest = sha256(challenge.key_authorization.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _place(challenge: AcmeChallenge) -> tuple[str, DnsProvider | None]:
    """Where the record stands, and who changes it: as it was decided once, else as it is found now. Raises DnsError."""
    if challenge.record_name:
        return challenge.record_name, challenge.dns_provider
    ranges = private_ranges_of(challenge.organization_id)
    record = follow(record_name(challenge), private_ranges=ranges)
    return record, provider_for(challenge.organization_id, record)


def _is_late(challenge: AcmeChallenge) -> bool:
    """Where nobody but a person publishes it, it is never late."""
    if challenge.dns_provider is None or challenge.presented_at is None:
        return False
    patience = timedelta(seconds=challenge.dns_provider.propagation_seconds)
    return timezone.now() > challenge.presented_at + patience
