"""What an actor may see of CAs, roles and templates."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import Organization
from accounts.rows import select_together
from accounts.selectors import of_whole_organization, reach_sql, under_granted_cas
from cas.models import (
    BlockedKey,
    CaCertificate,
    CertificateAuthority,
    IssuedSerial,
    ProfileVersion,
    Role,
    Template,
    TrustAnchor,
)
from cas.orders import Dialect
from cas.standing import Slot
from kernel.actor import Actor
from kernel.errors import Conflict, Denied, NotFound
from kernel.ref import Ref
from kernel.text import _

Status = CertificateAuthority.Status

_STORING_TAKES: Final = timedelta(minutes=10)
_MOST_NAMED: Final = 10


# Of a CA from outside anybody can show a certificate, without having its key: it counts where it was shown.
_FORBIDDEN_KEYS_SQL = """
    SELECT key_hash FROM cas_blockedkey
    WHERE key_hash IN ({places}) AND (organization_id IS NULL OR organization_id = %s)
    UNION
    SELECT key_hash FROM cas_certificateauthority
    WHERE key_hash IN ({places}) AND (key_id IS NOT NULL OR organization_id = %s)
"""
_TEMPLATE_SQL = """
    JOIN accounts_organization ON accounts_organization.id = cas_template.organization_id
    JOIN cas_certificateauthority ON cas_certificateauthority.id = cas_template.ca_id
    JOIN cas_role ON cas_role.id = cas_template.role_id
    LEFT JOIN cas_profileversion ON cas_profileversion.id = cas_template.profile_id
"""
_TEMPLATE_TABLES = (Template, Organization, CertificateAuthority, Role, ProfileVersion)


def authorities(*, visible_to: Actor) -> QuerySet[CertificateAuthority]:
    rows = CertificateAuthority.objects.select_related("organization", "parent", "key").order_by("id")
    return under_granted_cas(rows, visible_to, column="pk")


def present_authorities(*, visible_to: Actor) -> QuerySet[CertificateAuthority]:
    """CAs that have a certificate and are not retired."""
    absent = (Status.PENDING, Status.CANCELLED, Status.RETIRED)
    return authorities(visible_to=visible_to).exclude(status__in=absent)


def get_ca(ref: Ref, *, visible_to: Actor) -> CertificateAuthority:
    """Raises NotFound; Conflict where CAs of several organizations bear the name, and the actor sees them all."""
    try:
        return authorities(visible_to=visible_to).get(**{ref.by: ref.value})
    except CertificateAuthority.DoesNotExist as error:
        raise ca_not_found() from error
    except CertificateAuthority.MultipleObjectsReturned as error:
        text = _("Several organizations have a CA named %(name)s: say which one is meant by its id.")
        raise Conflict(text, code="ca-ambiguous", name=str(ref.value)) from error


def ca_not_found() -> NotFound:
    """What is said of a CA that does not exist, and of one that the actor may not see."""
    return NotFound(_("There is no such certificate authority."), code="ca-not-found")


def roles(*, visible_to: Actor) -> QuerySet[Role]:
    return all_roles(visible_to=visible_to).filter(retired_at__isnull=True)


def all_roles(*, visible_to: Actor) -> QuerySet[Role]:
    """The retired ones too."""
    return under_granted_cas(Role.objects.select_related("organization", "ca").order_by("id"), visible_to)


def get_role(ref: Ref, *, visible_to: Actor) -> Role:
    """Raises NotFound."""
    return _one_role(roles(visible_to=visible_to), ref)


def recall_role(ref: Ref, *, visible_to: Actor) -> Role:
    """A role, also one that is retired. Raises NotFound."""
    return _one_role(all_roles(visible_to=visible_to), ref)


def _one_role(rows: QuerySet[Role], ref: Ref) -> Role:
    try:
        return rows.get(**{ref.by: ref.value})
    except (Role.DoesNotExist, Role.MultipleObjectsReturned) as error:
        raise NotFound(_("There is no such role."), code="role-not-found") from error


def templates(*, visible_to: Actor) -> QuerySet[Template]:
    return all_templates(visible_to=visible_to).filter(retired_at__isnull=True)


def all_templates(*, visible_to: Actor) -> QuerySet[Template]:
    """The retired ones too."""
    rows = Template.objects.select_related("organization", "ca", "role", "profile").order_by("id")
    return under_granted_cas(rows, visible_to)


def get_template(ref: Ref, *, visible_to: Actor) -> Template:
    """Raises NotFound, naming the code and the organization that was searched."""
    return _one_template(templates(visible_to=visible_to), ref, visible_to)


def recall_template(ref: Ref, *, visible_to: Actor) -> Template:
    """A template, also one that is retired. Raises NotFound."""
    return _one_template(all_templates(visible_to=visible_to), ref, visible_to)


def _one_template(rows: QuerySet[Template], ref: Ref, actor: Actor) -> Template:
    try:
        return rows.get(**{ref.by: ref.value})
    except (Template.DoesNotExist, Template.MultipleObjectsReturned) as error:
        raise _template_not_found(ref, actor) from error


def profile_versions(template: Template) -> QuerySet[ProfileVersion]:
    """What a template and its role have said together, newest first."""
    return ProfileVersion.objects.filter(template=template).order_by("-id")


def find_issuer(ca: Ref | None, template: str, *, visible_to: Actor) -> Template:
    """The template that an order names, with its CA: by code, and by CA too where the order names one.

    Raises NotFound for what does not exist and for what the actor may not see, alike.
    """
    visible, parameters = _visible_template_sql(visible_to)
    sql = f"{_TEMPLATE_SQL} WHERE {visible} AND cas_template.code = %s AND cas_template.retired_at IS NULL"
    parameters.append(template)
    if ca is not None:
        sql += " AND cas_template.ca_id = %s"
        parameters.append(get_ca(ca, visible_to=visible_to).pk)
    found = select_together(_TEMPLATE_TABLES, sql + " LIMIT 2", parameters)
    if len(found) != 1:
        raise _template_not_found(Ref("code", template), visible_to)
    return _joined_template(found[0])


def standing_template(ca: Ref, slot: Slot, *, visible_to: Actor) -> Template:
    """The template that answers this slot's clients for a CA. Raises NotFound (the CA), Denied (it has none)."""
    row = get_ca(ca, visible_to=visible_to)
    template = templates(visible_to=visible_to).filter(ca=row, code=slot.code(row.pk)).first()
    if template is None:
        text = _("%(ca)s has no template %(template_code)s: it is not open to clients of %(dialect)s.")
        code = slot.code(row.pk)
        raise Denied(text, code="dialect-not-enabled", ca=row.name, template_code=code, dialect=slot.dialect)
    return template


def client_ca(*, visible_to: Actor) -> CertificateAuthority | None:
    """The CA that answers CertMate's clients in the organization where the actor works; None where none does."""
    if visible_to.organization_id is None:
        return None
    here = templates(visible_to=visible_to).filter(organization_id=visible_to.organization_id)
    found = here.filter(code=Slot.CERTMATE_CLIENT).first()
    return found.ca if found else None


def issuing_code(role_name: str) -> str:
    """The code of the template that is made with a role, for clients who name the role alone."""
    return f"{Dialect.SCAIVAULT}.{role_name}"


def issuing_template(role: Ref, *, visible_to: Actor) -> Template:
    """The template that a role issues by: the one that was made with it, else the only one that it has.

    Raises NotFound (the role), Conflict (it has none, or several).
    """
    row = get_role(role, visible_to=visible_to)
    found = list(templates(visible_to=visible_to).filter(role=row)[:_MOST_NAMED])
    own = [template for template in found if template.code == issuing_code(row.name)] or found
    if len(own) == 1:
        return own[0]
    if not own:
        text = _("The role %(role)s has no template to issue by.")
        raise Conflict(text, code="role-without-template", role=row.name)
    text = _("The role %(role)s has several templates, and none is its own: %(templates)s.")
    codes = ", ".join(template.code for template in own)
    raise Conflict(text, code="role-with-templates", role=row.name, templates=codes)


def template_to_issue(pk: int) -> Template:
    """A template with organization, CA, role and profile, as they are now."""
    (found,) = select_together(_TEMPLATE_TABLES, f"{_TEMPLATE_SQL} WHERE cas_template.id = %s", [pk])
    return _joined_template(found)


def _visible_template_sql(actor: Actor) -> tuple[str, list[int | str]]:
    """`under_granted_cas` as SQL."""
    reach, organization = reach_sql(actor, "cas_template.organization_id")
    if actor.grants is None:
        return reach, [*organization]
    ca_ids = [grant.ca_id for grant in actor.grants]
    granted = f"cas_template.ca_id IN ({', '.join(['%s'] * len(ca_ids))})" if ca_ids else "FALSE"
    return f"{reach} AND {granted}", [*organization, *ca_ids]


def _joined_template(rows: tuple[Any, ...]) -> Template:
    template: Template
    template, template.organization, template.ca, template.role, template.profile = rows
    return template


def ca_certificates(ca: CertificateAuthority) -> QuerySet[CaCertificate]:
    """All certificates of a CA, the preferred one first, then the newest."""
    return CaCertificate.objects.select_related("issuer").filter(ca=ca).order_by("-preferred", "-pk")


def get_ca_certificate(ca: CertificateAuthority, fingerprint: str) -> CaCertificate:
    """The certificate of this CA with this SHA-256 fingerprint, in lower-case hex. Raises NotFound."""
    row = CaCertificate.objects.select_related("issuer", "ca").filter(ca=ca, fingerprint=fingerprint).first()
    if row is None:
        text = _("%(ca)s has no certificate with this fingerprint.")
        raise NotFound(text, code="ca-certificate-not-found", ca=ca.name)
    return row


def trust_anchors(*, visible_to: Actor) -> QuerySet[TrustAnchor]:
    """What is trusted now; nothing for those who are let to single CAs."""
    rows = TrustAnchor.objects.select_related("organization").filter(retired_at__isnull=True).order_by("id")
    return of_whole_organization(rows, visible_to)


def get_trust_anchor(ref: Ref, *, visible_to: Actor) -> TrustAnchor:
    """Raises NotFound."""
    try:
        return trust_anchors(visible_to=visible_to).get(**{ref.by: ref.value})
    except TrustAnchor.DoesNotExist as error:
        raise NotFound(_("There is no such trust anchor."), code="trust-anchor-not-found") from error


def trusted_fingerprints(organization_id: int, fingerprints: Collection[str]) -> frozenset[str]:
    """Those of these certificates that the organization trusts already."""
    rows = TrustAnchor.objects.filter(organization_id=organization_id, retired_at__isnull=True)
    return frozenset(rows.filter(fingerprint__in=fingerprints).values_list("fingerprint", flat=True))


def forbidden_keys(key_hashes: Collection[str], *, organization_id: int) -> frozenset[str]:
    """Those of these keys that may not be certified: they are blocked, or a CA's."""
    if not key_hashes:
        return frozenset()
    sql = _FORBIDDEN_KEYS_SQL.format(places=", ".join(["%s"] * len(key_hashes)))
    once: list[str | int] = [*key_hashes, organization_id]
    with connection.cursor() as cursor:
        cursor.execute(sql, once + once)
        return frozenset(key_hash for (key_hash,) in cursor.fetchall())


def blocked_key(key_hash: str, *, organization_id: int) -> BlockedKey | None:
    """Why a key must not be certified again, in this organization or in all."""
    here = Q(organization_id=organization_id) | Q(organization_id__isnull=True)
    return BlockedKey.objects.filter(here, key_hash=key_hash).first()


def lost_intents(*, at: datetime) -> QuerySet[IssuedSerial]:
    """What was announced before a key outside signed it, and has not been stored in all the time that may take."""
    rows = IssuedSerial.objects.select_related("ca").filter(is_intent=True, created_at__lt=at - _STORING_TAKES)
    return rows.order_by("id")


def _template_not_found(ref: Ref, actor: Actor) -> NotFound:
    if actor.organization_id is None:
        text = _("Template with %(by)s '%(value)s' does not exist")
        return NotFound(text, code="template-not-found", by=ref.by, value=str(ref.value))
    text = _("Template with %(by)s '%(value)s' does not exist in organization '%(organization)s'")
    organization = Organization.objects.get(pk=actor.organization_id).name
    return NotFound(text, code="template-not-found", by=ref.by, value=str(ref.value), organization=organization)
