"""What a credential may do, as a form asks for it: here as a whole, or at single CAs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.grants import CaRights, GrantOrder
from accounts.models import Organization, User
from accounts.roles import ORGANIZATION_PERMISSIONS
from cas.models import CertificateAuthority
from cas.selectors import authorities
from kernel.actor import Actor
from web.permissions import grouped

EVERYWHERE, PER_CA = "organization", "cas"
RIGHTS: Final = {
    "can_read": _("Read"),
    "can_issue": _("Issue"),
    "can_revoke": _("Revoke"),
    "can_export": _("Export keys"),
}
_MOST_CAS: Final = 100


class RightsForm(forms.Form):
    """Who answers for a credential, and what it may do."""

    owner = forms.ChoiceField(
        label=_("Owner"),
        help_text=_(
            "Who answers for it: the key can never do more than they can, and decides on no requests where somebody "
            "else has made it."
        ),
    )
    scope = forms.ChoiceField(
        label=_("What it is for"),
        choices=[(EVERYWHERE, _("The whole organization")), (PER_CA, _("Single CAs, and nothing else"))],
        initial=EVERYWHERE,
        widget=forms.RadioSelect,
    )
    permissions = forms.MultipleChoiceField(label=_("Permissions"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, actor: Actor, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organization = organization
        members = User.objects.filter(memberships__organization=organization).order_by("email")
        self._choose("owner", [(user.email, user.email) for user in members])
        self._choose("permissions", [(each, each) for each in sorted(actor.permissions & ORGANIZATION_PERMISSIONS)])
        self.cas = list(authorities(visible_to=actor).filter(key__isnull=False).order_by("name")[:_MOST_CAS])
        for ca in self.cas:
            for right, label in RIGHTS.items():
                widget = forms.CheckboxInput(attrs={"aria-label": f"{ca.name}: {label}"})
                self.fields[_cell(ca, right)] = forms.BooleanField(required=False, widget=widget, label=label)

    @property
    def rights(self) -> Iterable[object]:
        """What can be given at a CA, in words."""
        return RIGHTS.values()

    def matrix(self) -> Iterator[tuple[CertificateAuthority, list[BoundField]]]:
        """Each CA with its four boxes."""
        for ca in self.cas:
            yield ca, [self[_cell(ca, right)] for right in RIGHTS]

    def wanted(self) -> dict[str, Any]:
        """The rights as the services of credentials take them."""
        is_per_ca = self.cleaned_data["scope"] == PER_CA
        return {
            "permissions": () if is_per_ca else self.cleaned_data["permissions"],
            "grants": self._grants() if is_per_ca else None,
        }

    def _grants(self) -> list[GrantOrder]:
        chosen = [(ca, {right: self.cleaned_data[_cell(ca, right)] for right in RIGHTS}) for ca in self.cas]
        return [GrantOrder(ca.pk, **rights) for ca, rights in chosen if any(rights.values())]

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]


class _AtCa(CaRights, Protocol):
    """A grant as a row."""

    @property
    def ca(self) -> CertificateAuthority: ...


def cells_of(grants: Iterable[_AtCa]) -> dict[str, bool]:
    """What the boxes of a form begin with."""
    return {_cell(grant.ca, right): getattr(grant, right) for grant in grants for right in RIGHTS}


def told(permissions: Iterable[str], grants: Iterable[_AtCa], *, is_per_ca: bool) -> list[str]:
    """One line for each CA, or the permissions in one."""
    if not is_per_ca:
        return [grouped(permissions)]
    return [f"{grant.ca.name}: {_words(grant)}" for grant in grants]


def table_of(grants: Iterable[_AtCa]) -> list[tuple[CertificateAuthority, list[bool]]]:
    return [(grant.ca, [getattr(grant, right) for right in RIGHTS]) for grant in grants]


def _words(grant: CaRights) -> str:
    return ", ".join(gettext(str(label)) for right, label in RIGHTS.items() if getattr(grant, right))


def _cell(ca: CertificateAuthority, right: str) -> str:
    return f"{ca.public_id}-{right}"
