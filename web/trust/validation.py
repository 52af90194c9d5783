"""Whether a certificate would be believed, and if not, which check fails and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from cryptography import x509
from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.forms import CodeArea, UploadField
from audit.admin.pages import Section, ServicePage, sections_of
from cas.core.general_names import general_name
from cas.core.usages import EXTENDED_USAGES
from cas.core.validation.verdict import Aspect, Finding, Verdict
from cas.describe import CertificateText, describe, purpose_words
from certificates.services.validation import LONGEST_CHAIN, validate_certificate
from certificates.validation_orders import ValidationOrder
from kernel.ref import Ref
from kernel.text import Text

_LONGEST_LIST: Final = 10 * 1024 * 1024
_WORDS: Final[Mapping[Aspect, str | Promise]] = {
    Aspect.CHAIN: _("Signatures, names and limits, up to an anchor"),
    Aspect.TIME: _("Valid at the time"),
    Aspect.REVOCATION: _("Not revoked"),
    Aspect.USE: _("Good for the purpose and the name"),
}


class ValidateForm(forms.Form):
    certificate = forms.CharField(
        label=_("Certificate"),
        max_length=LONGEST_CHAIN,
        required=False,
        widget=CodeArea(),
        help_text=_("PEM. What follows the first one counts as its chain."),
    )
    file = UploadField(label=_("Or as a file"), longest=LONGEST_CHAIN, help_text=_("PEM, DER or PKCS#7."))
    purpose = forms.ChoiceField(
        label=_("Purpose"),
        required=False,
        choices=[
            ("", _("any")),
            *((name, _(purpose_words(oid))) for name, oid in EXTENDED_USAGES.items() if name != "any"),
        ],
    )
    peer_name = forms.CharField(
        label=_("Whom it must be for"),
        max_length=255,
        required=False,
        help_text=_("A DNS name, an IP address or an e-mail address."),
    )
    at = forms.DateTimeField(
        label=_("As at (UTC)"),
        required=False,
        help_text=_("Empty: now."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    chain = forms.CharField(
        label=_("More certificates of its chain"), max_length=LONGEST_CHAIN, required=False, widget=CodeArea(5)
    )
    trust_anchors = forms.CharField(
        label=_("Trust these alone"),
        max_length=LONGEST_CHAIN,
        required=False,
        widget=CodeArea(5),
        help_text=_("PEM. Empty: our own roots, and the trust anchors of the organization."),
    )
    check_revocation = forms.BooleanField(label=_("Ask whether it is revoked"), required=False, initial=True)
    require_status = forms.BooleanField(label=_("What is not known counts as an error"), required=False)
    fetch = forms.BooleanField(
        label=_("Fetch CRLs and ask OCSP responders"),
        required=False,
        help_text=_("At the addresses that stand in the certificates."),
    )
    crls = forms.CharField(label=_("CRLs"), max_length=LONGEST_CHAIN, required=False, widget=CodeArea(5))
    crl_file = UploadField(label=_("Or a CRL as a file"), longest=_LONGEST_LIST)

    one_of: ClassVar = ("certificate", "file")
    sections: ClassVar = (
        Section("", "certificate", "file", "purpose", "peer_name", "at"),
        Section(_("Chain and anchors"), "chain", "trust_anchors", folded=True),
        Section(_("Revocation"), "check_revocation", "require_status", "fetch", "crls", "crl_file", folded=True),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not (data["certificate"].strip() or data["file"]):
            self.add_error("certificate", _("Paste a certificate, or choose a file."))
        return data


class Validate(ServicePage):
    """The answer stands above the question, which can be asked again."""

    slug = "validate"
    title = _("Validate a chain")
    explanation = _(
        "Judged by RFC 5280 against what this organization trusts, or against the anchors that you name. Nothing is "
        "written."
    )
    submit = _("Validate")
    icon = "check"
    form_class = ValidateForm

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        actor = actor_of(self.request)
        order = _order(data, Ref("pk", actor.organization_id or 0))
        verdict = validate_certificate(actor=actor, order=order)
        form = self.form()
        self.desk.prepare(self, form)
        context = {
            **self.desk.page_context(self.request),
            "title": self.title,
            "page": self,
            "form": form,
            "sections": sections_of(form),
            "back": self.destination(),
            "list_url": self.desk.list_address(),
            "verdict": verdict,
            "checks": list(_checks(verdict, order)),
            "chain": list(_shown(verdict)),
            "at": order.at,
        }
        return render(self.request, "web/trust/verdict.html", context)


@dataclass(frozen=True, slots=True)
class Remark:
    """What was found, and whom it is about; nobody where it is about the whole."""

    message: Text
    about: str


@dataclass(frozen=True, slots=True)
class Check:
    """One aspect of a certificate. `outcome` is passed, failed, unknown or skipped."""

    label: str | Promise
    outcome: str
    errors: tuple[Remark, ...]
    warnings: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One certificate of the chain, with what is wrong with it."""

    text: CertificateText
    is_anchor: bool
    is_blamed: bool


def _order(data: Mapping[str, Any], organization: Ref) -> ValidationOrder:
    """Raises Invalid on `peer_name`."""
    at: datetime | None = data["at"]
    lists = (data["crls"].strip().encode(), data["crl_file"])
    return ValidationOrder(
        certificate=data["file"] or data["certificate"].encode(),
        organization=organization,
        chain=data["chain"].strip().encode(),
        trust_anchors=data["trust_anchors"].strip().encode() or None,
        crls=tuple(each for each in lists if each),
        at=at.astimezone(UTC) if at else None,
        purpose=EXTENDED_USAGES.get(data["purpose"]),
        peer_name=general_name(data["peer_name"], field="peer_name") if data["peer_name"] else None,
        check_revocation=data["check_revocation"],
        require_status=data["require_status"],
        fetch=data["fetch"],
    )


def _checks(verdict: Verdict, order: ValidationOrder) -> Iterator[Check]:
    for aspect, label in _WORDS.items():
        errors = _remarks(verdict.errors, aspect, verdict)
        warnings = _remarks(verdict.warnings, aspect, verdict)
        yield Check(label, "failed" if errors else _outcome(aspect, verdict, order), errors, warnings)


def _outcome(aspect: Aspect, verdict: Verdict, order: ValidationOrder) -> str:
    """Of an aspect that nothing is wrong with."""
    if aspect is Aspect.REVOCATION and not order.check_revocation:
        return "skipped"
    if aspect is Aspect.REVOCATION and verdict.not_revoked is None:
        return "unknown"
    if aspect is Aspect.USE and order.purpose is None and order.peer_name is None:
        return "skipped"
    return "passed"


def _shown(verdict: Verdict) -> Iterator[Link]:
    """The chain as far as it could be followed, the anchor first."""
    blamed = {each.position for each in verdict.errors}
    certificates: list[tuple[int, x509.Certificate]] = list(enumerate(verdict.chain))
    for position, certificate in reversed(certificates):
        yield Link(describe(certificate), certificate == verdict.trusted_anchor, position in blamed)


def _remarks(findings: Iterable[Finding], aspect: Aspect, verdict: Verdict) -> tuple[Remark, ...]:
    return tuple(Remark(each.message, _about(each, verdict)) for each in findings if each.aspect is aspect)


def _about(finding: Finding, verdict: Verdict) -> str:
    if finding.position is None or finding.position >= len(verdict.chain):
        return ""
    return describe(verdict.chain[finding.position]).common_name
