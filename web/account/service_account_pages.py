"""What can be done with one service account, beside what the admin has for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin.services import DisableAccount
from accounts.models import IssuancePolicy, ServiceAccount
from accounts.services.issuance_policies import (
    CERTIFICATE_TYPES,
    LONGEST_VALIDITY_DAYS,
    PolicyOrder,
    remove_issuance_policy,
    set_issuance_policy,
)
from accounts.services.service_accounts import close_service_account
from accounts.services.service_tokens import create_service_token
from accounts.sessions import actor_of
from audit.admin.forms import DaysField, LinesField
from audit.admin.pages import Facts, Section, ServicePage, Words
from cas.selectors import authorities
from web.account.pages import shown_once

KINDS = {
    "server": _("Server"),
    "client": _("Client"),
    "dual_purpose": _("Server and client"),
    "ca": _("CA"),
}


class CloseAccount(DisableAccount):
    slug = "close"
    title = _("Close the account")
    explanation = _("It stops working at once, and for good. What it has done stays under its name.")
    submit = _("Close it for good")

    def is_offered(self) -> bool:
        return self.obj.closed_at is None

    def act(self, data: Mapping[str, Any]) -> Words:
        close_service_account(actor=actor_of(self.request), account=self.obj)
        return _("%(name)s is closed.") % {"name": self.obj.name}


class PolicyForm(forms.Form):
    cn_patterns = LinesField(
        label=_("Common names"), help_text=_("One to a line; * is anything, ? is one character. None: no common name.")
    )
    san_dns_patterns = LinesField(label=_("DNS names"), help_text=_("One to a line. None: no DNS name."))
    san_ip_cidrs = LinesField(label=_("IP ranges"), help_text=_("Such as 10.0.0.0/8."), rows=2)
    san_email_domains = LinesField(label=_("E-mail domains"), help_text=_("One to a line."), rows=2)
    allowed_certificate_types = forms.MultipleChoiceField(
        label=_("Kinds of certificates"),
        choices=[(kind, KINDS[kind]) for kind in CERTIFICATE_TYPES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    allowed_ca_ids = forms.TypedMultipleChoiceField(
        label=_("CAs"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    max_validity_days = forms.IntegerField(
        label=_("Longest validity (days)"), min_value=1, max_value=LONGEST_VALIDITY_DAYS, initial=90
    )

    sections = (
        Section("", "cn_patterns", "san_dns_patterns", "allowed_ca_ids", "allowed_certificate_types"),
        Section("", "max_validity_days"),
        Section(_("Other names"), "san_ip_cidrs", "san_email_domains", folded=True),
    )


class SetPolicy(ServicePage):
    slug = "policy"
    title = _("Say what it may have issued")
    explanation = _(
        "Beside its permissions and the templates: what is not named here is refused. An empty list allows nothing of "
        "its kind."
    )
    submit = _("Save")
    icon = "role"
    form_class = PolicyForm

    def is_offered(self) -> bool:
        return self.obj.closed_at is None

    def initial(self) -> Mapping[str, Any]:
        policy = policy_of(self.obj)
        return {name: getattr(policy, name) for name in PolicyForm.base_fields} if policy else {}

    def form(self) -> forms.Form:
        form = super().form()
        rows = authorities(visible_to=actor_of(self.request)).filter(key__isnull=False).order_by("name")
        form.fields["allowed_ca_ids"].choices = [(ca.pk, ca.name) for ca in rows]  # type: ignore[attr-defined]
        return form

    def act(self, data: Mapping[str, Any]) -> Words:
        order = PolicyOrder(**data)
        set_issuance_policy(actor=actor_of(self.request), account=self.obj, order=order)
        return _("It holds from now on.")


class RemovePolicy(ServicePage):
    slug = "policy/remove"
    title = _("Let nothing be issued for it")
    explanation = _("Without a policy nothing is issued for this account, until it has another one.")
    submit = _("Remove the policy")
    icon = "ban"
    is_dangerous = True

    def is_offered(self) -> bool:
        return policy_of(self.obj) is not None

    def facts(self) -> Facts:
        return [(_("Name"), self.obj.name)]

    def act(self, data: Mapping[str, Any]) -> Words:
        policy = policy_of(self.obj)
        if policy is not None:
            remove_issuance_policy(actor=actor_of(self.request), issuance_policy=policy)
        return _("Nothing is issued for it any more.")


class TokenForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, required=False, help_text=_("What uses it, and where."))
    lifetime = DaysField(label=_("Valid for (days)"), longest=3660, required=False, initial=365)


class MakeToken(ServicePage):
    slug = "token"
    title = _("Make a token")
    explanation = _("It signs in as this account. It is shown once, on the next page, and stands nowhere else.")
    submit = _("Make a token")
    icon = "key"
    form_class = TokenForm

    def is_offered(self) -> bool:
        return bool(self.obj.is_active)

    def facts(self) -> Facts:
        return [(_("Name"), self.obj.name)]

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        made = create_service_token(
            actor=actor_of(self.request),
            account=self.obj,
            name=data["name"],
            expires_at=timezone.now() + data["lifetime"] if data["lifetime"] else None,
        )
        return shown_once(
            self.request,
            made.token.reveal().decode(),
            title=f"{self.obj.name}: {made.row.name or made.row.prefix}",
            back=self.destination(),
            list_url=reverse("service-accounts"),
            list_title=_("Service accounts"),
        )


def policy_of(account: ServiceAccount) -> IssuancePolicy | None:
    return getattr(account, "policy", None)
