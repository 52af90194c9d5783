"""Pages for authorities that begin or live elsewhere: certified by others, moved in, known, certified by us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cryptography.hazmat.primitives.serialization import Encoding
from django import forms
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from accounts.sessions import actor_of
from audit.admin.files import attachment
from audit.admin.forms import CodeArea, DaysField, LinesField, SecretField, UploadField
from audit.admin.pages import Section, ServicePage, Words
from cas.admin.fields import ALGORITHM_CHOICES
from cas.core.csr import LONGEST as LONGEST_CSR
from cas.core.csr import read_csr
from cas.core.foreign_crl import LONGEST as LONGEST_CRL
from cas.core.formats import LONGEST as LONGEST_CERTIFICATES
from cas.core.keyfiles import LONGEST as LONGEST_KEY_FILE
from cas.core.keys import KeyAlgorithm
from cas.core.names import parse_name
from cas.orders import AuthorityImportOrder, AuthorityRequestOrder, ForeignAuthorityOrder, PendingAuthorityOrder
from cas.services.foreign import add_foreign_authority, sign_authority_request
from cas.services.pending import cancel_authority, create_pending_authority, sign_authority_csr
from certificates.admin.authority_forms import (
    BACKEND,
    LIMITS,
    BackendFields,
    CertificatesForm,
    LimitFields,
    OneAuthorityPage,
    PassphraseForm,
    Status,
    in_service,
)
from certificates.services.authorities import complete_authority, import_authority
from kernel.ref import Ref
from kernel.secret import Secret


class _NewForm(forms.Form):
    organization = forms.ModelChoiceField(Organization.objects.order_by("name"), label=_("Organization"))
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What people call it here."))


class _ArrivalPage(ServicePage):
    def initial(self) -> Mapping[str, Any]:
        return {"organization": Organization.objects.order_by("name").first()}


class RequestForm(_NewForm, BackendFields):
    subject = forms.CharField(
        label=_("Subject"),
        max_length=2000,
        help_text=_("As in CN=Example Issuing CA,O=Example Ltd,C=GB. It cannot be changed later."),
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false"}),
    )
    key_algorithm = forms.ChoiceField(label=_("Key"), choices=ALGORITHM_CHOICES, initial=KeyAlgorithm.ECDSA_P256.value)
    passphrase = SecretField(label=_("Passphrase for its key"))

    sections: ClassVar = (
        Section("", "organization", "name", "subject", "key_algorithm"),
        Section(_("Passphrase"), "passphrase", folded=True),
        Section(_("Where its key is kept"), *BACKEND, folded=True),
    )


class RequestCertificate(_ArrivalPage):
    slug = "request"
    title = _("Request from another CA")
    explanation = _("For an offline root: the key is made here, the CSR goes out, and the certificate comes back.")
    submit = _("Make the key")
    icon = "file"
    form_class = RequestForm
    error_fields = {"public_key": "key_algorithm", "token_key": "token_label"}

    def act(self, data: Mapping[str, Any]) -> Words:
        order = PendingAuthorityOrder(
            organization=Ref("pk", data["organization"].pk),
            name=data["name"],
            subject=parse_name(data["subject"]),
            key_algorithm=KeyAlgorithm(data["key_algorithm"]),
            passphrase=data["passphrase"],
            **BackendFields.words(data),
        )
        self.obj = create_pending_authority(actor=actor_of(self.request), order=order)
        return _("%(name)s waits for its certificate. Download its CSR.") % {"name": self.obj.name}


class DownloadCsr(OneAuthorityPage):
    slug = "csr"
    title = _("Download a CSR")
    explanation = _("What the CA that is to certify it needs. It may be asked for again, also for a later certificate.")
    submit = _("Sign and download")
    icon = "file"
    gives_file = True
    form_class = PassphraseForm
    unlocked_by = "passphrase"

    def is_offered(self) -> bool:
        return self.obj.has_key and self.obj.status in (Status.PENDING, Status.ACTIVE)

    def act(self, data: Mapping[str, Any]) -> HttpResponse:
        request = sign_authority_csr(actor=actor_of(self.request), ca=self.obj, passphrase=data.get("passphrase"))
        answer = attachment(f"{self.obj.slug}.csr", request.public_bytes(Encoding.PEM), "application/pkcs10")
        answer["Cache-Control"] = "no-store"
        return answer


class CompletionForm(CertificatesForm, PassphraseForm):
    pass


class Complete(OneAuthorityPage):
    slug = "complete"
    title = _("The certificate has come")
    explanation = _("It is judged as a whole, chain and all, before anything is written.")
    submit = _("Put it into service")
    icon = "check"
    form_class = CompletionForm
    unlocked_by = "passphrase"

    def is_offered(self) -> bool:
        return self.obj.status == Status.PENDING

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = complete_authority(
            actor=actor_of(self.request),
            ca=self.obj,
            certificates=CertificatesForm.content(data),
            passphrase=data.get("passphrase"),
        )
        return _("%(name)s is in service.") % {"name": self.obj.name}


class Cancel(OneAuthorityPage):
    slug = "cancel"
    title = _("Give up")
    explanation = _(
        "Its key is destroyed, and its name is free again. A certificate that still comes is taken no more."
    )
    submit = _("Destroy the key")
    icon = "ban"
    is_dangerous = True

    def is_offered(self) -> bool:
        return self.obj.status == Status.PENDING

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = cancel_authority(actor=actor_of(self.request), ca=self.obj)
        return _("The authority is given up.")


class ImportForm(_NewForm):
    key_file = UploadField(
        label=_("Key file"),
        required=True,
        longest=LONGEST_KEY_FILE,
        help_text=_("PEM, DER or PKCS#12, encrypted or not."),
    )
    password = SecretField(label=_("Password of the file"))
    certificates = UploadField(
        label=_("Certificates"),
        longest=LONGEST_CERTIFICATES,
        help_text=_("Its own and those above it, where the key file does not hold them."),
    )
    last_crl = UploadField(
        label=_("Its last CRL"),
        longest=LONGEST_CRL,
        help_text=_("Without it, what it has revoked would be good again."),
    )
    last_crl_number = forms.IntegerField(
        label=_("Number of its last CRL"), min_value=0, required=False, help_text=_("Where only that is known.")
    )
    public_paths = LinesField(
        label=_("Its old addresses"), help_text=_("One to a line: /crl/old-name.crl. They go on answering."), rows=2
    )
    passphrase = SecretField(label=_("Passphrase for its key here"))
    base_url = forms.URLField(label=_("Base URL"), required=False, assume_scheme="http")

    sections: ClassVar = (
        Section("", "organization", "name", "key_file", "password", "certificates"),
        Section(_("What it has revoked"), "last_crl", "last_crl_number"),
        Section(_("Addresses"), "public_paths", "base_url", folded=True),
        Section(_("Passphrase"), "passphrase", folded=True),
    )


class ImportAuthority(_ArrivalPage):
    slug = "import"
    title = _("Import with its key")
    explanation = _("An authority of other software moves in, and goes on where it has stopped.")
    submit = _("Move it in")
    icon = "key"
    form_class = ImportForm
    error_fields = {"private_key": "key_file"}

    def act(self, data: Mapping[str, Any]) -> Words:
        order = AuthorityImportOrder(
            organization=Ref("pk", data["organization"].pk),
            name=data["name"],
            key_file=Secret(data["key_file"]),
            password=data["password"],
            certificates=data["certificates"],
            last_crl=data["last_crl"],
            last_crl_number=data["last_crl_number"],
            public_paths=data["public_paths"],
            passphrase=data["passphrase"],
            base_url=data["base_url"] or None,
        )
        self.obj = import_authority(actor=actor_of(self.request), order=order)
        return _("%(name)s has moved in.") % {"name": self.obj.name}


class ForeignForm(CertificatesForm):
    organization = forms.ModelChoiceField(Organization.objects.order_by("name"), label=_("Organization"))
    name = forms.CharField(
        label=_("Name"), max_length=120, required=False, help_text=_("Empty: as its certificate calls it.")
    )

    sections: ClassVar = (Section("", "organization", "name", "certificates", "file"),)


class AddForeign(_ArrivalPage):
    slug = "add-foreign"
    title = _("Add one from outside")
    explanation = _("By its certificate alone: it can be looked at, and stands in chains.")
    submit = _("Add it")
    icon = "plus"
    form_class = ForeignForm

    def act(self, data: Mapping[str, Any]) -> Words:
        order = ForeignAuthorityOrder(
            organization=Ref("pk", data["organization"].pk),
            certificates=CertificatesForm.content(data),
            name=data["name"],
        )
        self.obj = add_foreign_authority(actor=actor_of(self.request), order=order)
        return _("%(name)s is known now.") % {"name": self.obj.name}


class CertifyForm(LimitFields):
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("What people call it here."))
    csr = forms.CharField(label=_("CSR"), max_length=LONGEST_CSR, widget=CodeArea())
    validity = DaysField(label=_("Valid for (days)"), initial=1825)
    parent_passphrase = SecretField(label=_("Passphrase"), help_text=_("Only where the key of this authority has one."))

    sections: ClassVar = (
        Section("", "name", "csr", "validity"),
        Section(_("Limits"), *LIMITS, folded=True),
        Section(_("Passphrase"), "parent_passphrase"),
    )


class Certify(OneAuthorityPage):
    slug = "certify"
    title = _("Certify another's CA")
    explanation = _("By its CSR. Its key stays where it is; it stands in the books here, and can be revoked.")
    submit = _("Certify it")
    icon = "authority"
    form_class = CertifyForm
    unlocked_by = "parent_passphrase"
    error_fields = {"permitted_names": "permitted", "excluded_names": "excluded", "public_key": "csr"}

    def is_offered(self) -> bool:
        return in_service(self.obj)

    def act(self, data: Mapping[str, Any]) -> Words:
        order = AuthorityRequestOrder(
            parent=Ref("pk", self.obj.pk),
            name=data["name"],
            csr=read_csr(data["csr"]),
            validity=data["validity"],
            parent_passphrase=data.get("parent_passphrase"),
            **LimitFields.words(data),
        )
        self.obj = sign_authority_request(actor=actor_of(self.request), order=order)
        return _("%(name)s is certified: download its chain.") % {"name": self.obj.name}
