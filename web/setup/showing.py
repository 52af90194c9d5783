"""The first run in pictures and words: what there is, what is planned, and which of it lasts for ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from audit.admin.html import Status, status_of
from cas.admin.words import template_rules
from cas.core.names import format_name
from cas.describe import key_words
from cas.models import CertificateAuthority
from kernel.actor import Actor
from kernel.permissions import Permission
from web.addresses import address_of
from web.pictures import Node, authority_nodes
from web.setup.standing import Part, Standing
from web.setup.wishes import Wishes

TITLES = {
    Part.ORGANIZATION: _("Organization"),
    Part.ROOT: _("Root"),
    Part.ISSUING: _("Issuing CA"),
    Part.RULES: _("Role and template"),
    Part.CERTIFICATE: _("First certificate"),
}
REASONS = {
    Part.ORGANIZATION: _("whose certificates they are"),
    Part.ROOT: _("the beginning of the chain, which others are told to trust"),
    Part.ISSUING: _("which issues day by day while the root rests"),
    Part.RULES: _("the guard rails, and the recipe that people and programs ask for by name"),
    Part.CERTIFICATE: _("with its key, ready to be downloaded"),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is decided; `is_final` where nobody can change it later."""

    label: str | Promise
    value: str | Promise
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A part, as a list shows it."""

    part: Part
    title: str | Promise
    why: str | Promise
    is_done: bool
    is_next: bool
    facts: tuple[Fact, ...]
    url: str = ""


# What is there is shown to whoever may read it elsewhere, too.
_READING = {
    Part.ROOT: Permission.CAS_READ,
    Part.ISSUING: Permission.CAS_READ,
    Part.RULES: Permission.TEMPLATES_READ,
    Part.CERTIFICATE: Permission.CERTIFICATES_READ,
}


def may_see(actor: Actor, part: Part) -> bool:
    return part not in _READING or holds(actor, _READING[part])


def items(standing: Standing, wishes: Wishes, actor: Actor) -> list[Item]:
    """All parts in their order; what is there says what it is, what is not says what it will be."""
    missing = standing.missing
    return [
        Item(
            part=part,
            title=TITLES[part],
            why=REASONS[part],
            is_done=part not in missing,
            is_next=part in missing[:1],
            facts=tuple(_facts(part, standing, wishes, actor)),
            url=_question(part) if part in missing else "",
        )
        for part in Part
    ]


def _facts(part: Part, standing: Standing, wishes: Wishes, actor: Actor) -> Iterator[Fact]:
    if part in standing.missing:
        return _planned(part, wishes)
    return _present(part, standing) if may_see(actor, part) else iter(())


def hierarchy(standing: Standing, wishes: Wishes, actor: Actor) -> list[Node]:
    """The chain as it stands, and dashed what is to come; nothing for whoever may not read it."""
    if not may_see(actor, Part.ROOT):
        return []
    at = timezone.now()
    there = [ca for ca in (standing.root, standing.issuing) if ca is not None]
    kinds = {ca.pk: TITLES[Part.ROOT if ca == standing.root else Part.ISSUING] for ca in there}
    nodes = authority_nodes(dict.fromkeys(there), at=at, notes=kinds)
    if standing.root is None:
        nodes.append(_planned_authority(Part.ROOT, wishes.root_name, None, wishes.root_key))
    above: object = standing.root.pk if standing.root else Part.ROOT
    if standing.issuing is None:
        nodes.append(_planned_authority(Part.ISSUING, wishes.issuing_name, above, wishes.issuing_key))
    above = standing.issuing.pk if standing.issuing else Part.ISSUING
    row, words = standing.certificate, (gettext("Server certificate"),)
    if row is None:
        nodes.append(Node(Part.CERTIFICATE, wishes.common_name, Status.PENDING, above, words))
    elif row.ca_id == above and may_see(actor, Part.CERTIFICATE):
        status = status_of(row.state, row.not_after, at=at)
        nodes.append(Node(Part.CERTIFICATE, str(row), status, above, words, address_of(row)))
    return nodes


def _planned_authority(part: Part, name: str, above: object, key: str) -> Node:
    return Node(part, name, Status.PENDING, above, (key_words(key), TITLES[part]))


def _planned(part: Part, wishes: Wishes) -> Iterator[Fact]:
    match part:
        case Part.ORGANIZATION:
            yield Fact(_("Name"), wishes.organization)
        case Part.ROOT:
            yield from _authority(wishes, wishes.root_name, wishes.root_key, wishes.root_years)
            yield Fact(_("Where its key is kept"), _("sealed in the database"), is_final=True)
            yield Fact(_("Addresses in what it signs"), settings.BASE_URL, is_final=True)
        case Part.ISSUING:
            yield from _authority(wishes, wishes.issuing_name, wishes.issuing_key, wishes.issuing_years)
            yield Fact(_("CAs below it"), _("none"), is_final=True)
        case Part.RULES:
            below = _("and every name below") if wishes.allow_subdomains else ""
            yield Fact(_("Names"), f"{', '.join(wishes.domains)} {below}".strip())
            yield Fact(_("Valid for"), gettext("%(count)s days") % {"count": wishes.days})
            yield Fact(_("Role and template"), f"{wishes.role} · {wishes.template}")
        case Part.CERTIFICATE:
            yield Fact(_("Name"), wishes.common_name, is_final=True)
            yield Fact(_("Its private key"), _("made here, handed out once"))


def _authority(wishes: Wishes, name: str, key: str, years: int) -> Iterator[Fact]:
    yield Fact(_("Subject"), format_name(wishes.subject(name)), is_final=True)
    yield Fact(_("Key"), key_words(key), is_final=True)
    yield Fact(_("Valid for"), gettext("%(count)s years") % {"count": years}, is_final=True)


def _present(part: Part, standing: Standing) -> Iterator[Fact]:
    match part:
        case Part.ORGANIZATION:
            yield Fact(_("Name"), str(standing.organization))
        case Part.ROOT | Part.ISSUING:
            ca = standing.root if part is Part.ROOT else standing.issuing
            yield from _made_authority(ca) if ca is not None else ()
        case Part.RULES:
            if standing.template is not None:
                yield Fact(_("Template"), standing.template.code)
                yield from (Fact(label, value) for label, value in template_rules(standing.template))
        case Part.CERTIFICATE:
            yield Fact(_("Name"), str(standing.certificate))


def _made_authority(ca: CertificateAuthority) -> Iterator[Fact]:
    yield Fact(_("Name"), ca.name)
    yield Fact(_("Subject"), ca.subject)
    yield Fact(_("Key"), key_words(ca.key_algorithm))


def _question(part: Part) -> str:
    """Where the answers to it are given."""
    return reverse("setup") if part is Part.ORGANIZATION else reverse(f"setup-{part}")
