"""One authority with all that is known of it, and what may be done to it."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import selectors as accounts_selectors
from accounts.policy import holds
from audit.admin.files import attachment
from audit.admin.html import status_of
from cas import addresses
from cas import selectors as cas_selectors
from cas.admin.words import approval_text
from cas.chains import chain_of, chains_of
from cas.core.formats import to_der, to_pem, to_pkcs7
from cas.models import CertificateAuthority
from certificates.admin.arrival_pages import (
    AddForeign,
    Cancel,
    Certify,
    Complete,
    DownloadCsr,
    ImportAuthority,
    RequestCertificate,
)
from certificates.admin.authority_pages import CreateIntermediate, CreateRoot, Disable, Enable, Publish, Retire, Revoke
from certificates.admin.decoded import chain_to_show, decoded_context
from certificates.admin.dialect_pages import OpenToClients
from certificates.admin.succession_pages import (
    Abandon,
    AddCertificate,
    ChangeTerms,
    Cross,
    MoveTemplates,
    Renew,
    Succeed,
)
from certificates.statistics import crl_scopes
from kernel.actor import Actor
from kernel.permissions import Permission
from kernel.ref import Ref
from web.addresses import address_of
from web.authorities.listing import counted, in_force, show_list
from web.desk import Desk
from web.policy.people import members_who_may
from web.trail import trail_of

_AT_HAND: Final = 2
_MOST_SHOWN: Final = 50
_MOST_AROUND: Final = 100


class AuthorityDesk(Desk):
    name = "authority"
    list_name = "authorities"
    place = "authorities/"
    plural = _("Authorities")
    reading = Permission.CAS_READ
    list_doors = {
        CreateIntermediate: Permission.CAS_CREATE,
        CreateRoot: Permission.CAS_CREATE,
        RequestCertificate: Permission.CAS_CREATE,
        ImportAuthority: Permission.CAS_CREATE,
        AddForeign: Permission.CAS_CREATE,
    }
    doors = {
        Complete: Permission.CAS_CREATE,
        Publish: Permission.CRLS_PUBLISH,
        Renew: Permission.CAS_CREATE,
        DownloadCsr: Permission.CAS_WRITE,
        ChangeTerms: Permission.CAS_WRITE,
        Enable: Permission.CAS_WRITE,
        AddCertificate: Permission.CAS_CREATE,
        Cross: Permission.CAS_CREATE,
        Certify: Permission.CAS_CREATE,
        Succeed: Permission.CAS_CREATE,
        MoveTemplates: Permission.TEMPLATES_WRITE,
        OpenToClients: Permission.TEMPLATES_WRITE,
        Disable: Permission.CAS_WRITE,
        Cancel: Permission.CAS_CREATE,
        Abandon: Permission.CAS_REVOKE,
        Retire: Permission.CAS_WRITE,
        Revoke: Permission.CAS_REVOKE,
    }

    def urls(self) -> list[URLPattern]:
        file = path(
            f"{self.place}{self.one}file/<str:fmt>/",
            self.about_one(Permission.CAS_READ, self.file),
            name="authority-file",
        )
        return [*super().urls(), file]

    def find(self, actor: Actor, ref: Ref) -> Model:
        return cas_selectors.get_ca(ref, visible_to=actor)

    def show_list(self, request: HttpRequest, actor: Actor) -> HttpResponseBase:
        doors = self.list_offered(request, actor)
        if not cas_selectors.authorities(visible_to=actor).exists():
            doors.sort(key=lambda door: not isinstance(door[1], CreateRoot))
        context = {
            "title": self.plural,
            "doors": doors[:1],
            "more": doors[1:],
            "may_complete": holds(actor, Permission.CAS_CREATE),
            "founding": next((address for address, page in doors if isinstance(page, CreateRoot)), ""),
        }
        return show_list(request, actor, context)

    def show_record(self, request: HttpRequest, actor: Actor, obj: CertificateAuthority) -> HttpResponse:
        at = timezone.now()
        doors = self.offered(request, actor, obj)
        certificates = list(cas_selectors.ca_certificates(obj)[:_MOST_SHOWN])
        ends = next((row.not_after for row in certificates if row.preferred), None)
        counts = counted(actor, at)
        context = {
            "title": obj.name,
            "ca": obj,
            "standing": status_of(obj.status, ends, at=at),
            "doors": doors[:_AT_HAND],
            "more": doors[_AT_HAND:],
            "counts": None if counts is None else counts.get(obj.pk),
            "is_counted": counts is not None,
            "in_force": in_force(counts.get(obj.pk)) if counts is not None else None,
            "approval": approval_text(obj),
            "certificates": [(row, address_of(row)) for row in certificates],
            "other_chains": [" › ".join(ca.name for ca in chain.authorities) for chain in chains_of(obj)[1:]],
            "crls": crl_scopes(visible_to=actor).filter(ca=obj)[:_MOST_SHOWN],
            "addresses": _addresses(obj),
            "files": _files(obj),
            "trail": trail_of(actor, "ca", obj),
            "now": at,
        }
        context |= _neighbours(actor, obj) | _whoever_may(actor, obj)
        context |= decoded_context(chain_to_show(obj), None, address_of)
        return render(request, "web/authorities/record.html", context)

    def file(self, request: HttpRequest, actor: Actor, obj: CertificateAuthority, fmt: str) -> HttpResponse:
        """Its certificate, or its chain, as a file."""
        if fmt not in _FILES or not obj.was_certified:
            raise Http404
        suffix, content_type, write = _FILES[fmt]
        return attachment(f"{obj.slug}{suffix}", write(chain_of(obj).certificates), content_type)


# The suffix of its name, its type, and how it is made of the chain.
_FILES: Final[dict[str, tuple[str, str, Any]]] = {
    "pem": (".pem", "application/x-pem-file", lambda chain: to_pem(chain[0])),
    "der": (".crt", "application/pkix-cert", lambda chain: to_der(chain[0])),
    "chain": ("-chain.pem", "application/x-pem-file", lambda chain: to_pem(*chain)),
    "p7b": (".p7b", "application/x-pkcs7-certificates", to_pkcs7),
}
_CALLED: Final = {"pem": "PEM", "der": "DER", "chain": _("With its chain, PEM"), "p7b": "PKCS#7"}


def _files(ca: CertificateAuthority) -> list[tuple[Any, str]]:
    return (
        [(_CALLED[fmt], reverse("authority-file", args=[ca.public_id, fmt])) for fmt in _FILES]
        if ca.was_certified
        else []
    )


def _addresses(ca: CertificateAuthority) -> list[tuple[Any, str]]:
    """What stands in the certificates that it signs."""
    if not ca.has_key:
        return []
    return [
        (_("CRL"), addresses.crl_url(ca)),
        (_("OCSP"), addresses.ocsp_url(ca)),
        (_("Its certificate"), addresses.ca_issuers_url(ca)),
    ]


def _neighbours(actor: Actor, ca: CertificateAuthority) -> dict[str, Any]:
    """Whom it follows, who follows it, who stands below it, and what is issued by it, as far as the actor sees them."""
    seen = cas_selectors.authorities(visible_to=actor)
    around = seen.filter(Q(parent=ca) | Q(predecessor=ca) | Q(pk=ca.predecessor_id)).order_by("name")
    near = list(around[:_MOST_AROUND])
    templates = cas_selectors.templates(visible_to=actor).filter(ca=ca).order_by("code")
    is_told = holds(actor, Permission.TEMPLATES_READ)
    return {
        "predecessor": next((row for row in near if row.pk == ca.predecessor_id), None),
        "successors": [row for row in near if row.predecessor_id == ca.pk],
        "below": [(row, status_of(row.status)) for row in near if row.parent_id == ca.pk],
        "templates": [(row, address_of(row)) for row in templates[:_MOST_SHOWN]] if is_told else None,
    }


def _whoever_may(actor: Actor, ca: CertificateAuthority) -> dict[str, Any]:
    """The people who may issue in its organization, and the credentials that are let to this CA by name."""
    issuers = members_who_may(Permission.CERTIFICATES_ISSUE, visible_to=actor)
    context: dict[str, Any] = {"issuers": None if issuers is None else issuers[:_MOST_SHOWN]}
    if holds(actor, Permission.API_KEYS_READ):
        keys = accounts_selectors.api_keys(visible_to=actor).filter(revoked_at=None)
        machines = accounts_selectors.service_accounts(visible_to=actor)
        context |= {"keys": _let_to(keys, ca), "machines": _let_to(machines, ca)}
    return context


def _let_to(rows: QuerySet[Any], ca: CertificateAuthority) -> list[tuple[Any, Any]]:
    """Credentials with what they are granted at this CA."""
    found = rows.filter(grants__ca=ca)[:_MOST_SHOWN]
    return [(row, grant) for row in found for grant in row.grants.all() if grant.ca_id == ca.pk]


DESK: Final = AuthorityDesk()
