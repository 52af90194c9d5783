"""What the server of a CA looks for, so that it believes that a name is ours."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from acme_client.models import AcmeChallenge, AcmeOrder
from acme_client.public import PREFIX
from acme_client.solvers.dns01 import record_name, record_value
from audit.admin.pages import Words


@dataclass(frozen=True, slots=True)
class Answer:
    """Where something must stand, and what."""

    where_label: Words
    where: str
    what_label: Words
    what: str
    note: Words


def answer_to(challenge: AcmeChallenge) -> Answer:
    """RFC 8555 sections 8.3 and 8.4, RFC 8737 section 3."""
    match challenge.type:
        case AcmeOrder.Challenge.DNS:
            return Answer(
                _("TXT record"),
                challenge.record_name or record_name(challenge),
                _("Value"),
                record_value(challenge),
                _("Other values of the record may stay beside it."),
            )
        case AcmeOrder.Challenge.HTTP:
            return Answer(
                _("Address"),
                f"http://{_in_url(challenge.host)}{PREFIX}{challenge.token}",
                _("Content"),
                challenge.key_authorization,
                _("Port 80, without a sign-in; a redirection to another address is followed."),
            )
    return Answer(
        _("TLS server"),
        f"{_in_url(challenge.host)}:443",
        _("SHA-256 in the certificate"),
        hashlib.sha256(challenge.key_authorization.encode()).hexdigest(),
        _("In the extension acmeIdentifier of a certificate that is shown where the protocol acme-tls/1 is asked for."),
    )


def publisher_of(challenge: AcmeChallenge) -> Words:
    """Who makes it stand there."""
    match challenge.type:
        case AcmeOrder.Challenge.DNS if challenge.dns_provider is not None:
            return _("The DNS provider %(name)s, by itself.") % {"name": challenge.dns_provider.name}
        case AcmeOrder.Challenge.DNS if challenge.presented_at is None:
            return _("Not known yet: who has the zone is being looked up.")
        case AcmeOrder.Challenge.DNS:
            return _("You: no DNS provider is set up for this name.")
        case AcmeOrder.Challenge.TLS_ALPN if not settings.TLS_ALPN_PORT:
            return _("You: the listener of this installation is not set up.")
    return _("This installation, by itself.")


def waits_for_a_person(challenge: AcmeChallenge) -> bool:
    """Whether it was found that nobody publishes the answer by himself."""
    return challenge.status == AcmeChallenge.Status.PENDING and challenge.presented_at is not None


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
