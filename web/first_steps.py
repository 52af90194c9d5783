"""From nothing to the first certificate: what is done, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from cas.models import CertificateAuthority, Role, Template


@dataclass(frozen=True, slots=True)
class Step:
    title: str | Promise
    why: str | Promise
    url: str
    is_done: bool
    is_next: bool = False


COMMANDS: Final = """\
manage.py create_organization Acme
manage.py create_ca "Acme Root"
manage.py create_ca "Acme Issuing" --parent "Acme Root" --path-length 0
manage.py create_role web --ca "Acme Issuing" --domain acme.internal --allow-subdomains
manage.py create_template web-tls --ca "Acme Issuing" --role web
manage.py issue_certificate web-tls --common-name api.acme.internal --out api.pem --key-out api.key"""


def first_steps() -> list[Step]:
    """The steps in their order; the first one that is not done is the next."""
    authorities = CertificateAuthority.objects.filter(status=CertificateAuthority.Status.ACTIVE)
    steps = [
        Step(
            _("An organization"),
            _("whose certificates they are"),
            reverse("admin:accounts_organization_create"),
            Organization.objects.exists(),
        ),
        Step(
            _("A root"),
            _("the beginning of the chain, which others are told to trust"),
            reverse("admin:cas_certificateauthority_create-root"),
            authorities.filter(parent=None).exists(),
        ),
        Step(
            _("An intermediate"),
            _("which issues day by day while the root rests"),
            reverse("admin:cas_certificateauthority_create-intermediate"),
            authorities.exclude(parent=None).exists(),
        ),
        Step(
            _("A role"),
            _("the guard rails: which names, for how long"),
            reverse("admin:cas_role_create"),
            Role.objects.filter(retired_at=None).exists(),
        ),
        Step(
            _("A template"),
            _("the recipe that people and programs ask for by name"),
            reverse("admin:cas_template_create"),
            Template.objects.filter(retired_at=None).exists(),
        ),
        Step(
            _("The first certificate"),
            _("with its key, ready to be downloaded"),
            reverse("admin:certificates_certificate_issue"),
            False,
        ),
    ]
    following = next(index for index, step in enumerate(steps) if not step.is_done)
    return [
        Step(step.title, step.why, step.url, step.is_done, is_next=index == following)
        for index, step in enumerate(steps)
    ]
