"""Asking for many certificates at once: a CSV file, a verdict on each of its rows, and those that are good issued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from django import forms
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.features import require_feature
from accounts.sessions import actor_of
from audit.admin.forms import CodeArea, SecretField
from audit.admin.pages import Facts, ServicePage
from cas.core.general_names import general_name_text
from cas.models import Template
from certificates.models import Certificate
from certificates.orders import BatchOrder, IssueOrder
from certificates.services.approval import require_no_approval
from certificates.services.batches import RowOutcome, issue_batch
from certificates.services.preview import Preview, findings_of, preview_many
from kernel.actor import Actor
from kernel.errors import Conflict, DomainError, FieldError, Invalid
from kernel.features import Feature
from kernel.ref import Ref
from kernel.secret import Secret
from web.desk import narrow
from web.issuing.forms import TemplateChoice, choosable
from web.issuing.rows import MOST_ROWS, SAMPLE, Row, read_rows

_LARGEST_FILE: Final = 2 * 1024 * 1024
_TICKETS: Final = "issued-batches"
_MOST_TICKETS: Final = 20


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
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.add_error("file", _("This is not text in UTF-8."))
            return
        if len(content) > _LARGEST_FILE:
            self.add_error("file", _("The file is too large."))
            return
        data["rows"] = text
        self.data = {**dict(self.data.items()), self.add_prefix("rows"): text}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A row, and what would become, or has become, of it."""

    row: Row
    findings: tuple[FieldError, ...] = ()
    names: str = ""
    certificate: Certificate | None = None


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
        return form

    def context(self, form: forms.Form) -> Mapping[str, Any]:
        return {"verdicts": self.verdicts, "good": _good(self.verdicts), "most": MOST_ROWS}

    def preview(self, data: Mapping[str, Any]) -> Facts:
        self.verdicts = judge(actor_of(self.request), self._rows(data))
        return ()

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        rows, ticket = self._rows(data), str(data["ticket"])
        used = self.request.session.get(_TICKETS, [])
        if ticket in used:
            raise Conflict(gettext_noop("These rows were issued already. Look at the list, or begin anew."))
        self.verdicts = issue(actor_of(self.request), rows, data["passphrase"])
        issued = [each.certificate for each in self.verdicts if each.certificate]
        if not issued:
            raise Conflict(gettext_noop("Nothing is issued. Beside each row stands why."))
        # Whoever reloads the answer sends the form again.
        self.request.session[_TICKETS] = [*used, ticket][-_MOST_TICKETS:]
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
    headers = {"Content-Disposition": 'attachment; filename="certificates.csv"'}
    return HttpResponse(SAMPLE, content_type="text/csv; charset=utf-8", headers=headers)


def judge(actor: Actor, rows: Sequence[Row]) -> list[Verdict]:
    """What would become of each row; nothing is issued."""
    verdicts = {row.number: Verdict(row, findings_of(row.wanted)) for row in rows if isinstance(row.wanted, Invalid)}
    for template, group in _by_template(rows):
        orders = [row.wanted for row in group if isinstance(row.wanted, IssueOrder)]
        try:
            require_feature(template.organization, Feature.BATCHES)
            require_no_approval(template)
            previews = preview_many(actor=actor, template=template.code, ca=Ref("pk", template.ca_id), orders=orders)
        except DomainError as refusal:
            verdicts |= {row.number: Verdict(row, findings_of(refusal)) for row in group}
        else:
            verdicts |= {row.number: _foreseen(row, each) for row, each in zip(group, previews, strict=True)}
    return [verdicts[row.number] for row in rows]


def issue(actor: Actor, rows: Sequence[Row], passphrase: Secret | None) -> list[Verdict]:
    """Issue what is good; what has become of each row."""
    verdicts = {row.number: Verdict(row, findings_of(row.wanted)) for row in rows if isinstance(row.wanted, Invalid)}
    for template, group in _by_template(rows):
        order = BatchOrder(
            template=template.code,
            ca=Ref("pk", template.ca_id),
            rows=[row.wanted for row in group],
            passphrase=passphrase,
        )
        try:
            outcomes = issue_batch(actor=actor, order=order, report=lambda outcome: outcome)
        except DomainError as refusal:
            verdicts |= {row.number: Verdict(row, findings_of(refusal)) for row in group}
        else:
            verdicts |= {row.number: _told(row, each) for row, each in zip(group, outcomes, strict=True)}
    return [verdicts[row.number] for row in rows]


def _by_template(rows: Sequence[Row]) -> list[tuple[Template, list[Row]]]:
    """Those that could be read: a batch has one template."""
    groups: dict[int, tuple[Template, list[Row]]] = {}
    for row in rows:
        if row.template is not None and isinstance(row.wanted, IssueOrder):
            groups.setdefault(row.template.pk, (row.template, []))[1].append(row)
    return list(groups.values())


def _foreseen(row: Row, preview: Preview) -> Verdict:
    names = [general_name_text(name) for name in preview.plan.sans] if preview.plan else []
    return Verdict(row, preview.findings, names=", ".join(names))


def _told(row: Row, outcome: RowOutcome) -> Verdict:
    if outcome.issued is None:
        return Verdict(row, outcome.errors)
    certificate = outcome.issued.certificate
    return Verdict(row, names=", ".join(certificate.sans), certificate=certificate)
