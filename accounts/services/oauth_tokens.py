"""What applications show: looked up, made, used, given back, forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from accounts import oauth_scopes, tokens
from accounts.grants import held, narrowed
from accounts.models import (
    CustomRole,
    Membership,
    OAuthClient,
    OAuthConsent,
    OAuthConsentCa,
    OAuthDevice,
    OAuthToken,
    User,
)
from accounts.rows import select_together
from accounts.services.credentials import digest_key
from accounts.services.oauth_consents import REFRESH_LIFETIME
from accounts.services.people import member_permissions
from kernel.actor import Actor, ActorKind
from kernel.errors import Unauthenticated
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

PREFIX: Final = "cm_oauth_"
ACCESS_LIFETIME: Final = timedelta(hours=1)
_LAST_USE_RESOLUTION: Final = timedelta(minutes=1)
# How long codes and devices that have ended are remembered, so that a second use is told from nonsense.
_REMEMBERED: Final = timedelta(days=1)
_FIND_SQL: Final = """
    JOIN accounts_oauthconsent ON accounts_oauthconsent.id = accounts_oauthtoken.consent_id
    JOIN accounts_oauthclient ON accounts_oauthclient.id = accounts_oauthconsent.client_id
    JOIN accounts_user ON accounts_user.id = accounts_oauthconsent.user_id
    LEFT JOIN accounts_membership ON accounts_membership.user_id = accounts_oauthconsent.user_id
        AND accounts_membership.organization_id = accounts_oauthconsent.organization_id
    LEFT JOIN accounts_customrole ON accounts_customrole.id = accounts_membership.custom_role_id
    LEFT JOIN accounts_oauthconsentca ON accounts_oauthconsentca.consent_id = accounts_oauthconsent.id
    WHERE accounts_oauthtoken.digest = %s AND accounts_oauthtoken.kind = %s
"""
_TABLES: Final = (OAuthToken, OAuthConsent, OAuthClient, User, Membership, CustomRole, OAuthConsentCa)


@dataclass(frozen=True, slots=True)
class Found:
    """A token, the consent behind it, and what its person may do now."""

    token: OAuthToken
    consent: OAuthConsent
    rights: frozenset[Permission]
    cas: Sequence[OAuthConsentCa]

    @property
    def is_alive(self) -> bool:
        """Whether the consent still stands: not withdrawn, a client that is not revoked, a person with rights."""
        return self.consent.is_open and self.consent.client.revoked_at is None and bool(self.rights)


def authenticate_access_token(token: Secret, *, path: str, ip: str | None, trace_id: str = "") -> Actor:
    """The actor that an access token stands for, at this path: what its consent allows AND what the person may do now.

    Raises Unauthenticated, always with the same words.
    """
    found = find(token, OAuthToken.Kind.ACCESS)
    if found is None or not found.is_alive or not found.token.is_good:
        raise _refused()
    if not oauth_scopes.is_for(found.token.resource, path):
        raise _refused()
    consent = found.consent
    allowed = found.rights & oauth_scopes.permissions_of(found.token.scopes)
    grants = narrowed(found.cas, allowed) if consent.is_per_ca else None
    _note_use(consent, timezone.now(), ip)
    return replace(
        acting_for(consent, ip=ip, trace_id=trace_id),
        permissions=allowed if grants is None else held(grants),
        grants=grants,
        expires_at=found.token.expires_at,
    )


def acting_for(consent: OAuthConsent, *, ip: str | None, trace_id: str) -> Actor:
    """The application in the name of its person, without any rights yet."""
    return Actor(
        kind=ActorKind.OAUTH_CLIENT,
        id=consent.pk,
        label=f"{consent.client.name} · {consent.user.email}",
        organization_id=consent.organization_id,
        permissions=frozenset(),
        person_id=consent.user_id,
        maker_id=consent.maker_id,
        ip=ip,
        trace_id=trace_id,
    )


def find(token: Secret, kind: OAuthToken.Kind) -> Found | None:
    """The one query of a token, by its keyed hash; its end and its consent's are for the caller to judge."""
    found = select_together(_TABLES, _FIND_SQL, [tokens.digest(token, digest_key()), kind])
    if not found:
        return None
    row, consent, client, user, membership, role, _ca = found[0]
    if role is not None:
        membership.custom_role = role
    consent.client, consent.user, row.consent = client, user, consent
    cas = [ca for *_rest, ca in found if ca is not None]
    return Found(row, consent, member_permissions(user, membership), cas)


def find_to_use(token: Secret, kind: OAuthToken.Kind) -> Found | None:
    """A step: the same, with its consent locked, so that of two who use it at once the second sees the first."""
    seen = find(token, kind)
    if seen is None:
        return None
    OAuthConsent.objects.select_for_update().get(pk=seen.consent.pk)
    return find(token, kind)


def keep_tokens(
    consent: OAuthConsent, texts: Mapping[OAuthToken.Kind, str], *, scopes: Sequence[str], resource: str
) -> None:
    """A step: an access token for an hour, and a refresh token for thirty days with the scopes of the consent."""
    now = timezone.now()
    ends = {OAuthToken.Kind.ACCESS: now + ACCESS_LIFETIME, OAuthToken.Kind.REFRESH: now + REFRESH_LIFETIME}
    OAuthToken.objects.bulk_create(
        OAuthToken(
            organization_id=consent.organization_id,
            consent=consent,
            kind=kind,
            digest=tokens.digest(Secret(text), digest_key()),
            scopes=list(scopes) if kind == OAuthToken.Kind.ACCESS else consent.scopes,
            resource=resource if kind == OAuthToken.Kind.ACCESS else consent.resource,
            expires_at=ends[kind],
        )
        for kind, text in texts.items()
    )
    OAuthConsent.objects.filter(pk=consent.pk).update(expires_at=ends[OAuthToken.Kind.REFRESH])


def end(token: OAuthToken | OAuthDevice) -> None:
    """A step: it is used, or given back."""
    token.ended_at = timezone.now()
    token.save(update_fields=["ended_at"])


def end_consent(consent: OAuthConsent) -> None:
    """A step: and with it all that was given by it."""
    consent.revoked_at = timezone.now()
    OAuthConsent.objects.filter(pk=consent.pk, revoked_at=None).update(revoked_at=consent.revoked_at)


def forget_ended() -> int:
    """Tokens, codes and devices whose time is over. How many went."""
    now = timezone.now()
    devices = OAuthDevice.objects.filter(expires_at__lt=now - _REMEMBERED).delete()[0]
    codes = OAuthToken.objects.filter(kind=OAuthToken.Kind.CODE, expires_at__lt=now - _REMEMBERED)
    others = OAuthToken.objects.exclude(kind=OAuthToken.Kind.CODE).filter(expires_at__lt=now)
    return devices + codes.delete()[0] + others.delete()[0]


def _note_use(consent: OAuthConsent, now: datetime, ip: str | None) -> None:
    if consent.last_used_at is None or now - consent.last_used_at > _LAST_USE_RESOLUTION:
        OAuthConsent.objects.filter(pk=consent.pk).update(last_used_at=now, last_used_ip=ip)


def _refused() -> Unauthenticated:
    return Unauthenticated(_("The access token is not valid."), code="invalid-token")
