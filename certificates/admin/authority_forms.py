"""What the forms about CAs share: where a key is kept, files that come in, limits of a certificate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cryptography import x509
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from audit.admin.forms import CodeArea, DaysField, LinesField, SecretField, UploadField
from audit.admin.pages import Facts, ServicePage
from cas.admin.fields import AuthorityField
from cas.core.formats import LONGEST as LONGEST_CERTIFICATES
from cas.core.names import constraint_name
from cas.models import CaKey, CertificateAuthority
from cas.orders import TokenKeyName

Status = CertificateAuthority.Status

BACKEND = ("key_backend", "token_label")
LIMITS = ("path_length", "permitted", "excluded")


class BackendFields(forms.Form):
    """Where the key of a new CA is made, or found."""

    key_backend = forms.ChoiceField(
        label=_("The key is kept"), choices=CaKey.Backend.choices, required=False, initial=CaKey.Backend.SEALED
    )
    token_label = forms.CharField(
        label=_("Label of a key on the token"),
        max_length=200,
        required=False,
        help_text=_("One that is there already. Empty: a new one is made."),
    )

    @staticmethod
    def words(data: Mapping[str, Any]) -> dict[str, Any]:
        """The fields as an order's."""
        label = data["token_label"]
        return {
            "key_backend": data["key_backend"] or CaKey.Backend.SEALED.value,
            "token_key": TokenKeyName(label=label) if label else None,
        }


class LimitFields(forms.Form):
    """What a CA certificate allows."""

    path_length = forms.IntegerField(
        label=_("Path length"),
        min_value=0,
        max_value=20,
        required=False,
        help_text=_("How many authorities may stand below it, one under the other. Empty: no limit."),
    )
    permitted = LinesField(
        label=_("Permitted names"), help_text=_("Name constraints, one to a line: .example.com"), rows=2
    )
    excluded = LinesField(label=_("Excluded names"), help_text=_("One to a line."), rows=2)

    @staticmethod
    def words(data: Mapping[str, Any]) -> dict[str, Any]:
        """The fields as an order's. Raises Invalid."""
        return {
            "path_length": data["path_length"],
            "permitted_names": _subtrees(data["permitted"], "permitted"),
            "excluded_names": _subtrees(data["excluded"], "excluded"),
        }


def _subtrees(lines: tuple[str, ...], field: str) -> tuple[x509.GeneralName, ...]:
    return tuple(constraint_name(line, field=field) for line in lines)


class CertificatesForm(forms.Form):
    """Certificates, pasted or as a file."""

    certificates = forms.CharField(
        label=_("Certificates"),
        max_length=LONGEST_CERTIFICATES,
        required=False,
        widget=CodeArea(),
        help_text=_("PEM: its own, and those above it that are not known here."),
    )
    file = UploadField(longest=LONGEST_CERTIFICATES, label=_("Or as a file"), help_text=_("PEM, DER or PKCS#7."))

    one_of: ClassVar = ("certificates", "file")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not (data["certificates"].strip() or data["file"]):
            self.add_error("certificates", _("Paste the certificates, or choose a file."))
        return data

    @staticmethod
    def content(data: Mapping[str, Any]) -> bytes:
        file: bytes = data["file"]
        return file or data["certificates"].encode()


class PassphraseForm(forms.Form):
    passphrase = SecretField(label=_("Passphrase"), help_text=_("Only where the key of this authority has one."))


class NewLifetimeForm(forms.Form):
    """How long something lasts; as long as before where nothing is said."""

    validity = DaysField(label=_("Valid for (days)"), required=False, help_text=_("Empty: as long as before."))


class OneAuthorityPage(ServicePage):
    """A page about one CA, named so that nobody acts on another."""

    # For the passphrase of the key that signs, where that has one.
    unlocked_by: ClassVar[str] = ""

    def is_signer_locked(self) -> bool:
        """Whether what signs here may be behind a passphrase."""
        return bool(self.obj.passphrase_protected)

    def form(self) -> forms.Form:
        form = super().form()
        if self.unlocked_by and not self.is_signer_locked():
            del form.fields[self.unlocked_by]
        return form

    def facts(self) -> Facts:
        ca: CertificateAuthority = self.obj
        return [
            (_("Authority"), ca.name),
            (_("Subject"), ca.subject),
            (_("Organization"), ca.organization),
            (_("Under"), place_of(ca)),
        ]


def place_of(ca: CertificateAuthority) -> object:
    """Whom it stands below, in words where it is nobody."""
    if ca.parent is not None:
        return ca.parent
    return _("nothing: it is a root") if ca.was_certified else _("nothing yet: it has no certificate")


def in_service(ca: CertificateAuthority) -> bool:
    """Whether it has its key here and works."""
    return ca.has_key and ca.status == Status.ACTIVE


class NeighbourField(AuthorityField):
    """Another CA of the same organization; the page says which come into question."""

    def __init__(self, **options: Any) -> None:
        super().__init__(CertificateAuthority.objects.none(), **options)

    def offer(self, rows: QuerySet[CertificateAuthority]) -> None:
        self.queryset = rows
