"""What would become of an order, name by name, before it is sent."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.outbound import OutboundError, place
from accounts.selectors import private_ranges_of
from acme_client.dns import caa
from acme_client.models import AcmeAccount, AcmeOrder
from acme_client.name_selectors import provider_for
from acme_client.order_names import read_names
from acme_client.providers import caa_names_of
from acme_client.services.names import require_own
from audit.admin.pages import Words
from kernel.errors import FieldError, Invalid

Challenge = AcmeOrder.Challenge
# So long somebody waits for what DNS says.
_PATIENCE_SECONDS: Final = 8.0
_MOST_LINES: Final = 100


@dataclass(frozen=True, slots=True)
class Line:
    """One name: what stands against it, and what will happen for it."""

    name: str
    findings: tuple[Words, ...]
    notes: tuple[Words, ...]


def advise(data: Mapping[str, Any]) -> list[Line]:
    """Of a form that was filled in so far. Network: DNS is asked for CAA records."""
    account, wished, challenge = (data.get(name) for name in ("account", "names", "challenge_type"))
    if not (account and wished and challenge):
        return []
    deadline = time.monotonic() + _PATIENCE_SECONDS
    return list(_lines(account, wished[:_MOST_LINES], challenge, deadline))


def _lines(account: AcmeAccount, wished: Sequence[str], challenge: str, deadline: float) -> Iterator[Line]:
    for text in wished:
        names, errors = read_names([text], challenge)
        findings = [*_said(errors), *_not_own(account, names)]
        notes: list[Words] = []
        for name in names:
            if time.monotonic() < deadline:
                findings += _caa(account, name)
            if not findings:
                notes += _notes(account, name, challenge)
        yield Line(names[0] if names else text, tuple(findings), tuple(notes))


def _said(errors: Sequence[FieldError]) -> list[Words]:
    return [error.message.render(gettext) for error in errors]


def _not_own(account: AcmeAccount, names: Sequence[str]) -> list[Words]:
    try:
        require_own(account.organization, names)
    except Invalid as error:
        return _said(error.errors)
    return []


def _caa(account: AcmeAccount, name: str) -> list[Words]:
    ranges = private_ranges_of(account.organization_id)
    try:
        with place(account.organization_id):
            found = caa.check([name], caa_names_of(account.provider), private_ranges=ranges)
    except OutboundError:
        # Too many ask at this moment. A worker asks again before it orders.
        return []
    return [text.render(gettext) for text in found]


def _notes(account: AcmeAccount, name: str, challenge: str) -> Iterator[Words]:
    """Who publishes the answer, and what has to be so for the CA to find it."""
    host = name.removeprefix("*.")
    if challenge == Challenge.DNS:
        provider = provider_for(account.organization_id, f"_acme-challenge.{host}")
        if provider is not None:
            yield _("%(provider)s publishes the record.") % {"provider": provider}
        else:
            yield _("Nobody changes this DNS for us: you publish the record yourself, at every renewal, too.")
    elif challenge == Challenge.HTTP:
        yield _("Port 80 of %(name)s must lead to this installation.") % {"name": host}
    elif not settings.TLS_ALPN_PORT:
        yield _("The listener for tls-alpn-01 is not set up here: ask whoever runs this installation.")
    else:
        yield _("Port 443 of %(name)s must lead to the listener of this installation.") % {"name": host}
