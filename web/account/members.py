"""The people of an organization: members and invitations."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import mail, selectors
from accounts.models import CustomRole, Invitation, Membership, Organization
from accounts.policy import holds
from accounts.roles import ORGANIZATION_PERMISSIONS, OrganizationRole
from accounts.services.external_identities import bind_identity, delete_identity
from accounts.services.invitations import cancel_invitation, invite, resend_invitation
from accounts.services.organizations import change_member_role, remove_member
from audit.admin.forms import message_of
from kernel.actor import Actor
from kernel.errors import DomainError, NotFound
from kernel.permissions import Permission
from kernel.ref import Ref
from web.account.fresh import fresh_to_change
from web.account.pages import done, in_organization, show
from web.spreadsheets import Sheet, wants_csv

ON_A_PAGE: Final = 50
_SHEET: Final = Sheet(
    "members",
    {
        "id": "public_id",
        "name": "user.name",
        "email": "user.email",
        "role": lambda row: row.custom_role.slug if row.custom_role else row.role,
        "capabilities": "capabilities",
        "is_active": "user.is_active",
        "last_login": "user.last_login",
        "created_at": "created_at",
    },
)


def role_choices(organization: Organization) -> list[tuple[str, str | Promise]]:
    """The roles that there are here: ours, then the organization's own."""
    own = CustomRole.objects.filter(organization=organization).order_by("name")
    return [*OrganizationRole.choices, *((role.slug, role.name) for role in own)]


class InviteForm(forms.Form):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    role = forms.ChoiceField(label=_("Role"), initial=OrganizationRole.MEMBER)

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = role_choices(organization)  # type: ignore[attr-defined]


class MemberForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect)
    capabilities = forms.MultipleChoiceField(
        label=_("Beside the role"),
        required=False,
        choices=[(value, value) for value in sorted(ORGANIZATION_PERMISSIONS)],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Single permissions that this person has in addition."),
    )

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = role_choices(organization)  # type: ignore[attr-defined]


class IdentityForm(forms.Form):
    issuer = forms.ChoiceField(label=_("Provider"))
    subject = forms.CharField(
        label=_("Subject"),
        max_length=255,
        help_text=_("The person's `sub` there: not an e-mail address, which others may come to have."),
    )

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        providers = organization.sign_in_providers.order_by("name")
        self.fields["issuer"].choices = [(each.issuer, each.name) for each in providers]  # type: ignore[attr-defined]


@fresh_to_change
@in_organization(Permission.MEMBERS_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def overview(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponseBase:
    rows = selectors.memberships(visible_to=actor)
    if request.method != "POST" and wants_csv(request.GET):
        return _SHEET.of(rows)
    form = InviteForm(organization, request.POST or None)
    if request.method == "POST" and form.is_valid():
        data, language = form.cleaned_data, get_language() or "en"
        if done(form, lambda: invite(actor=actor, organization=organization, language=language, **data)):
            messages.success(request, _("%(email)s is invited.") % {"email": data["email"]})
            return redirect("members")
    invitations = selectors.invitations(visible_to=actor).filter(accepted_at=None, cancelled_at=None)
    context = {
        "title": _("Members"),
        "organization": organization,
        "page": Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page")),
        "invitations": invitations[:200],
        "form": form,
        "may_write": holds(actor, Permission.MEMBERS_WRITE),
        "is_mail_sent": mail.is_sent(),
    }
    return show(request, "members", context, form)


@fresh_to_change
@in_organization(Permission.MEMBERS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, actor: Actor, organization: Organization, public_id: UUID) -> HttpResponse:
    """Role and capabilities; and by which identities of a provider elsewhere this member is known."""
    row = _member(actor, public_id)
    binding = "bind" in request.POST or "unbind" in request.POST
    posted = request.POST if request.method == "POST" else None
    form = MemberForm(
        organization,
        None if binding else posted,
        initial={"role": row.role, "capabilities": row.capabilities},
    )
    identity = IdentityForm(organization, posted if "bind" in request.POST else None)
    if request.method == "POST" and _changed(request, actor, row, form, identity):
        return redirect("member", public_id=public_id)
    context = {
        "title": row.user.name or row.user.email,
        "member": row,
        "form": form,
        "identity": identity,
        "identities": selectors.external_identities(visible_to=actor).filter(user=row.user),
        "has_providers": organization.sign_in_providers.exists(),
    }
    return show(request, "member", context, form, identity)


def _changed(request: HttpRequest, actor: Actor, row: Membership, form: MemberForm, identity: IdentityForm) -> bool:
    if "unbind" in request.POST:
        return _unbind(request, actor, request.POST["unbind"])
    if "bind" in request.POST:
        if identity.is_valid() and done(
            identity, lambda: bind_identity(actor=actor, membership=row, **identity.cleaned_data)
        ):
            messages.success(request, _("The identity is bound."))
            return True
        return False
    if form.is_valid() and done(form, lambda: change_member_role(actor=actor, membership=row, **form.cleaned_data)):
        messages.success(request, _("It holds from now on, for keys and tokens too."))
        return True
    return False


def _unbind(request: HttpRequest, actor: Actor, public_id: str) -> bool:
    try:
        identity = selectors.get_external_identity(Ref("public_id", UUID(public_id)), visible_to=actor)
        delete_identity(actor=actor, identity=identity)
    except (ValueError, DomainError) as error:
        raise Http404 from error
    messages.success(request, _("Nobody is known by it any more."))
    return True


@in_organization(Permission.MEMBERS_WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: HttpRequest, actor: Actor, organization: Organization, public_id: UUID) -> HttpResponse:
    row = _member(actor, public_id)
    form = forms.Form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        person = row.user.email
        if done(form, lambda: remove_member(actor=actor, membership=row)):
            messages.success(request, _("%(person)s is no member any more.") % {"person": person})
            return redirect("members")
    context = {"title": _("Remove the member"), "member": row, "form": form, "organization": organization}
    return show(request, "remove_member", context, form)


@in_organization(Permission.MEMBERS_WRITE)
@require_POST
def invitation(request: HttpRequest, actor: Actor, organization: Organization, public_id: UUID) -> HttpResponse:
    """Send the mail again, or cancel."""
    try:
        row: Invitation = selectors.get_invitation(Ref("public_id", public_id), visible_to=actor)
        if "cancel" in request.POST:
            cancel_invitation(actor=actor, invitation=row)
            messages.success(request, _("The invitation is cancelled."))
        else:
            resend_invitation(actor=actor, invitation=row)
            messages.success(request, _("The mail is sent again, with a new link."))
    except NotFound as error:
        raise Http404 from error
    except DomainError as error:
        messages.error(request, message_of(error))
    return redirect("members")


def _member(actor: Actor, public_id: UUID) -> Membership:
    try:
        return selectors.get_membership(Ref("public_id", public_id), visible_to=actor)
    except NotFound as error:
        raise Http404 from error
