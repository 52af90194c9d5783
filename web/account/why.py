"""Why somebody may, or may not: asked of the same policy that decides, and said in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts import selectors
from accounts.models import ApiKey, CustomRole, Membership, Organization, ServiceAccount
from accounts.people_selectors import open_service_accounts
from accounts.policy import Obstacle, holds, obstacle
from accounts.roles import ORGANIZATION_PERMISSIONS, PERMISSIONS, OrganizationRole
from accounts.services.credentials import actor_of_api_key, actor_of_service_account
from accounts.services.issuance_policies import policy_of
from accounts.services.people import actor_for_user, member_permissions
from audit.admin.forms import message_of
from cas.chains import require_able_to_sign
from cas.models import CertificateAuthority
from cas.selectors import authorities, templates
from certificates.services.approval import demands_of
from kernel.actor import Actor
from kernel.errors import DomainError, Unauthenticated
from kernel.permissions import Permission
from web.account.pages import in_organization

_MOST_CHOICES: Final = 500
_ABOUT_ISSUING: Final = frozenset({Permission.CERTIFICATES_ISSUE, Permission.CERTIFICATES_RENEW})

Subject = Membership | ApiKey | ServiceAccount


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether he may, why, and what else would be in the way of it."""

    is_allowed: bool
    reasons: tuple[str, ...]
    hurdles: tuple[str, ...] = ()


class WhyForm(forms.Form):
    """Who, what and where; only what the one who asks may see."""

    subject = forms.ChoiceField(label=gettext_lazy("Who"))
    permission = forms.ChoiceField(
        label=gettext_lazy("May do what"),
        choices=[(each.value, each.value) for each in sorted(ORGANIZATION_PERMISSIONS)],
    )
    ca = forms.ModelChoiceField(
        CertificateAuthority.objects.none(),
        label=gettext_lazy("At which CA"),
        to_field_name="public_id",
        required=False,
        empty_label=gettext_lazy("not about a CA"),
    )

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subjects = {f"{type(row).__name__}:{row.public_id}".lower(): row for row in _subjects(actor)}
        self.fields["subject"].choices = [(key, _label(row)) for key, row in self.subjects.items()]  # type: ignore[attr-defined]
        if holds(actor, Permission.CAS_READ):
            self.fields["ca"].queryset = authorities(visible_to=actor).order_by("name")  # type: ignore[attr-defined]

    def answer(self) -> Answer:
        data = self.cleaned_data
        return explain(self.subjects[data["subject"]], Permission(data["permission"]), data["ca"])


@in_organization(Permission.MEMBERS_READ)
@require_safe
def why(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    form = WhyForm(actor, request.GET or None, initial={"permission": Permission.CERTIFICATES_ISSUE})
    context = {"title": _("Who may do what, and why"), "organization": organization, "form": form}
    if form.is_bound and form.is_valid():
        context["answer"] = form.answer()
    return render(request, "web/account/why.html", context, status=422 if form.errors else 200)


def explain(subject: Subject, permission: Permission, ca: CertificateAuthority | None) -> Answer:
    """What the policy says now of this member or credential, at a CA of its organization or in it as a whole."""
    try:
        actor = _actor_of(subject)
    except Unauthenticated:
        return Answer(False, tuple(_not_in(subject)))
    found = obstacle(
        actor, permission, organization_id=subject.organization_id, ca_id=ca.pk if ca is not None else None
    )
    hurdles = tuple(_hurdles(actor, permission, ca))
    if found is None:
        return Answer(True, (_granted(subject, permission),), hurdles)
    if found is Obstacle.PERMISSION:
        return Answer(False, tuple(_lacking(subject, permission)), hurdles)
    return Answer(False, (_elsewhere(subject, ca),), hurdles)


def _subjects(actor: Actor) -> Iterator[Subject]:
    yield from selectors.memberships(visible_to=actor)[:_MOST_CHOICES]
    if holds(actor, Permission.API_KEYS_READ):
        yield from selectors.api_keys(visible_to=actor).filter(revoked_at=None)[:_MOST_CHOICES]
        yield from open_service_accounts(visible_to=actor)[:_MOST_CHOICES]


def _label(subject: Subject) -> str:
    if isinstance(subject, Membership):
        return _("%(person)s (%(role)s)") % {"person": subject.user.email, "role": subject.role_name}
    if isinstance(subject, ApiKey):
        return _("API key %(name)s") % {"name": subject.name}
    return _("Service account %(name)s") % {"name": subject.name}


def _actor_of(subject: Subject) -> Actor:
    """Raises Unauthenticated."""
    if isinstance(subject, Membership):
        return actor_for_user(subject.user, organization=subject.organization)
    if isinstance(subject, ApiKey):
        return actor_of_api_key(subject)
    return actor_of_service_account(subject.pk, ip=None)


def _not_in(subject: Subject) -> Iterator[str]:
    yield _("It does not get in at all.")
    if isinstance(subject, ServiceAccount) and not subject.is_active:
        yield _("The service account is disabled.")
    elif isinstance(subject, ApiKey) and subject.expires_at is not None:
        yield _("The key has expired, or its owner %(owner)s has no rights here any more.") % _owner(subject)
    elif not isinstance(subject, Membership):
        yield _("Its owner %(owner)s has no rights here any more.") % _owner(subject)


def _granted(subject: Subject, permission: Permission) -> str:
    if not isinstance(subject, Membership):
        return _("It has been given this, and its owner %(owner)s may do it too.") % _owner(subject)
    if subject.user.is_superuser:
        return _("A superuser may do everything.")
    if permission.value in subject.capabilities:
        return _("It has been given to this member beside the role.")
    return _("The role %(role)s has this permission.") % {"role": subject.role_name}


def _lacking(subject: Subject, permission: Permission) -> Iterator[str]:
    if isinstance(subject, Membership):
        if not subject.user.is_active:
            yield _("This person is disabled.")
        elif permission in subject.permissions:
            yield _("Somebody else has chosen the password of this person, who therefore decides on nothing.")
        else:
            yield _("The role %(role)s does not have this permission.") % {"role": subject.role_name}
            yield _("These have it: %(roles)s.") % {
                "roles": ", ".join(map(str, _roles_with(permission, subject.organization_id)))
            }
        return
    membership = Membership.objects.filter(organization=subject.organization_id, user=subject.owner_id).first()
    if permission not in member_permissions(subject.owner, membership):
        yield _("Its owner %(owner)s may not do this, and it can never do more than its owner.") % _owner(subject)
    elif permission is Permission.REQUESTS_DECIDE and not subject.is_made_by_owner:
        yield _("Somebody else than its owner has made it, so that it decides on no requests.")
    else:
        yield _("It has not been given this.")


def _roles_with(permission: Permission, organization_id: int) -> Iterator[str | Promise]:
    yield from (OrganizationRole(role).label for role, rights in PERMISSIONS.items() if permission in rights)
    for role in CustomRole.objects.filter(organization=organization_id).order_by("name"):
        if permission.value in role.permissions:
            yield role.name


def _elsewhere(subject: Subject, ca: CertificateAuthority | None) -> str:
    if ca is None:
        return _("It is let to single CAs, and to nothing that is not about one of them.")
    return _("It is let to single CAs, and does not have this right at %(ca)s.") % {"ca": ca.name}


def _hurdles(actor: Actor, permission: Permission, ca: CertificateAuthority | None) -> Iterator[str]:
    """What is in the way of an issuance besides permissions, in the words of those who would refuse it."""
    if permission not in _ABOUT_ISSUING:
        return
    try:
        policy_of(actor)
    except DomainError as error:
        yield message_of(error)
    if ca is None:
        return
    try:
        require_able_to_sign(list(_upwards(ca)))
    except DomainError as error:
        yield message_of(error)
    offered = list(templates(visible_to=actor).filter(ca=ca, retired_at=None).select_related("role")[:_MOST_CHOICES])
    if not offered:
        yield _("%(ca)s has no template to issue by.") % {"ca": ca.name}
    elif all(demands_of(each, ca) for each in offered):
        yield _("Somebody else must approve of each certificate of %(ca)s.") % {"ca": ca.name}


def _upwards(ca: CertificateAuthority) -> Iterator[CertificateAuthority]:
    above: CertificateAuthority | None = ca
    while above is not None:
        yield above
        above = above.parent


def _owner(subject: ApiKey | ServiceAccount) -> Mapping[str, str]:
    return {"owner": subject.owner.email}
