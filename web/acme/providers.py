"""The public CAs that an account can be had from, as somebody chooses among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from acme_client.models import AcmeAccount
from acme_client.providers import KNOWN
from audit.admin.pages import Words

Provider = AcmeAccount.Provider


@dataclass(frozen=True, slots=True)
class Offer:
    """`terms` is where the CA has its terms, `binding` where it hands out keys of bindings; empty: nothing is known."""

    provider: str
    name: Words
    why: Words
    environments: Sequence[str]
    needs_binding: bool
    terms: str = ""
    binding: str = ""

    @property
    def is_custom(self) -> bool:
        return self.provider == Provider.CUSTOM


_WHY: Final[Mapping[str, Words]] = {
    Provider.LETS_ENCRYPT: _("Without a contract and without cost. What most begin with."),
    Provider.ZEROSSL: _("Needs a sign-up there, and the key of a binding from it."),
    Provider.GOOGLE: _("Needs a project at Google Cloud, and the key of a binding from it."),
    Provider.CUSTOM: _("Of your own, or of a CA that is not in this list: you name its directory."),
}
_TERMS: Final[Mapping[str, str]] = {
    Provider.LETS_ENCRYPT: "https://letsencrypt.org/repository/",
    Provider.ZEROSSL: "https://zerossl.com/terms/",
    Provider.GOOGLE: "https://pki.goog/repository/",
}
_BINDINGS: Final[Mapping[str, str]] = {
    Provider.ZEROSSL: "https://zerossl.com/documentation/acme/",
    Provider.GOOGLE: "https://cloud.google.com/certificate-manager/docs/public-ca-tutorial",
}


def offers() -> list[Offer]:
    """Those that take orders."""
    return [_offer(Provider(each)) for each, known in KNOWN.items() if not known.has_ended]


def offer_of(provider: str) -> Offer | None:
    return next((each for each in offers() if each.provider == provider), None)


def _offer(provider: AcmeAccount.Provider) -> Offer:
    known = KNOWN[provider]
    return Offer(
        provider=provider.value,
        name=provider.label,
        why=_WHY.get(provider, ""),
        environments=list(known.directories) or [AcmeAccount.Environment.PRODUCTION],
        needs_binding=known.needs_binding,
        terms=_TERMS.get(provider, ""),
        binding=_BINDINGS.get(provider, ""),
    )
