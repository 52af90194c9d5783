"""Which names a public certificate can have, and by which challenge each of them can be proven. No database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography import x509

from acme_client.models import AcmeOrder
from acme_client.public_names import is_address
from cas.core.csr import CsrFacts
from cas.core.general_names import NameKind, general_name, general_name_text, inferred_kind, kind_of
from cas.core.names import common_name
from kernel.errors import FieldError, Invalid, field_error
from kernel.text import _

MOST_NAMES: Final = 100
Challenge = AcmeOrder.Challenge


def read_names(wished: Sequence[str], challenge_type: str) -> tuple[list[str], list[FieldError]]:
    """The names as an order has them (A-labels, canonical addresses), and what is wrong with them, on `names[…]`."""
    if not 1 <= len(wished) <= MOST_NAMES:
        text = _("A public certificate has from one to %(most)s names.")
        return [], [field_error("names", "out-of-range", text, most=MOST_NAMES)]
    names: list[str] = []
    errors: list[FieldError] = []
    for index, text in enumerate(wished):
        field = f"names[{index}]"
        try:
            name = _read(text, field)
        except Invalid as error:
            errors += error.errors
            continue
        if name in names:
            errors.append(field_error(field, "duplicate", _("%(name)s stands there twice."), name=name))
        errors += _challenge_errors(name, challenge_type, field)
        names.append(name)
    return names, errors


def csr_errors(facts: CsrFacts, names: Sequence[str]) -> list[FieldError]:
    """Why this CSR is not one for exactly these names."""
    asked = {_told(each) for each in facts.sans}
    if (subject := common_name(facts.subject)) is not None:
        asked.add(subject.lower())
    if asked == set(names):
        return []
    text = _("The CSR asks for other names than the order: %(names)s.")
    return [field_error("csr", "names-differ", text, names=", ".join(sorted(asked ^ set(names)))[:200])]


def general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    """As they stand in a certificate."""
    return [general_name(name, NameKind.IP if is_address(name) else NameKind.DNS) for name in names]


def _told(name: x509.GeneralName) -> str:
    """Of what is neither a host nor an address, with its kind: an address of the web may read like a host."""
    kind, text = kind_of(name), general_name_text(name).lower()
    return text if kind in (NameKind.DNS, NameKind.IP) else f"{kind.value}:{text}"


def _read(text: str, field: str) -> str:
    text = text.strip().removesuffix(".")
    kind = inferred_kind(text)
    if kind not in (NameKind.DNS, NameKind.IP):
        raise Invalid.of(field, "bad-name", _("This is neither a host name nor an address."))
    return general_name_text(general_name(text, kind, field=field))


def _challenge_errors(name: str, challenge_type: str, field: str) -> list[FieldError]:
    if name.startswith("*.") and challenge_type != Challenge.DNS:
        text = _("A wildcard can be proven by dns-01 alone.")
        return [field_error(field, "challenge-not-possible", text)]
    if is_address(name) and challenge_type == Challenge.DNS:
        # RFC 8738 section 7.
        text = _("An address can be proven by http-01 and tls-alpn-01 alone.")
        return [field_error(field, "challenge-not-possible", text)]
    return []
