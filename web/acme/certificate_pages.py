"""What is done at its CA with a certificate that a public CA has issued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from acme_client.services.renewing import renew_public_certificate
from acme_client.services.revoking import revoke_public_certificate
from audit.admin.pages import Facts, ServicePage, Words
from certificates.admin.reasons import leaf_reason_field
from certificates.admin.revoke import consequences_of, facts_of
from certificates.models import Certificate
from kernel.ref import Ref

State = Certificate.State


class RevokeForm(forms.Form):
    reason = leaf_reason_field(with_hold=False)
    comment = forms.CharField(label=_("Comment"), max_length=1000, required=False)


class _PublicPage(ServicePage):
    obj: Any

    def is_offered(self) -> bool:
        return bool(self.obj.source == Certificate.Source.ACME and self.obj.state != State.REVOKED)

    def refusal(self) -> Words:
        if self.obj.source != Certificate.Source.ACME:
            return _("It was not ordered from a public CA.")
        return _("It is revoked. What takes its place is a new certificate.")


class RenewPublic(_PublicPage):
    slug = "renew-public"
    title = _("Renew")
    explanation = _(
        "A new order for the same names, by the same account; a key that was made here is made anew. The old one goes "
        "on until it ends."
    )
    submit = _("Order the successor")
    icon = "refresh"

    def facts(self) -> Facts:
        return [*facts_of(self.obj), (_("Names"), ", ".join(self.obj.sans))]

    def act(self, data: Mapping[str, Any]) -> Words:
        certificate = Ref("pk", self.obj.pk)
        self.obj = renew_public_certificate(actor=actor_of(self.request), certificate=certificate)
        return _("%(names)s: ordered.") % {"names": self.obj}


class RevokePublic(_PublicPage):
    slug = "revoke-public"
    title = _("Revoke")
    explanation = _("The CA is told first, and tells the world by its own means. It cannot be undone.")
    submit = _("Revoke")
    icon = "ban"
    is_dangerous = True
    form_class = RevokeForm

    def facts(self) -> Facts:
        return [*facts_of(self.obj), *consequences_of(self.obj)]

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = revoke_public_certificate(
            actor=actor_of(self.request),
            certificate=Ref("pk", self.obj.pk),
            reason=data["reason"],
            comment=data["comment"],
        )
        return _("%(name)s is revoked.") % {"name": self.obj}
