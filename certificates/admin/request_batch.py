"""Approving several requests at once: only those that would be issued just as they were asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.sessions import actor_of
from audit.admin.forms import message_of
from audit.admin.html import relative
from audit.admin.pages import ServicePage, Words
from cas.admin.words import duration_text
from certificates.admin.comparison import Comparison, Verdict, compare
from certificates.admin.request_pages import Reject, requester_of
from certificates.models import Request
from certificates.request_selectors import inbox, with_everything
from certificates.services.requests import approve_request
from certificates.services.review import Findings, findings_about_all, glance_at_all
from kernel.errors import DomainError
from kernel.ref import Ref

MOST: Final = 20
# How far into the inbox is looked for them.
_LOOKED_AT: Final = 50


def compare_all(rows: Sequence[Request]) -> list[tuple[Request, Comparison]]:
    """Each with its comparison, to be looked at; judged together."""
    return _compared(rows, glance_at_all(rows))


def _compared(rows: Sequence[Request], findings: Mapping[int, Findings]) -> list[tuple[Request, Comparison]]:
    return [(row, compare(row, findings[row.pk])) for row in rows]


class SeveralField(forms.MultipleChoiceField):
    """Requests, each with the digest of what the reader has seen. What is gone meanwhile is for the page to say."""

    widget = forms.CheckboxSelectMultiple(attrs={"class": "lines"})

    def valid_value(self, value: str) -> bool:
        return len(value.split()) == 2


class SeveralForm(forms.Form):
    requests = SeveralField(label=_("Requests"))
    reason = forms.CharField(label=_("Note"), max_length=1000, required=False)


class ApproveSeveral(ServicePage):
    slug = "approve-several"
    title = _("Approve several")
    explanation = _(
        "These would be issued just as they were asked for. You agree to each of them as it stands here; "
        "what changes meanwhile is left out."
    )
    submit = _("Approve what is ticked")
    icon = "check"
    form_class = SeveralForm

    @cached_property
    def rows(self) -> list[Request]:
        """What this person may approve, and against which nothing speaks; the oldest first."""
        waiting = inbox(visible_to=actor_of(self.request), at=timezone.now())
        mine = [row for row in with_everything(waiting)[:_LOOKED_AT] if Reject(self.request, row).is_offered()]
        # Who looks may be shown what was found a while ago; what is approved is judged now.
        findings = findings_about_all(mine) if self.request.method == "POST" else glance_at_all(mine)
        return [row for row, found in _compared(mine, findings) if found.verdict is Verdict.OK][:MOST]

    def is_offered(self) -> bool:
        return bool(self.rows)

    def refusal(self) -> Words:
        return _("Nothing waits for you that could be approved without looking at it alone.")

    def initial(self) -> Mapping[str, Any]:
        return {"requests": [_value(row) for row in self.rows]}

    def form(self) -> forms.Form:
        form = super().form()
        form.fields["requests"].choices = [(_value(row), _label(row)) for row in self.rows]  # type: ignore[attr-defined]
        return form

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        approvable, approved = {str(row.public_id): row for row in self.rows}, 0
        for public_id, digest in (value.split() for value in data["requests"]):
            row = approvable.get(public_id)
            if row is None:
                messages.warning(self.request, _("One was left out: it is not as you have seen it any more."))
                continue
            try:
                approve_request(
                    actor=actor_of(self.request), request=Ref("pk", row.pk), digest=digest, reason=data["reason"]
                )
                approved += 1
            except DomainError as error:
                messages.warning(self.request, f"{row.name}: {message_of(error)}")
        if approved:
            text = ngettext("%(count)d request is approved.", "%(count)d requests are approved.", approved)
            messages.success(self.request, text % {"count": approved})
        return redirect(self.destination())


def _value(row: Request) -> str:
    return f"{row.public_id} {row.digest}"


def _label(row: Request) -> SafeString:
    names = ", ".join(name for _kind, name in row.sans) or row.name
    lasts = duration_text(int(row.validity.total_seconds())) if row.validity else "–"
    return format_html(
        '<strong class="break">{}</strong> <span class="sub">{} · {} · {} · {}</span>'
        ' <span class="sub mono break">{}</span>',
        names,
        row.template or row.get_kind_display(),
        lasts,
        requester_of(row),
        relative(row.created_at),
        row.digest,
    )
