"""What can be done about the public names of an organization."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from acme_client.services.names import claim_name, give_up_name, grant_name, prove_name
from audit.admin.pages import Facts, ServicePage, Words
from kernel.ref import Ref


class NameForm(forms.Form):
    suffix = forms.CharField(
        label=_("Name"),
        max_length=253,
        help_text=_("A domain such as example.com: it stands for everything below it, too."),
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocapitalize": "none"}),
    )


class ClaimName(ServicePage):
    slug = "new"
    title = _("Add a public name")
    explanation = _(
        "Certificates are ordered for names of this organization alone. A TXT record in the DNS of the domain proves "
        "that it is yours; what it says stands on the next page."
    )
    submit = _("Add the name")
    form_class = NameForm
    error_fields = {"name": "suffix"}

    def act(self, data: Mapping[str, Any]) -> Words:
        actor = actor_of(self.request)
        organization = Ref("pk", actor.organization_id or 0)
        self.obj = claim_name(actor=actor, organization=organization, suffix=data["suffix"])
        return _("%(name)s is added. It counts once it is proven.") % {"name": self.obj}


class GrantName(ServicePage):
    slug = "grant"
    title = _("Grant a public name")
    explanation = _(
        "Without a proof, by the word of a superuser: a domain, an address, or a host of this installation. From now "
        "on the organization orders for it."
    )
    submit = _("Grant the name")
    icon = "check"
    form_class = NameForm
    error_fields = {"name": "suffix"}

    def is_offered(self) -> bool:
        return actor_of(self.request).is_superuser

    def refusal(self) -> Words:
        return _("Only a superuser grants names. Everybody else proves them.")

    def refusal_status(self) -> int:
        return 403

    def act(self, data: Mapping[str, Any]) -> Words:
        actor = actor_of(self.request)
        organization = Ref("pk", actor.organization_id or 0)
        self.obj = grant_name(actor=actor, organization=organization, suffix=data["suffix"])
        return _("%(name)s is granted.") % {"name": self.obj}


class ProveName(ServicePage):
    slug = "prove"
    title = _("Prove it now")
    explanation = _("The record is looked for at the authoritative servers of the domain.")
    submit = _("Look for the record")
    icon = "check"

    def is_offered(self) -> bool:
        return self.obj.proven_at is None

    def refusal(self) -> Words:
        return _("It is proven already.")

    def facts(self) -> Facts:
        return [(_("Name"), self.obj)]

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        self.obj = prove_name(actor=actor_of(self.request), name=Ref("pk", self.obj.pk))
        if self.obj.proven_at is None:
            messages.warning(self.request, str(_("%(name)s is not proven yet.") % {"name": self.obj}))
        else:
            text = _("%(name)s is proven: certificates can be ordered for it.")
            messages.success(self.request, str(text % {"name": self.obj}))
        return redirect(self.destination())


class GiveUpName(ServicePage):
    slug = "give-up"
    title = _("Give it up")
    explanation = _(
        "Nothing can be ordered or renewed for it any more, and others may prove that it is theirs. Certificates that "
        "there are stay good."
    )
    submit = _("Give it up")
    icon = "ban"
    is_dangerous = True

    def facts(self) -> Facts:
        return [(_("Name"), self.obj)]

    def act(self, data: Mapping[str, Any]) -> Words:
        name, pk = str(self.obj), self.obj.pk
        self.obj = None
        give_up_name(actor=actor_of(self.request), name=Ref("pk", pk))
        return _("%(name)s is given up.") % {"name": name}
