"""DNS providers: made, tried out, changed, forgotten. What is secret about them is never shown again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.said import rendered
from accounts.sessions import actor_of
from acme_client.dns import catalogue
from acme_client.models import DnsProvider
from acme_client.orders import DnsProviderChange, DnsProviderOrder
from acme_client.services.dns_providers import (
    create_dns_provider,
    delete_dns_provider,
    test_dns_provider,
    update_dns_provider,
)
from audit.admin.pages import Facts, ServicePage, Words
from kernel.ref import Ref
from web.acme.dns_forms import ProviderForm, config_of, initial_of
from web.asked import text_of

# What stands before the long list of all kinds.
_FIRST = ("cloudflare", "aws_route53", "hetzner", "digitalocean", "google_cloud_dns", "azure_dns", "rfc2136")


class AddProvider(ServicePage):
    """The kind is chosen first, in the address: what the form asks for depends on it."""

    slug = "new"
    title = _("Add a DNS provider")
    explanation = _("Records of challenges are published by it and taken away again, without anybody’s doing.")
    submit = _("Add the provider")
    form_class = ProviderForm
    template_name = "web/acme/provider_new.html"

    def form(self) -> forms.Form:
        form = super().form()
        if isinstance(form, ProviderForm) and (kind := self._kind) is not None:
            form.fit(kind)
        return form

    def initial(self) -> Mapping[str, Any]:
        kind = self._kind
        return {"name": kind.label} if kind else {}

    def context(self, form: forms.Form) -> Mapping[str, Any]:
        return {"kind": self._kind} if self._kind else {"first": _first(), "kinds": catalogue.kinds()}

    def act(self, data: Mapping[str, Any]) -> Words:
        actor, kind = actor_of(self.request), self._kind
        order = DnsProviderOrder(
            organization=Ref("pk", actor.organization_id or 0),
            name=data["name"],
            type=kind.name if kind else "",
            config={name: value for name, value in config_of(data).items() if value},
            zones=data["zones"],
            propagation_seconds=data["propagation_seconds"],
        )
        self.obj = create_dns_provider(actor=actor, order=order)
        return _("%(name)s is added. Try it out before you rely on it.") % {"name": self.obj}

    @property
    def _kind(self) -> catalogue.Kind | None:
        name = text_of(self.request.GET, "type")
        return catalogue.get_kind(name) if name in catalogue.names() else None


class _ProviderPage(ServicePage):
    obj: DnsProvider

    def facts(self) -> Facts:
        kind = catalogue.get_kind(self.obj.type)
        return [(_("DNS provider"), self.obj), (_("Kind"), kind.label), (_("Zones"), ", ".join(self.obj.zones) or "–")]


class TestForm(forms.Form):
    zone = forms.CharField(
        label=_("Domain"),
        max_length=253,
        required=False,
        help_text=_("Below it a TXT record with a random name is written, looked for, and taken away again."),
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocapitalize": "none"}),
    )


class TestProvider(_ProviderPage):
    slug = "test"
    title = _("Try it out")
    explanation = _("This may take as long as its patience lasts.")
    submit = _("Try it out")
    icon = "check"
    form_class = TestForm

    def initial(self) -> Mapping[str, Any]:
        return {"zone": self.obj.zones[0] if self.obj.zones else ""}

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        provider = Ref("pk", self.obj.pk)
        self.obj = test_dns_provider(actor=actor_of(self.request), provider=provider, zone=data["zone"])
        if self.obj.last_error:
            messages.error(
                self.request, str(_("It does not work: %(why)s") % {"why": rendered(self.obj.last_error, gettext)})
            )
        else:
            text = _("It works: a record was written, seen at the authoritative servers, and taken away.")
            messages.success(self.request, str(text))
        return redirect(self.destination())


class ChangeProvider(_ProviderPage):
    slug = "change"
    title = _("Change the provider")
    submit = _("Save")
    icon = "list"
    form_class = ProviderForm

    def form(self) -> forms.Form:
        self._form = super().form()
        if isinstance(self._form, ProviderForm):
            kind = catalogue.get_kind(self.obj.type)
            self._form.fit(kind, kept=[field.name for field in kind.fields if field.is_secret])
        return self._form

    def initial(self) -> Mapping[str, Any]:
        plain = {name: getattr(self.obj, name) for name in ProviderForm.base_fields}
        return {**plain, **initial_of(self.obj.config)}

    def act(self, data: Mapping[str, Any]) -> Words:
        # What was not touched is not told anew: a secret that is left empty stays.
        touched = {name: data[name] for name in self._form.changed_data}
        change = DnsProviderChange(
            name=data["name"],
            config=config_of(touched),
            zones=data["zones"],
            propagation_seconds=data["propagation_seconds"],
        )
        provider = Ref("pk", self.obj.pk)
        self.obj = update_dns_provider(actor=actor_of(self.request), provider=provider, change=change)
        return _("%(name)s is saved.") % {"name": self.obj}


class DeleteProvider(_ProviderPage):
    slug = "delete"
    title = _("Forget the provider")
    explanation = _("Nothing is published by it any more; its credentials are forgotten.")
    submit = _("Forget it")
    icon = "ban"
    is_dangerous = True

    def act(self, data: Mapping[str, Any]) -> Words:
        name, pk = str(self.obj), self.obj.pk
        delete_dns_provider(actor=actor_of(self.request), provider=Ref("pk", pk))
        return _("%(name)s is forgotten.") % {"name": name}

    def destination(self) -> str:
        """What is forgotten has no page any more."""
        return self.desk.list_address() if self.request.method == "POST" else super().destination()


def _first() -> Sequence[catalogue.Kind]:
    return [catalogue.get_kind(name) for name in _FIRST]
