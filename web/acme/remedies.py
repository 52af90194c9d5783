"""What to do about what a server of a CA has answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_lazy as _

from acme_client.models import AcmeOrder
from audit.admin.pages import Words

# By the error types of RFC 8555 section 6.7.
_REMEDIES: Final[Mapping[str, Words]] = {
    "caa": _("The DNS of the name forbids this CA by a CAA record: change the record, or order elsewhere."),
    "connection": _(
        "The CA could not reach the name from outside. See that its address is right, and that port 80 (http-01) or "
        "443 (tls-alpn-01) leads to this server; or prove it by dns-01."
    ),
    "dns": _("The DNS of the name did not answer as it should. Look its records up from outside, then order again."),
    "unauthorized": _(
        "The CA looked and found something else than what was to be published. See that nothing in front of the name "
        "answers by itself, and that no old record stands there."
    ),
    "incorrectResponse": _(
        "The CA looked and found something else than what was to be published. See that nothing in front of the name "
        "answers by itself, and that no old record stands there."
    ),
    "tls": _("The TLS connection failed. See that the listener for tls-alpn-01 runs and that port 443 leads to it."),
    "rateLimited": _(
        "The CA has counted too many orders. Wait as it says, and try with its staging environment meanwhile."
    ),
    "rejectedIdentifier": _("The CA issues nothing for one of these names. Leave it out, or order elsewhere."),
    "unsupportedIdentifier": _("The CA issues nothing for one of these names. Leave it out, or order elsewhere."),
    "externalAccountRequired": _("The CA wants an account that is bound to a contract: add one with its binding key."),
    "userActionRequired": _("The CA wants something from a person first, such as agreeing to new terms."),
    "accountDoesNotExist": _("The CA does not know the account any more. Add a new one."),
    "badCSR": _("The CA does not take the signing request. Try another kind of key."),
    "badPublicKey": _("The CA does not take the key. Try another kind."),
    "serverInternal": _("The server of the CA has a fault. Order again later."),
}
# As errors of a server are written down.
_TYPE: Final = re.compile(r"\((\w+)\)")


def remedies_of(order: AcmeOrder) -> list[Words]:
    """Advice for what is written down about an order and its challenges, each piece once."""
    texts = [order.last_error, *(_error_of(each) for each in order.authorizations.all())]
    kinds = dict.fromkeys(kind for text in texts for kind in _TYPE.findall(text))
    return list(dict.fromkeys(_REMEDIES[kind] for kind in kinds if kind in _REMEDIES))


def _error_of(authorization: object) -> str:
    challenge = getattr(authorization, "challenge", None)
    return challenge.error if challenge else ""
