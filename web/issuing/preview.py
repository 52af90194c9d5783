"""What would be issued, in words: the names with what is against each, the extensions, and who must agree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from cryptography.x509 import GeneralName
from cryptography.x509.oid import ExtensionOID
from django import forms
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from audit.admin.forms import message_of
from audit.admin.pages import Words
from cas.admin.words import demands_text
from cas.core.csr import CsrFacts
from cas.core.general_names import canonical
from cas.core.keys import algorithm_of
from cas.core.names import format_name
from cas.core.plan import Plan
from cas.describe import ExtensionText, describe_extensions, key_words, name_words, purpose_words
from certificates.orders import IssueOrder, Managed
from certificates.services.preview import Preview, findings_of, preview_issuance
from kernel.actor import Actor
from kernel.errors import DomainError, FieldError
from web.issuing.commands import curl_command, openssl_command
from web.issuing.forms import CertificateForm, Way, order_of

_NAME: Final = re.compile(r"sans\[(\d+)\]")
_LABELS: Final[Mapping[str, Words]] = {
    "csr": _("Certificate signing request"),
    "public_key": _("Key"),
    "key_algorithm": _("Key"),
    "validity": _("Validity"),
    "issuer": _("Authority"),
    "tags": _("Tags"),
    "description": _("Note"),
}


@dataclass(frozen=True, slots=True)
class NameLine:
    """A name that was asked for, or that the template adds, and what is against it."""

    kind: str
    value: str
    findings: tuple[str, ...] = ()
    is_added: bool = False


@dataclass(slots=True)
class Shown:
    """What the page says of a wish. It would be issued where `plan` is there."""

    problems: list[tuple[Words, str]] = field(default_factory=list)
    subject: str = ""
    subject_findings: list[str] = field(default_factory=list)
    names: list[NameLine] = field(default_factory=list)
    key: str = ""
    csr: CsrFacts | None = None
    plan: Plan | None = None
    extensions: Sequence[ExtensionText] = ()
    not_taken: str = ""
    approvals: str = ""
    openssl: str = ""
    curl: str = ""

    @property
    def count(self) -> int:
        """How many things stand against it."""
        return len(self.problems) + len(self.subject_findings) + sum(len(name.findings) for name in self.names)


def show(actor: Actor, form: CertificateForm) -> Shown | None:
    """None while there is nothing to judge: no template, or a form that was not sent."""
    if not form.is_bound or form.chosen is None:
        return None
    if not form.is_valid():
        return Shown(problems=list(_of_form(form)))
    try:
        order = order_of(form.cleaned_data)
    except DomainError as refusal:
        return _unread(form.cleaned_data, refusal)
    shown = _asked(order)
    shown.openssl = openssl_command(order, form.chosen)
    shown.curl = curl_command(order)
    try:
        preview = preview_issuance(actor=actor, order=order)
    except DomainError as refusal:
        shown.problems.append(("", message_of(refusal)))
        return shown
    _judge(shown, order, preview)
    return shown


def _of_form(form: forms.Form) -> list[tuple[Words, str]]:
    labels = {name: each.label or name for name, each in form.fields.items()}
    return [(labels.get(name, ""), str(text)) for name, texts in form.errors.items() for text in texts]


def _unread(data: dict[str, Any], refusal: DomainError) -> Shown:
    """Lines that are no names, each with why."""
    common_name = data["common_name"] if data["way"] != Way.CSR else ""
    shown = Shown(
        subject=f"CN={common_name}" if common_name else "",
        names=[NameLine("", line) for line in data["names"]],
    )
    _place(shown, findings_of(refusal))
    return shown


def _asked(order: IssueOrder) -> Shown:
    csr = order.key if isinstance(order.key, CsrFacts) else None
    subject = order.subject if order.subject is not None else csr and csr.subject
    return Shown(
        subject=format_name(subject) if subject else "",
        names=[NameLine(*name_words(name)) for name in _sans(order)],
        key=key_words(csr.algorithm) if csr else "",
        csr=csr,
    )


def _sans(order: IssueOrder) -> Sequence[GeneralName]:
    if order.sans is not None:
        return order.sans
    return order.key.sans if isinstance(order.key, CsrFacts) else ()


def _judge(shown: Shown, order: IssueOrder, preview: Preview) -> None:
    template = preview.template
    if preview.demands:
        shown.approvals = demands_text(template.ca, template.role, template)
    if preview.plan is None:
        _place(shown, preview.findings)
        return
    plan = preview.plan
    asked = {canonical(name) for name in _sans(order)}
    shown.plan = plan
    shown.subject = format_name(plan.subject)
    shown.names = [NameLine(*name_words(name), is_added=name not in asked) for name in plan.sans]
    shown.key = key_words(algorithm_of(plan.public_key))
    shown.extensions = [_of_key_to_come(each, order) for each in describe_extensions(plan.extensions())]
    if shown.csr is not None:
        wished = shown.csr.requested_extended_key_usage
        shown.not_taken = ", ".join(
            gettext(purpose_words(each)) for each in wished if each not in plan.extended_key_usage
        )


def _of_key_to_come(extension: ExtensionText, order: IssueOrder) -> ExtensionText:
    """Of a key that does not exist yet nobody knows the identifier."""
    if not isinstance(order.key, Managed) or extension.oid != ExtensionOID.SUBJECT_KEY_IDENTIFIER.dotted_string:
        return extension
    return replace(extension, lines=(gettext_noop("of the key that will be made"),))


def _place(shown: Shown, findings: Sequence[FieldError]) -> None:
    """Put each finding beside what it is about."""
    for each in findings:
        text = each.message.render(gettext)
        place = _NAME.fullmatch(each.field)
        if place and int(place[1]) < len(shown.names):
            number = int(place[1])
            line = shown.names[number]
            shown.names[number] = replace(line, findings=(*line.findings, text))
        elif each.field.split(".")[0] == "subject":
            shown.subject_findings.append(text)
        else:
            shown.problems.append((label_of(each), text))


def label_of(finding: FieldError) -> Words:
    """What it is about; empty where its sentence says so."""
    return _LABELS.get(finding.field.split("[")[0], "")
