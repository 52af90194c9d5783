"""Revoking one certificate or several, and lifting a hold: always by name, always with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.pages import Facts, ServicePage, Words
from certificates.admin.reasons import leaf_reason_field
from certificates.models import Certificate
from certificates.orders import RevokeOrder
from certificates.selectors import certificates
from certificates.services.many import revoke_many
from certificates.services.revocation import release_certificate, revoke_certificate
from kernel.ref import Ref

State = Certificate.State


class RevokeForm(forms.Form):
    reason = leaf_reason_field()
    invalidity = forms.DateTimeField(
        label=_("Since when is it not to be trusted (UTC)"),
        required=False,
        help_text=_("Only where it is known and earlier than now."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )
    comment = forms.CharField(label=_("Comment"), max_length=1000, required=False)


class HeldForm(RevokeForm):
    reason = leaf_reason_field(with_hold=False)


class SeveralForm(forms.Form):
    ids = forms.CharField(widget=forms.HiddenInput, max_length=4000)
    reason = leaf_reason_field()
    comment = forms.CharField(label=_("Comment"), max_length=1000, required=False)


class Revoke(ServicePage):
    slug = "revoke"
    title = _("Revoke")
    explanation = _("OCSP says so at once, the CRL within a minute. Only a hold can be undone.")
    submit = _("Revoke")
    icon = "ban"
    is_dangerous = True
    error_fields = {"invalidity_date": "invalidity"}

    def form(self) -> forms.Form:
        self.form_class = HeldForm if self.obj.state == State.HELD else RevokeForm  # type: ignore[misc]
        return super().form()

    def is_offered(self) -> bool:
        return self.obj.state != State.REVOKED and self.obj.ca_id is not None

    def refusal(self) -> Words:
        if self.obj.ca_id is None:
            return _("It was issued elsewhere; only its own authority can revoke it.")
        revocation = self.obj.revocations.filter(lifted_at__isnull=True).first()
        if revocation is None:
            return super().refusal()
        return _("It was revoked at %(at)s UTC: %(reason)s.") % {
            "at": revocation.at.strftime("%Y-%m-%d %H:%M"),
            "reason": revocation.reason,
        }

    def facts(self) -> Facts:
        return [*facts_of(self.obj), *consequences_of(self.obj)]

    def act(self, data: Mapping[str, Any]) -> Words:
        order = RevokeOrder(
            certificate=Ref("pk", self.obj.pk),
            reason=data["reason"],
            comment=data["comment"],
            invalidity=data["invalidity"],
        )
        row = revoke_certificate(actor=actor_of(self.request), order=order)
        if row.state == State.HELD:
            return _("%(name)s is on hold.") % {"name": row}
        return _("%(name)s is revoked.") % {"name": row}


class LiftHold(ServicePage):
    slug = "lift-hold"
    title = _("Lift the hold")
    explanation = _("The certificate is good again; the next CRL leaves it out.")
    submit = _("Lift the hold")
    icon = "check"

    def is_offered(self) -> bool:
        return self.obj.state == State.HELD

    def facts(self) -> Facts:
        return facts_of(self.obj)

    def act(self, data: Mapping[str, Any]) -> Words:
        row = release_certificate(actor=actor_of(self.request), certificate=Ref("pk", self.obj.pk))
        return _("%(name)s is good again.") % {"name": row}


class RevokeSeveral(ServicePage):
    slug = "revoke-several"
    title = _("Revoke several")
    explanation = _("Each of these, with one reason. Only a hold can be undone.")
    submit = _("Revoke all of these")
    icon = "ban"
    is_dangerous = True
    form_class = SeveralForm

    def initial(self) -> Mapping[str, Any]:
        return {"ids": self.request.GET.get("ids", "")}

    def is_offered(self) -> bool:
        return bool(self._chosen())

    def refusal(self) -> Words:
        return _("Tick certificates in the list first.")

    def facts(self) -> Facts:
        return [
            (str(row), format_html("{} · {}", html.serial(row.serial, short=False), row.ca or row.issuer_name))
            for row in self._chosen()
        ]

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        actor, chosen = actor_of(self.request), self._chosen()
        outcomes = revoke_many(actor=actor, certificates=chosen, reason=data["reason"], comment=data["comment"])
        for outcome in outcomes:
            for refusal in outcome.refusals:
                messages.error(self.request, f"{outcome.certificate}: {refusal.render(gettext)}")
        if done := sum(not outcome.is_refused for outcome in outcomes):
            text = ngettext("%(count)d certificate is revoked.", "%(count)d certificates are revoked.", done)
            messages.success(self.request, text % {"count": done})
        return redirect(self.desk.list_address())

    def _chosen(self) -> list[Certificate]:
        given = self.request.POST.get("ids") or self.request.GET.get("ids", "")
        numbers = [int(part) for part in given.split(",") if part.isascii() and part.isdigit() and len(part) < 19]
        rows = certificates(visible_to=actor_of(self.request)).filter(pk__in=numbers[:100])
        return list(rows.order_by("pk"))


def facts_of(row: Certificate) -> Facts:
    left = html.relative(row.not_after, at=timezone.now())
    return [
        (_("Certificate"), row),
        (_("Serial number"), html.serial(row.serial, short=False)),
        (_("Issuer"), row.ca or row.issuer_name),
        (_("Status"), html.badge(html.status_of(row.state, row.not_after))),
        (_("Expires"), gettext("%(day)s, %(left)s") % {"day": row.not_after.strftime("%Y-%m-%d"), "left": left}),
        (_("Requested by"), row.requester_label),
    ]


def consequences_of(row: Certificate) -> Facts:
    """Who stands without a certificate when this one falls, and what does not fall with it."""
    own = Certificate.objects.filter(organization_id=row.organization_id)
    good = own.filter(state=State.ISSUED, not_after__gt=timezone.now())
    successor = good.filter(replaces=row).order_by("-id").first()
    same_key = good.filter(key_hash=row.key_hash).exclude(pk=row.pk).count()
    yield _("Names that it stands for"), ", ".join(row.sans) or row.subject
    yield (
        _("In its place"),
        html.serial(successor.serial) if successor else _("Nothing: whoever shows it is refused from then on."),
    )
    if same_key:
        text = ngettext(
            "%(count)d other certificate, which stays good: revoke it too if the key is lost.",
            "%(count)d other certificates, which stay good: revoke them too if the key is lost.",
            same_key,
        )
        yield _("With the same key"), text % {"count": same_key}
