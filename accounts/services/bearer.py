"""Access tokens of issuers elsewhere, turned into actors (RFC 6750, RFC 9068, OpenID Connect Core 1.0).

What a token says of itself counts for nothing before its signature has been verified by a key of an issuer that an
organization has configured, by an algorithm that it has configured. Its issuer and audience say whose it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from django.utils import timezone

from accounts import jwks
from accounts.models import ExternalIdentity, Membership, User
from accounts.oidc_models import MachineIdentity, OidcIssuer
from accounts.roles import ONLY_BY_HAND
from accounts.services import service_logins
from accounts.services.external_identities import find_identity, is_news, recognize, role_for
from accounts.services.people import member_permissions
from kernel.actor import Actor, ActorKind
from kernel.errors import Denied, Unauthenticated
from kernel.limits import text_errors
from kernel.permissions import Permission
from kernel.secret import Secret
from kernel.text import _

LONGEST_TOKEN: Final = 16_384
LEEWAY: Final = timedelta(seconds=30)
_MOST_AUDIENCES: Final = 20
_LONGEST_CLAIM: Final = 300
_LATEST: Final = 253_402_300_799  # the last second of the year 9999
# An ID token says `JWT` or nothing; everything else that a JWT can be made for is no credential.
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_LAST_USE_RESOLUTION: Final = timedelta(minutes=1)


def looks_like_jwt(token: Secret) -> bool:
    """Whether this has the shape of one (RFC 7515 section 7.1), which none of our own tokens has."""
    return _COMPACT.fullmatch(token.reveal().decode(errors="replace")) is not None


def authenticate_bearer(token: Secret, *, nobody: Actor) -> Actor:
    """The person or the service account that a token of a configured issuer is about, in its organization alone.

    `nobody` is who asks, before it is known who that is. A person has what the membership allows now, and of that no
    more than the role that this very token claims. To be called outside a transaction: keys may be fetched.
    Raises Unauthenticated, always with the same words: which part was wrong is nobody's business.
    """
    try:
        issuer, claims = _verified(token.reveal().decode(errors="replace"))
        actor = _machine(issuer, claims, nobody) or _person(issuer, claims, nobody)
        return replace(actor, expires_at=datetime.fromtimestamp(claims["exp"], tz=UTC))
    except (jwt.PyJWTError, _NotGood, Unauthenticated) as error:
        raise Unauthenticated(_("The token is not valid."), code="invalid-token") from error


class _NotGood(Exception):
    """Why, for whoever debugs; it does not leave this module."""


def _verified(token: str) -> tuple[OidcIssuer, Mapping[str, Any]]:
    """Raises PyJWTError, _NotGood."""
    if len(token) > LONGEST_TOKEN:
        raise _NotGood("too long")
    header, unverified = _header(token), _claims(token)
    issuer = _issuer_of(unverified)
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in issuer.algorithms or algorithm not in jwks.ALGORITHMS:
        raise _NotGood("signed in a way that is not configured")
    key = jwks.key_for(issuer, kid if isinstance(kid, str) else None, algorithm)
    if key is None:
        raise _NotGood("no key of the issuer fits")
    claims: dict[str, Any] = jwt.decode(
        token,
        key=key,
        algorithms=[algorithm],
        issuer=issuer.issuer,
        audience=issuer.audience,
        leeway=LEEWAY,
        options={"require": ["iss", "sub", "aud", "exp", "iat"]},
    )
    return issuer, claims


def _header(token: str) -> dict[str, Any]:
    header = jwt.get_unverified_header(token)
    kind = header.get("typ", "jwt")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise _NotGood("made for something else")
    if "crit" in header or "b64" in header:
        raise _NotGood("with extensions that nobody here knows")
    return header


def _claims(token: str) -> dict[str, Any]:
    """Not verified yet; of such a form that verifying them breaks nothing. Raises PyJWTError, _NotGood."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except RecursionError as error:
        raise _NotGood("too deep") from error
    if "cnf" in claims:
        raise _NotGood("bound to a key that was not shown (RFC 7800)")
    for name in ("iat", "exp", "nbf"):
        moment = claims.get(name, 1 if name == "nbf" else None)
        if not isinstance(moment, int | float) or not 0 < moment <= _LATEST:
            raise _NotGood("of no time")
    if not _is_text(claims.get("sub")):
        raise _NotGood("about nobody")
    return claims


def _issuer_of(claims: Mapping[str, Any]) -> OidcIssuer:
    """The one that the token names, for the audience that it names: exactly one, or it could be meant for either."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if len(audiences) > _MOST_AUDIENCES or not all(_is_text(each) for each in (claims.get("iss"), *audiences)):
        raise _NotGood("of no issuer, or for nobody or too many")
    found = list(OidcIssuer.objects.filter(issuer=claims["iss"], audience__in=audiences, is_active=True)[:2])
    if len(found) != 1:
        raise _NotGood("of nobody who is known, or of several")
    return found[0]


def _is_text(value: object) -> bool:
    """Something that can stand in a row."""
    return isinstance(value, str) and not text_errors("claim", value, longest=_LONGEST_CLAIM, required=True)


def _machine(issuer: OidcIssuer, claims: Mapping[str, Any], nobody: Actor) -> Actor | None:
    row = MachineIdentity.objects.filter(issuer=issuer, subject=claims["sub"]).first()
    if row is None:
        return None
    actor = service_logins.signed_in(
        row.service_account_id, maker_id=row.maker_id, ip=nobody.ip, trace_id=nobody.trace_id
    )
    _note_use(row)
    return actor


def _person(issuer: OidcIssuer, claims: Mapping[str, Any], nobody: Actor) -> Actor:
    """Raises _NotGood."""
    identity = find_identity(issuer, claims["sub"])
    if identity is None or (not identity.is_bound_by_hand and is_news(identity, claims)):
        # Another token of the same person may come in at the same moment: what counts is who it is now.
        with suppress(Denied):
            recognize(actor=nobody, provider=issuer, claims=_with_email(issuer, claims))
        identity = find_identity(issuer, claims["sub"])
    if identity is None:
        raise _NotGood("nobody")
    user = identity.user
    permissions = _rights(issuer, identity, user, claims)
    if not permissions or user.is_superuser:
        raise _NotGood("somebody without rights, or with more than an organization gives")
    _note_use(identity)
    return Actor(
        kind=ActorKind.USER,
        id=user.pk,
        label=user.email,
        organization_id=issuer.organization_id,
        permissions=permissions,
        person_id=user.pk,
        maker_id=identity.maker_id,
        ip=nobody.ip,
        trace_id=nobody.trace_id,
    )


def _rights(
    issuer: OidcIssuer, identity: ExternalIdentity, user: User, claims: Mapping[str, Any]
) -> frozenset[Permission]:
    """What the membership allows now; unless that was bound by hand, no more than this token's role, and no office."""
    rows = Membership.objects.select_related("custom_role").filter(organization_id=issuer.organization_id, user=user)
    permissions = member_permissions(user, rows.first())
    if identity.is_bound_by_hand:
        return permissions
    if permissions & ONLY_BY_HAND:
        return frozenset()
    if not (issuer.role_map or issuer.default_role):
        return permissions
    role = role_for(issuer, claims)
    return permissions & role.permissions if role else frozenset()


def _with_email(issuer: OidcIssuer, claims: Mapping[str, Any]) -> dict[str, Any]:
    return {**claims, "email": claims.get(issuer.email_claim)}


def _note_use(row: ExternalIdentity | MachineIdentity) -> None:
    now = timezone.now()
    if row.last_used_at is None or now - row.last_used_at > _LAST_USE_RESOLUTION:
        type(row).objects.filter(pk=row.pk).update(last_used_at=now)
