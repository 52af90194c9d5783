"""How far an organization has come: read from what is there, so that the first run goes on wherever it was left."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from accounts.models import Organization
from cas import selectors as cas_selectors
from cas.models import CertificateAuthority, Template
from certificates.models import Certificate
from certificates.selectors import certificates
from kernel.actor import Actor


class Part(StrEnum):
    """What there has to be, in the order in which each rests on the one before."""

    ORGANIZATION = "organization"
    ROOT = "root"
    ISSUING = "issuing"
    RULES = "rules"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is of it. Where there is more than one of a kind, the one that the others stand on."""

    organization: Organization | None = None
    root: CertificateAuthority | None = None
    issuing: CertificateAuthority | None = None
    template: Template | None = None
    certificate: Certificate | None = None

    @classmethod
    def of(cls, actor: Actor) -> Standing:
        """Of the organization that the actor works in; nothing where he works in none."""
        if actor.organization_id is None:
            return cls()
        working = cas_selectors.authorities(visible_to=actor).filter(status="active", key__isnull=False).order_by("pk")
        templates = cas_selectors.templates(visible_to=actor).filter(retired_at=None, ca__in=working)
        template = templates.select_related("ca__parent", "role").order_by("pk").first()
        below = working.filter(parent__isnull=False, allow_leaf_certificates=True).select_related("parent")
        issuing = template.ca if template is not None else below.first()
        return cls(
            organization=Organization.objects.get(pk=actor.organization_id),
            root=working.filter(parent=None).first() if issuing is None else issuing.parent or issuing,
            issuing=issuing,
            template=template,
            certificate=certificates(visible_to=actor).order_by("pk").first(),
        )

    @property
    def missing(self) -> list[Part]:
        found = (self.organization, self.root, self.issuing, self.template, self.certificate)
        return [part for part, row in zip(Part, found, strict=True) if row is None]
