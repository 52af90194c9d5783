"""Ordering a certificate from a public CA: the form, what would become of it, and the order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from acme_client.models import AcmeOrder
from acme_client.name_selectors import visible_names, visible_providers
from acme_client.selectors import visible_accounts
from acme_client.services.orders import start_order
from audit.admin.pages import ServicePage, Words
from kernel.actor import Actor
from web.acme.advice import advise
from web.acme.beginning import beginning
from web.acme.order_forms import OrderForm, order_of
from web.asked import text_of

Challenge = AcmeOrder.Challenge


class PlaceOrder(ServicePage):
    slug = "new"
    title = _("Order a certificate")
    explanation = _("See what stands in its way before you send it.")
    submit = _("Order the certificate")
    check = _("Check")
    icon = "certificate"
    form_class = OrderForm
    template_name = "web/acme/order_new.html"
    error_fields = {"public_key": "csr"}

    def initial(self) -> Mapping[str, Any]:
        actor, query = actor_of(self.request), self.request.GET
        has_dns = visible_providers(visible_to=actor).exists()
        chosen = visible_accounts(visible_to=actor).filter(name=text_of(query, "account")[:80]).first()
        return {
            "account": chosen and chosen.pk,
            "names": text_of(query, "names")[:253] or _only_name(actor),
            "challenge_type": Challenge.DNS if has_dns else Challenge.HTTP,
        }

    def context(self, form: forms.Form) -> Mapping[str, Any]:
        steps = beginning(actor_of(self.request))
        is_ready = all(step.is_done for step in steps[:-1])
        lines = advise(form.cleaned_data) if form.is_bound and hasattr(form, "cleaned_data") else []
        return {"steps": [] if is_ready else steps, "lines": lines}

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = start_order(actor=actor_of(self.request), order=order_of(data))
        if self.obj.status == AcmeOrder.Status.WAITING:
            return _("%(names)s: nothing is ordered before it is approved by somebody else.") % {"names": self.obj}
        return _("%(names)s: ordered.") % {"names": self.obj}


def _only_name(actor: Actor) -> str:
    """The proven name of the organization, where it has but one."""
    names = list(visible_names(visible_to=actor).filter(proven_at__isnull=False)[:2])
    return str(names[0]) if len(names) == 1 else ""
