"""How far an organization has come: read from what is there, so that the first run goes on wherever it was left."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from accounts.models import Organization
from cas.models import CertificateAuthority, Template
from certificates.beginnings import Ground
from certificates.models import Certificate
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
        ground = Ground.of(actor)
        template = ground.templates.select_related("ca__parent", "role").order_by("pk").first()
        issuing = template.ca if template is not None else ground.issuing.select_related("parent").first()
        return cls(
            organization=Organization.objects.get(pk=actor.organization_id),
            root=ground.roots.first() if issuing is None else issuing.parent or issuing,
            issuing=issuing,
            template=template,
            certificate=ground.certificates.first(),
        )

    @property
    def missing(self) -> list[Part]:
        found = (self.organization, self.root, self.issuing, self.template, self.certificate)
        return [part for part, row in zip(Part, found, strict=True) if row is None]
