"""Issuing: with a key that is made here, or from a CSR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from accounts.sessions import actor_of
from audit.admin.forms import CodeArea, DaysField, LinesField, SecretField, add_domain_error
from audit.admin.pages import Facts, Section, ServicePage, Words
from cas.admin.fields import ALGORITHM_CHOICES
from cas.core.csr import LONGEST as LONGEST_CSR
from cas.core.csr import CsrFacts, read_csr
from cas.core.keys import KeyAlgorithm
from cas.core.names import format_name, general_name, general_name_text, name_from_mapping, name_to_mapping, parse_name
from cas.models import Template
from certificates.admin.edit import TagsField
from certificates.orders import IssueOrder, Managed
from certificates.services.issuance import issue_certificate
from certificates.services.submission import AwaitingApproval
from kernel.errors import FieldError, Invalid
from kernel.ref import Ref


def usable_templates() -> QuerySet[Template]:
    active = Template.objects.filter(retired_at__isnull=True, ca__status="active")
    return active.select_related("ca", "organization").order_by("organization__name", "code")


class TemplateField(forms.ModelChoiceField):
    """A template that can be issued by now, with its authority and the longest validity it gives."""

    def __init__(self) -> None:
        super().__init__(
            usable_templates(),
            label=_("Template"),
            help_text=_("Which authority, under which rules. None to choose: make one first."),
        )

    def label_from_instance(self, obj: Any) -> str:
        days = obj.validity.days
        return _("%(code)s · %(ca)s · %(days)s days (%(organization)s)") % {
            "code": obj.code,
            "ca": obj.ca.name,
            "days": days,
            "organization": obj.organization,
        }


class IssueForm(forms.Form):
    template = TemplateField()
    validity = DaysField(
        label=_("Valid for (days)"),
        required=False,
        help_text=_("Empty: as the template says. Never more than the role allows."),
    )
    tags = TagsField(
        label=_("Tags"), required=False, max_length=4000, help_text=_("Words to find it by, with commas between them.")
    )
    description = forms.CharField(label=_("Note"), max_length=1000, required=False)
    passphrase = SecretField(label=_("Passphrase of the authority"), help_text=_("Only where its key has one."))


class KeyForm(IssueForm):
    common_name = forms.CharField(label=_("Common name"), max_length=64, required=False)
    names = LinesField(
        label=_("Alternative names"), help_text=_("DNS names, IP addresses, e-mail addresses or URIs, one to a line.")
    )
    attributes = forms.CharField(
        label=_("More of the subject"),
        max_length=2000,
        required=False,
        help_text=_("As in O=Example Ltd,C=GB."),
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false"}),
    )
    key_algorithm = forms.ChoiceField(
        label=_("Key"), choices=[("", _("as the template says")), *ALGORITHM_CHOICES], required=False
    )

    sections: tuple[Section, ...] = (
        Section("", "template", "common_name", "names", "validity"),
        Section(_("Details"), "attributes", "key_algorithm", "tags", "description", "passphrase", folded=True),
    )


class CsrForm(IssueForm):
    csr = forms.CharField(
        label=_("Certificate signing request"),
        required=False,
        max_length=LONGEST_CSR,
        widget=CodeArea(),
        help_text=_("PEM. Made, for example, with: openssl req -new -newkey rsa:3072 -nodes -keyout key.pem"),
    )
    csr_file = forms.FileField(label=_("Or its file"), required=False, help_text=_("PEM or DER."))
    names = LinesField(
        label=_("Alternative names"),
        help_text=_("Empty: those of the request. Otherwise exactly these, one to a line."),
    )

    one_of = ("csr", "csr_file")
    sections: tuple[Section, ...] = (
        Section("", "template", "csr", "csr_file"),
        Section(_("Details"), "names", "validity", "tags", "description", "passphrase", folded=True),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.brings_csr(data):
            self._read_csr(data)
        return data

    def brings_csr(self, data: Mapping[str, Any]) -> bool:
        return "csr" not in self.errors

    def _read_csr(self, data: dict[str, Any]) -> None:
        """Its facts take the place of the text. A file is shown as text from here on: browsers forget files."""
        uploaded = data.get("csr_file")
        if not data.get("csr") and not uploaded:
            self.add_error("csr", _("Paste a request, or choose its file."))
            return
        try:
            data["csr"] = read_csr(uploaded.read(LONGEST_CSR + 1) if uploaded else data["csr"])
        except Invalid as error:
            add_domain_error(self, error)
            return
        if uploaded:
            pem = data["csr"].request.public_bytes(Encoding.PEM).decode()
            self.data = {**dict(self.data.items()), self.add_prefix("csr"): pem}


ISSUED_WORDS: Final = _("%(name)s is issued.")
MANAGED_WORDS: Final = _("%(name)s is issued. Its private key waits to be collected.")


class _IssuePage(ServicePage):
    error_fields = {
        "subject": "attributes",
        "subject.common_name": "common_name",
        "sans": "names",
        "public_key": "key_algorithm",
        "csr": "csr",
    }

    def initial(self) -> Mapping[str, Any]:
        usable = list(usable_templates()[:2])
        return {"template": usable[0]} if len(usable) == 1 else {}

    def _issue(self, order: IssueOrder, template: Template, issued: Words) -> Words:
        """Issue, or ask: what has become of it, in a sentence."""
        outcome = issue_certificate(actor=actor_of(self.request, template.organization), order=order)
        if isinstance(outcome, AwaitingApproval):
            self.obj = outcome.request
            return waiting_words(outcome)
        self.obj = outcome.certificate
        return issued % {"name": self.obj}


class IssueWithKey(_IssuePage):
    slug = "issue"
    title = _("Issue a certificate")
    explanation = _("The private key is made here and waits, sealed, until you collect it: once.")
    submit = _("Issue the certificate")
    icon = "certificate"
    form_class = KeyForm

    def act(self, data: Mapping[str, Any]) -> Words:
        return self._issue(managed_order(data), data["template"], MANAGED_WORDS)


class IssueFromCsr(_IssuePage):
    slug = "issue-csr"
    title = _("Issue from a CSR")
    explanation = _(
        "The private key stays where it was made. What the request asks for is a wish: the template decides."
    )
    submit = _("Issue the certificate")
    check = _("Check the request")
    icon = "file"
    form_class = CsrForm

    def preview(self, data: Mapping[str, Any]) -> Facts:
        facts: CsrFacts = data["csr"]
        names = [general_name_text(name) for name in (names_of(data["names"]) or facts.sans)]
        return [
            (_("Subject"), format_name(facts.subject) or "–"),
            (_("Alternative names"), ", ".join(names) or "–"),
            (_("Key"), facts.algorithm),
            (_("Signature of the request"), _("fits its key")),
            (_("Template"), data["template"]),
        ]

    def act(self, data: Mapping[str, Any]) -> Words:
        return self._issue(csr_order(data), data["template"], ISSUED_WORDS)


def waiting_words(waiting: AwaitingApproval) -> Words:
    return _("%(name)s waits for an approval by somebody else. Nothing is issued yet.") % {"name": waiting.request}


def managed_order(data: Mapping[str, Any]) -> IssueOrder:
    """What a form asks for whose key we make. Raises Invalid with every name that is none, as `sans[n]`."""
    algorithm = KeyAlgorithm(data["key_algorithm"]) if data["key_algorithm"] else None
    return _order(
        data,
        subject=subject_of(data["common_name"], data["attributes"]),
        sans=names_of(data["names"]),
        key=Managed(algorithm, collect_later=True),
    )


def csr_order(data: Mapping[str, Any]) -> IssueOrder:
    """What a form with a CSR asks for. Raises as `managed_order` does."""
    return _order(data, key=data["csr"], sans=names_of(data["names"]) or None)


def _order(data: Mapping[str, Any], **parts: Any) -> IssueOrder:
    template = data["template"]
    return IssueOrder(
        template=template.code,
        ca=Ref("pk", template.ca_id),
        validity=data["validity"],
        tags=data["tags"],
        description=data["description"],
        passphrase=data["passphrase"],
        **parts,
    )


def subject_of(common_name: str, attributes: str) -> x509.Name:
    """Raises Invalid on `attributes`."""
    others = name_to_mapping(parse_name(attributes, field="attributes"))
    if common_name and "common_name" in others:
        raise Invalid.of("attributes", "twice", gettext_noop("The common name has a field of its own."))
    own = {"common_name": common_name} if common_name else {}
    return name_from_mapping({**others, **own})


def names_of(lines: Sequence[str]) -> tuple[x509.GeneralName, ...]:
    """Names from text. Raises Invalid with all that are none, each by its place: `sans[n]`."""
    names: list[x509.GeneralName] = []
    errors: list[FieldError] = []
    for index, line in enumerate(lines):
        try:
            names.append(general_name(line, field=f"sans[{index}]"))
        except Invalid as error:
            errors += error.errors
    if errors:
        raise Invalid(errors=errors)
    return tuple(names)
