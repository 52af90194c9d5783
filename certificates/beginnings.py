"""How far an organization has come on its way to the first certificate, read from what is there."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, QuerySet

from accounts.models import ApiKey, Membership, Organization
from accounts.people_models import Invitation
from cas.models import CertificateAuthority, Template
from cas.selectors import authorities, templates
from certificates.models import Certificate
from certificates.selectors import certificates
from kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class Ground:
    """What issuing stands on, as far as an actor sees it, oldest first: CAs that can sign, and what is issued by.

    `issuing` are those below another that may issue; a template may also stand under a root.
    """

    roots: QuerySet[CertificateAuthority]
    issuing: QuerySet[CertificateAuthority]
    templates: QuerySet[Template]
    certificates: QuerySet[Certificate]

    @classmethod
    def of(cls, actor: Actor) -> Ground:
        able = authorities(visible_to=actor).filter(status=CertificateAuthority.Status.ACTIVE, key__isnull=False)
        return cls(
            roots=able.filter(parent__isnull=True),
            issuing=able.filter(parent__isnull=False, allow_leaf_certificates=True),
            templates=templates(visible_to=actor).filter(ca__in=able.order_by()),
            certificates=certificates(visible_to=actor).order_by("pk"),
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """Which of the steps are done: what issuing stands on, a certificate, another person, a key for programs."""

    root: bool = False
    issuing: bool = False
    template: bool = False
    certificate: bool = False
    people: bool = False
    api_key: bool = False


def progress(*, visible_to: Actor) -> Progress:
    """Of the organization that the actor works in; nothing where that is none. One query.

    Who can issue by a template has come past the CAs, wherever the template and the root above it stand.
    """
    if visible_to.organization_id is None:
        return Progress()
    ground, here = Ground.of(visible_to), {"organization": visible_to.organization_id}
    root, below, template, certificate, invited, joined, api_key = Organization.objects.values_list(
        Exists(ground.roots),
        Exists(ground.issuing),
        Exists(ground.templates),
        Exists(ground.certificates),
        Exists(Invitation.objects.filter(**here)),
        Exists(Membership.objects.filter(**here).exclude(user=visible_to.person_id)),
        Exists(ApiKey.objects.filter(**here)),
    ).get(pk=visible_to.organization_id)
    issuing = below or template
    return Progress(root or issuing, issuing, template, certificate, invited or joined, api_key)
