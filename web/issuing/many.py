"""Asking for many certificates at once: a CSV file, a verdict on each of its rows, and those that are good issued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from uuid import uuid4

from django import forms
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.sessions import actor_of
from audit.admin.files import attachment
from audit.admin.forms import CodeArea, SecretField
from audit.admin.pages import Facts, ServicePage
from certificates.models import Certificate
from certificates.orders import IssueOrder
from kernel.actor import Actor
from kernel.errors import Conflict, DomainError
from web.desk import narrow
from web.issuing.forms import TemplateChoice, choosable
from web.issuing.rows import MOST_ROWS, SAMPLE, Row, read_rows
from web.issuing.verdicts import Verdict, issue, judge
from web.progress import Progress

_LARGEST_FILE: Final = 2 * 1024 * 1024
_TICKET_SECONDS: Final = 86_400


class BatchForm(forms.Form):
    template = TemplateChoice()
    rows = forms.CharField(
        label=_("Rows (CSV)"),
        required=False,
        max_length=_LARGEST_FILE,
        strip=False,
        widget=CodeArea(),
        help_text=_("The first line names the columns. Several names in a cell are separated by semicolons."),
    )
    file = forms.FileField(label=_("Or their file"), required=False, help_text=_("CSV in UTF-8."))
    passphrase = SecretField(label=_("Passphrase of the authority"), help_text=_("Only where its key has one."))
    ticket = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    one_of: ClassVar = ("rows", "file")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        template = self.fields["template"]
        template.required, template.help_text = False, _("For rows that name none.")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if uploaded := data.get("file"):
            self._read(uploaded.read(_LARGEST_FILE + 1), data)
        elif not data.get("rows", "").strip() and "rows" not in self.errors:
            self.add_error("rows", _("Paste rows, or choose their file."))
        return data

    def _read(self, content: bytes, data: dict[str, Any]) -> None:
        """The file takes the place of the text, and is shown as text from here on: browsers forget files."""
        if len(content) > _LARGEST_FILE:
            self.add_error("file", _("The file is too large."))
            return
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.add_error("file", _("This is not text in UTF-8."))
            return
        data["rows"] = text
        self.data = {**dict(self.data.items()), self.add_prefix("rows"): text}


class AskForMany(ServicePage):
    slug = "new/batch"
    title = _("Issue many certificates")
    explanation = _("From a CSV file. Every row is judged before anything is issued, and each is told for itself.")
    submit = _("Issue the rows that are good")
    check = _("Check the rows")
    icon = "list"
    form_class = BatchForm
    template_name = "web/issuing/batch.html"

    verdicts: Sequence[Verdict] = ()

    def form(self) -> forms.Form:
        form = super().form()
        narrow(form, actor_of(self.request))
        only = list(choosable(form)[:2])
        if len(only) == 1:
            form.fields["template"].initial = only[0].pk
        return form

    def context(self, form: forms.Form) -> Mapping[str, Any]:
        return {"verdicts": self.verdicts, "good": _good(self.verdicts), "most": MOST_ROWS}

    def preview(self, data: Mapping[str, Any]) -> Facts:
        self.verdicts = judge(actor_of(self.request), self._rows(data))
        return ()

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        rows, actor = self._rows(data), actor_of(self.request)
        # Whoever reloads the answer sends the form again, and so does whoever would not wait for it.
        ticket = f"issued-batch:{actor.id}:{data['ticket']}"
        if not cache.add(ticket, True, _TICKET_SECONDS):
            raise Conflict(gettext_noop("These rows were issued already. Look at the list, or begin anew."))
        try:
            progress = Progress.of_form(self.request, actor, sum(isinstance(row.wanted, IssueOrder) for row in rows))
            self.verdicts = issue(actor, rows, data["passphrase"], step=progress.step)
        except DomainError:
            cache.delete(ticket)
            raise
        issued = [each.certificate for each in self.verdicts if each.certificate]
        if not issued:
            cache.delete(ticket)
            raise Conflict(gettext_noop("Nothing is issued. Beside each row stands why."))
        context = {
            **self.desk.page_context(self.request),
            "title": self.title,
            "verdicts": self.verdicts,
            "issued": issued,
            "keys_wait": any(each.key_custody == Certificate.KeyCustody.WAITING for each in issued),
            "list_url": self.desk.list_address(),
        }
        return TemplateResponse(self.request, "web/issuing/batch_issued.html", context)

    def _rows(self, data: Mapping[str, Any]) -> list[Row]:
        templates = {each.code: each for each in choosable(self.form())}
        return read_rows(data["rows"], templates, data["template"])


def _good(verdicts: Sequence[Verdict]) -> int:
    return sum(not each.findings for each in verdicts)


def sample(request: HttpRequest, actor: Actor) -> HttpResponse:
    """A file to begin with."""
    return attachment("certificates.csv", SAMPLE, "text/csv; charset=utf-8")
