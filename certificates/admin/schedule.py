"""Letting a certificate be renewed by itself, or not any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.pages import Facts, ServicePage, Words
from certificates.admin.revoke import facts_of
from certificates.models import Certificate
from certificates.services.scheduling import USUAL_AHEAD, schedule_renewal, unschedule_renewal
from kernel.ref import Ref

State = Certificate.State


class ScheduleForm(forms.Form):
    days = forms.IntegerField(
        label=_("Days before its end"),
        min_value=1,
        max_value=365,
        initial=USUAL_AHEAD.days,
        help_text=_("Of a short life, never more than its last third."),
    )


class RenewByItself(ServicePage):
    slug = "renew-by-itself"
    title = _("Renew by itself")
    explanation = _(
        "When the time comes, a successor is made with the same names, under the rules of then, and a new key, which "
        "waits here for whoever answers for the certificate. Where its key is not here, you are told to bring a CSR."
    )
    submit = _("Let it renew itself")
    icon = "refresh"
    form_class = ScheduleForm
    error_fields = {"ahead": "days"}
    obj: Certificate

    def is_offered(self) -> bool:
        row = self.obj
        is_ours = row.source != Certificate.Source.IMPORTED and row.state == State.ISSUED
        is_locked = row.ca is not None and row.ca.passphrase_protected
        return is_ours and not is_locked and not row.replaced_by.exclude(state=State.REVOKED).exists()

    def initial(self) -> Mapping[str, Any]:
        ahead = self.obj.not_after - self.obj.renew_at if self.obj.renew_at else USUAL_AHEAD
        return {"days": max(ahead.days, 1)}

    def facts(self) -> Facts:
        return facts_of(self.obj)

    def act(self, data: Mapping[str, Any]) -> Words:
        actor = actor_of(self.request, self.obj.organization)
        row = schedule_renewal(actor=actor, certificate=Ref("pk", self.obj.pk), ahead=timedelta(days=data["days"]))
        return _("%(name)s renews itself from now on.") % {"name": row}


class DoNotRenew(ServicePage):
    slug = "do-not-renew"
    title = _("Do not renew by itself")
    explanation = _("It ends when it ends, unless somebody renews it.")
    submit = _("Leave it to people")
    icon = "ban"
    obj: Certificate

    def is_offered(self) -> bool:
        return self.obj.renew_at is not None

    def facts(self) -> Facts:
        return facts_of(self.obj)

    def act(self, data: Mapping[str, Any]) -> Words:
        actor = actor_of(self.request, self.obj.organization)
        row = unschedule_renewal(actor=actor, certificate=Ref("pk", self.obj.pk))
        return _("%(name)s does not renew itself any more.") % {"name": row}
