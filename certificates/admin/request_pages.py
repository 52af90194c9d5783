"""Deciding on a request, taking it back, fulfilling it: the services of everywhere else, by who is signed in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.sessions import actor_of
from audit.admin import html
from audit.admin.forms import SecretField
from audit.admin.pages import Facts, ServicePage, Words
from cas.admin.words import usage_text
from cas.core.usages import parse_oid
from cas.describe import key_words, purpose_words
from certificates.models import Request
from certificates.services.approval import may_count, read
from certificates.services.fulfilment import fulfil_request
from certificates.services.requests import approve_request, cancel_request, reject_request
from certificates.services.review import Findings, findings_about
from kernel.errors import Conflict, DomainError
from kernel.ref import Ref

Status = Request.Status


class ApproveForm(forms.Form):
    # What the page has shown: the yes is to this, and to nothing that came afterwards.
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(label=_("Note"), max_length=1000, required=False)


class RejectForm(forms.Form):
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(label=_("Why"), max_length=1000, help_text=_("Whoever asked reads this."))


class PassphraseForm(forms.Form):
    passphrase = SecretField(label=_("Passphrase of the authority"), required=True)


class RequestPage(ServicePage):
    obj: Request

    @cached_property
    def findings(self) -> Findings:
        """What stands against the request now."""
        return findings_about(self.obj)

    def about(self) -> object:
        return self.obj.name

    def facts(self) -> Facts:
        return facts_of(self.obj, self.findings)

    def is_overtaken(self, error: DomainError) -> bool:
        return isinstance(error, Conflict)

    @property
    def _ref(self) -> Ref:
        return Ref("pk", self.obj.pk)


class _Decide(RequestPage):
    def initial(self) -> Mapping[str, Any]:
        return {"digest": self.obj.digest}

    def is_offered(self) -> bool:
        return not self.hindrance()

    def refusal(self) -> Words:
        return self.hindrance()

    def hindrance(self) -> Words:
        """Why this person cannot decide on it; empty where they can."""
        row, person = self.obj, self.request.user
        if row.status != Status.PENDING:
            return super().refusal()
        if person.pk in row.asked_by:
            return _("You asked for this, or made the key that did; another approver must decide.")
        if row.expires_at <= timezone.now():
            return _("It has expired.")
        if any(decision.approver_id == person.pk for decision in row.decisions.all()):
            return _("You have decided on this already.")
        return self._wrong_role()

    def _wrong_role(self) -> Words:
        demands = read(self.obj)
        roles = {demand.role for demand in demands}
        person = cast(User, self.request.user)
        if "" in roles or not roles or may_count(demands, person, self.obj.organization_id):
            return ""
        return _("This is decided by others: %(roles)s.") % {"roles": ", ".join(sorted(roles))}


class Approve(_Decide):
    slug = "approve"
    title = _("Approve")
    explanation = _("You agree to exactly what is shown here. If any of it changes, the approval is void.")
    submit = _("Approve")
    icon = "check"
    form_class = ApproveForm

    def hindrance(self) -> Words:
        if words := super().hindrance():
            return words
        return _("Something stands against issuing it, so nobody can agree to it now.") if self.findings else ""

    def act(self, data: Mapping[str, Any]) -> Words:
        actor = actor_of(self.request)
        row = approve_request(actor=actor, request=self._ref, digest=data["digest"], reason=data["reason"])
        if row.status == Status.APPROVED:
            return _("%(name)s is approved.") % {"name": row.name}
        return _("You have approved %(name)s; others must still do so.") % {"name": row.name}


class Reject(_Decide):
    slug = "reject"
    title = _("Reject")
    explanation = _("One no is enough. It cannot be taken back; whoever asked can ask anew.")
    submit = _("Reject")
    icon = "ban"
    is_dangerous = True
    form_class = RejectForm

    def act(self, data: Mapping[str, Any]) -> Words:
        actor = actor_of(self.request)
        row = reject_request(actor=actor, request=self._ref, digest=data["digest"], reason=data["reason"])
        return _("%(name)s is rejected.") % {"name": row.name}


class Cancel(RequestPage):
    slug = "cancel"
    title = _("Cancel the request")
    explanation = _("Nothing is issued. Whoever asked can ask anew.")
    submit = _("Cancel the request")
    icon = "ban"
    is_dangerous = True

    def is_offered(self) -> bool:
        user = self.request.user
        return self.obj.is_open and (user.pk == self.obj.person_id or user.is_superuser)

    def act(self, data: Mapping[str, Any]) -> Words:
        row = cancel_request(actor=actor_of(self.request), request=self._ref)
        return _("%(name)s is cancelled.") % {"name": row.name}


class Fulfil(RequestPage):
    slug = "fulfil"
    title = _("Issue it now")
    explanation = _("A key that is made for it waits, sealed, until whoever asked collects it: once.")
    submit = _("Issue the certificate")
    icon = "certificate"

    def form(self) -> forms.Form:
        is_locked = self.obj.ca is not None and self.obj.ca.passphrase_protected
        self.form_class = PassphraseForm if is_locked else forms.Form  # type: ignore[misc]
        return super().form()

    def is_offered(self) -> bool:
        return self.obj.status == Status.APPROVED and self.obj.template_id is not None

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        actor = actor_of(self.request)
        row = fulfil_request(actor=actor, request=self._ref, passphrase=data.get("passphrase"))
        if row.certificate is None:
            text = gettext("%(name)s cannot be issued any more: %(reason)s")
            messages.error(self.request, text % {"name": row.name, "reason": row.last_error})
            return redirect(self.desk.address_of(row))
        messages.success(self.request, gettext("%(name)s is issued.") % {"name": row.name})
        return redirect(self.desk.address_of(row.certificate))


def facts_of(row: Request, findings: Findings) -> Facts:
    """What would be signed, and who has said what about it."""
    return [
        (_("Status"), html.badge(row.status)),
        (_("Organization"), row.organization),
        (_("Authority"), row.ca),
        (_("Template"), row.profile or row.template),
        (_("Subject"), row.subject or "–"),
        (_("Alternative names"), names_of(row)),
        (_("Key"), key_of(row)),
        (_("Key usage"), ", ".join(map(usage_text, row.facts.get("key_usage", ()))) or "–"),
        (_("Extended key usage"), purposes_of(row)),
        (_("Validity"), _("%(days)s days") % {"days": row.validity.days} if row.validity else "–"),
        (_("Renews"), row.replaces or "–"),
        (_("Note"), row.description or "–"),
        (_("Requested by"), requester_of(row)),
        (_("Decisions"), decisions_of(row)),
        (_("Against it now"), findings_text(row, findings)),
        (_("Digest"), format_html('<span class="mono break">{}</span>', row.digest)),
    ]


def names_of(row: Request) -> SafeString | str:
    return format_html_join("\n", "{} {}<br>", ((kind.upper(), name) for kind, name in row.sans)) or "–"


def key_of(row: Request) -> str:
    if row.is_key_made_here:
        return gettext("%(algorithm)s, made here after the approval") % {"algorithm": key_words(row.key_algorithm)}
    if row.same_key:
        return gettext("%(algorithm)s, that of the predecessor") % {"algorithm": key_words(row.key_algorithm)}
    return gettext("%(algorithm)s, from a CSR: SHA-256 %(hash)s") % {
        "algorithm": key_words(row.key_algorithm),
        "hash": row.facts.get("key", ""),
    }


def purposes_of(row: Request) -> str:
    oids = ((dotted, parse_oid(dotted)) for dotted in row.facts.get("extended_key_usage", ()))
    return ", ".join(gettext(purpose_words(oid)) if oid else dotted for dotted, oid in oids) or "–"


def requester_of(row: Request) -> str:
    """The person; and by what, or through whose key, where that is not the same."""
    parts = [str(row.person)]
    if row.requester_label != str(row.person):
        parts.append(gettext("by the key %(name)s") % {"name": row.requester_label})
    if row.maker is not None:
        parts.append(gettext("made by %(person)s") % {"person": row.maker})
    return ", ".join(parts)


def decisions_of(row: Request) -> SafeString:
    given = format_html(
        "{}<br>", gettext("%(given)s of %(needed)s") % {"given": row.approvals_given, "needed": row.approvals_needed}
    )
    lines = (
        (decision.get_verdict_display(), decision.approver_label, html.moment(decision.created_at), decision.reason)
        for decision in row.decisions.all()
    )
    return given + format_html_join("\n", "{}: {} · {} {}<br>", lines)


def findings_text(row: Request, findings: Findings) -> SafeString | str:
    """What the policy of now says; nothing of a request that is closed."""
    lines = [(finding.field, finding.message.render(gettext)) for finding in findings]
    return format_html_join("\n", "{} {}<br>", lines) or ("–" if not row.is_open else gettext("nothing"))
