"""Whatever somebody pastes: decoded, and whether it is known here. Nothing of it is kept, and none of it comes back
as it was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import Organization
from accounts.policy import holds
from audit.admin.forms import CodeArea, UploadField, add_domain_error
from cas import selectors as cas_selectors
from cas.core.chain import is_issued_by
from cas.core.keys import public_key_sha256, supported
from cas.core.names import format_name
from cas.core.reading import UNREADABLE, is_self_issued
from cas.inspection import LONGEST, Item, inspect
from cas.models import CaCertificate, CertificateAuthority
from certificates.selectors import certificates
from kernel.actor import Actor
from kernel.errors import DomainError
from kernel.permissions import Permission
from web.account.pages import in_organization
from web.addresses import address_of

_MOST_KNOWN: Final = 10


class ForgetfulArea(CodeArea):
    """What was typed into it does not come back: it may have been a key."""

    def format_value(self, value: Any) -> None:
        return None


class InspectForm(forms.Form):
    content = forms.CharField(
        label=_("Paste it here"),
        max_length=LONGEST,
        required=False,
        widget=ForgetfulArea(),
        help_text=_("Certificates, a chain, a CSR, a CRL, PKCS#7: PEM or base64. Never a private key."),
    )
    file = UploadField(label=_("Or a file"), longest=LONGEST, help_text=_("PEM or DER."))

    one_of: ClassVar = ("content", "file")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not self.errors and not (data["content"].strip() or data["file"]):
            self.add_error("content", _("Paste something, or choose a file."))
        return data


@dataclass(frozen=True, slots=True)
class Known:
    """A record here, and what it is to the thing that was shown."""

    relation: str | Promise
    name: str
    url: str


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("content")
@never_cache
@in_organization(Permission.CERTIFICATES_READ)
def inspect_anything(request: HttpRequest, actor: Actor, organization: Organization) -> HttpResponse:
    form = InspectForm(request.POST, request.FILES) if request.method == "POST" else InspectForm()
    found: list[tuple[Item, list[Known]]] = []
    if form.is_valid():
        try:
            items = inspect(form.cleaned_data["file"] or form.cleaned_data["content"].encode())
            found = [(item, list(_known(item, actor))) for item in items]
        except DomainError as error:
            add_domain_error(form, error)
    context = {"title": _("Inspect"), "form": form, "found": found}
    return render(request, "web/inspect.html", context, status=422 if form.errors else 200)


def _known(item: Item, actor: Actor) -> Iterator[Known]:
    """Where it stands here, as far as the actor sees it."""
    shown = item.shown
    if isinstance(shown, x509.Certificate):
        yield from _same_certificate(shown, actor)
    elif isinstance(shown, x509.CertificateSigningRequest):
        yield from _same_key(shown, actor)
    if not isinstance(shown, x509.CertificateSigningRequest) and holds(actor, Permission.CAS_READ):
        yield from _issuers(shown, actor)


def _same_certificate(shown: x509.Certificate, actor: Actor) -> Iterator[Known]:
    fingerprint = shown.fingerprint(SHA256()).hex()
    for row in certificates(visible_to=actor).filter(fingerprint=fingerprint)[:_MOST_KNOWN]:
        yield Known(_("It is in the register"), str(row), address_of(row))
    if not holds(actor, Permission.CAS_READ):
        return
    ours = cas_selectors.authorities(visible_to=actor).order_by()
    for own in CaCertificate.objects.select_related("ca").filter(ca__in=ours, fingerprint=fingerprint):
        yield Known(_("It is a certificate of the authority"), own.ca.name, address_of(own))
    for anchor in cas_selectors.trust_anchors(visible_to=actor).filter(fingerprint=fingerprint):
        yield Known(_("It is a trust anchor"), anchor.name, address_of(anchor))


def _same_key(shown: x509.CertificateSigningRequest, actor: Actor) -> Iterator[Known]:
    try:
        key_hash = public_key_sha256(supported(shown.public_key()))
    except (*UNREADABLE, DomainError):
        return
    for row in certificates(visible_to=actor).filter(key_hash=key_hash)[:_MOST_KNOWN]:
        yield Known(_("Its key has been certified already"), str(row), address_of(row))


def _issuers(shown: x509.Certificate | x509.CertificateRevocationList, actor: Actor) -> Iterator[Known]:
    """Authorities of the name that stands in it, whose key has signed it; of a root, that is itself."""
    if isinstance(shown, x509.Certificate) and is_self_issued(shown):
        return
    named = cas_selectors.authorities(visible_to=actor).filter(subject=format_name(shown.issuer))
    for ca in named.prefetch_related("certificates")[:_MOST_KNOWN]:
        if _has_signed(ca, shown):
            yield Known(_("It was signed by the authority"), ca.name, address_of(ca))


def _has_signed(ca: CertificateAuthority, shown: x509.Certificate | x509.CertificateRevocationList) -> bool:
    own = ca.preferred_certificate
    if own is None:
        return False
    if isinstance(shown, x509.Certificate):
        return is_issued_by(shown, own.certificate)
    try:
        return shown.is_signature_valid(supported(own.certificate.public_key()))
    except (*UNREADABLE, DomainError):
        return False
