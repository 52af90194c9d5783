"""People."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services.people import create_user, disable_user, enable_user
from accounts.services.second_factor import factors_of, reset_second_factor
from accounts.services.sessions import end_all_sessions
from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.forms import SecretField
from audit.admin.pages import Facts, ServiceAdmin, ServicePage, Words


class PersonForm(forms.Form):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    name = forms.CharField(label=_("Name"), max_length=150, required=False)
    username = forms.CharField(
        label=_("Username"), max_length=150, required=False, help_text=_("The e-mail address where it is left empty.")
    )
    password = SecretField(
        label=_("Password"),
        help_text=_("At least 12 characters. Without one the person cannot sign in with a password."),
    )
    is_superuser = forms.BooleanField(
        label=_("Superuser"),
        required=False,
        help_text=_("Stands above all organizations and may open these records."),
    )


class CreatePerson(ServicePage):
    slug = "create"
    title = _("Add a person")
    explanation = _("What the person may do comes from memberships in organizations.")
    submit = _("Add the person")
    form_class = PersonForm

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = create_user(
            actor=actor_of(self.request),
            email=data["email"],
            password=data["password"],
            username=data["username"],
            name=data["name"],
            is_superuser=data["is_superuser"],
        )
        return _("%(person)s is added.") % {"person": self.obj.email}


class PersonPage(ServicePage):
    """Something that a superuser does about one person."""

    is_dangerous = True
    icon = "ban"

    def facts(self) -> Facts:
        return [(_("Person"), self.obj.name or self.obj.email), (_("E-mail address"), self.obj.email)]


class DisablePerson(PersonPage):
    slug = "disable"
    title = _("Disable")
    explanation = _("Sessions, keys and tokens of this person stop working at once.")
    submit = _("Disable the person")

    def is_offered(self) -> bool:
        return bool(self.obj.is_active and self.obj != self.request.user)

    def act(self, data: Mapping[str, Any]) -> Words:
        disable_user(actor=actor_of(self.request), user=self.obj)
        return _("%(person)s is disabled.") % {"person": self.obj.email}


class EnablePerson(PersonPage):
    slug = "enable"
    title = _("Enable")
    submit = _("Enable the person")
    icon = "check"
    is_dangerous = False

    def is_offered(self) -> bool:
        return not self.obj.is_active

    def act(self, data: Mapping[str, Any]) -> Words:
        enable_user(actor=actor_of(self.request), user=self.obj)
        return _("%(person)s may sign in again.") % {"person": self.obj.email}


class EndSessions(PersonPage):
    slug = "end-sessions"
    title = _("End all sessions")
    explanation = _("In every browser the person has to sign in anew.")
    submit = _("End all sessions")
    icon = "signout"

    def is_offered(self) -> bool:
        return bool(self.obj.is_active and self.obj != self.request.user)

    def act(self, data: Mapping[str, Any]) -> Words:
        end_all_sessions(actor=actor_of(self.request), user=self.obj)
        return _("All sessions of %(person)s are ended.") % {"person": self.obj.email}


class ResetSecondFactor(PersonPage):
    slug = "reset-second-factor"
    title = _("Remove the second factor")
    explanation = _(
        "For somebody who has lost it, and whose identity you have checked: the password alone opens the account until "
        "a new one is added."
    )
    submit = _("Remove the second factor")
    icon = "lock"

    def is_offered(self) -> bool:
        return self.obj != self.request.user and bool(factors_of(self.obj))

    def act(self, data: Mapping[str, Any]) -> Words:
        reset_second_factor(actor=actor_of(self.request), user=self.obj)
        return _("%(person)s has no second factor any more.") % {"person": self.obj.email}


@admin.register(User)
class UserAdmin(ServiceAdmin):
    list_display = ("who", "username", "standing", "superuser", "last_seen")
    list_filter = ("is_active", "is_superuser", ("memberships__organization", admin.RelatedOnlyFieldListFilter))
    search_fields = ("email", "username", "name")
    search_help_text = _("E-mail address, username or name")
    ordering = ("email",)
    sortable_by = ("who",)
    fieldsets = (
        (None, {"fields": ("email", "username", "name", "standing", "superuser", "default_organization", "public_id")}),
        (
            _("Signing in"),
            {"fields": ("last_seen", "factors", "managed_by", "must_change", "password_ends", "created")},
        ),
    )
    list_pages = (CreatePerson,)
    object_pages = (DisablePerson, EnablePerson, EndSessions, ResetSecondFactor)
    audit_type = "user"

    @admin.display(description=_("Person"), ordering="email")
    def who(self, user: User) -> SafeString:
        return format_html('{} <span class="sub">{}</span>', user.name or user.email, user.email if user.name else "")

    @admin.display(description=_("Status"))
    def standing(self, user: User) -> SafeString:
        return html.badge("active" if user.is_active else "disabled")

    @admin.display(description=_("Superuser"))
    def superuser(self, user: User) -> SafeString:
        return html.yes_no(user.is_superuser)

    @admin.display(description=_("Last sign-in"))
    def last_seen(self, user: User) -> SafeString | str:
        return html.moment(user.last_login)

    @admin.display(description=_("Second factor"))
    def factors(self, user: User) -> str:
        return ", ".join(str(factor) for factor in factors_of(user)) or "–"

    @admin.display(description=_("Must change the password"))
    def must_change(self, user: User) -> SafeString:
        return html.yes_no(user.must_change_password)

    @admin.display(description=_("Password valid until"))
    def password_ends(self, user: User) -> SafeString | str:
        return html.moment(user.password_expires_at)

    @admin.display(description=_("Created"))
    def created(self, user: User) -> SafeString | str:
        return html.moment(user.created_at)
