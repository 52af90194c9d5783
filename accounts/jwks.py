"""The public keys of an issuer: fetched through the guard, kept in its row, and asked for again when one is missing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from django.db.models import Q
from django.utils import timezone

from accounts.oidc_models import OidcIssuer
from accounts.outbound import OutboundError, fetch_json
from accounts.selectors import private_ranges_of

log = logging.getLogger(__name__)

# Asked for again when they are this old; good for so long where nobody answers; and never asked for more often.
FRESH: Final = timedelta(minutes=10)
LONGEST: Final = timedelta(hours=24)
PAUSE: Final = timedelta(seconds=30)
MOST_KEYS: Final = 64

# Signatures alone: with "none" and HMAC a token would be signed by nobody, or by whoever has the public key.
_KEY_TYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
ALGORITHMS: Final = tuple(_KEY_TYPES)
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_SMALLEST_RSA: Final = 2048
_PUBLIC_MEMBERS: Final = ("kty", "kid", "use", "alg", "key_ops", "crv", "x", "y", "n", "e")
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey


def key_for(issuer: OidcIssuer, kid: str | None, algorithm: str) -> PublicKey | None:
    """The issuer's key of this name for this algorithm, its only one that fits where the token names none; else None.

    The keys are asked for again when they are old or this one is not among them, at most every `PAUSE` over all
    processes. Where nobody answers, those that are there stay good for `LONGEST`. To be called outside a transaction.
    """
    now = timezone.now()
    key = _find(issuer, kid, algorithm)
    if (key is None or _age(issuer, now) > FRESH) and _take_turn(issuer, now):
        refresh_keys(issuer)
        key = _find(issuer, kid, algorithm)
    elif key is None:
        # Somebody else has asked a moment ago, and may have been answered by now.
        issuer.refresh_from_db(fields=["keys", "keys_fetched_at"])
        key = _find(issuer, kid, algorithm)
    return key if _age(issuer, timezone.now()) <= LONGEST else None


def refresh_keys(issuer: OidcIssuer) -> None:
    """Ask the issuer for its keys now. What went wrong stands in `keys_error`, and those that are there stay."""
    try:
        keys = _fetch(issuer)
    except OutboundError as error:
        log.warning("The keys of %s could not be fetched: %s", issuer.issuer, error)
        OidcIssuer.objects.filter(pk=issuer.pk).update(keys_tried_at=timezone.now(), keys_error=str(error)[:200])
        issuer.keys_error = str(error)[:200]
        return
    now = timezone.now()
    issuer.keys, issuer.keys_fetched_at, issuer.keys_tried_at, issuer.keys_error = keys, now, now, ""
    issuer.save(update_fields=["keys", "keys_fetched_at", "keys_tried_at", "keys_error"])


def _fetch(issuer: OidcIssuer) -> list[dict[str, Any]]:
    """By way of its configuration (OpenID Connect Discovery 1.0 section 4). Raises OutboundError."""
    ranges = private_ranges_of(issuer.organization_id)
    behalf: dict[str, Any] = {"private_ranges": ranges, "organization_id": issuer.organization_id}
    found = fetch_json(issuer.issuer.rstrip("/") + "/.well-known/openid-configuration", **behalf)
    if found.get("issuer") != issuer.issuer:
        raise OutboundError("the configuration that was found there is another issuer's")
    address = found.get("jwks_uri")
    if not isinstance(address, str):
        raise OutboundError("the configuration names no keys")
    keys = fetch_json(address, **behalf).get("keys")
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise OutboundError("what is found at the address of the keys is no set of keys")
    usable = [_public(key) for key in keys if isinstance(key, dict) and _may_sign(key)]
    if not usable:
        raise OutboundError("there is no key among them that signs")
    return usable


def _may_sign(key: Mapping[str, Any]) -> bool:
    """Made for signatures, as far as it says (RFC 7517 4.2, 4.3), and public: a shared secret is in nobody's set."""
    operations = key.get("key_ops")
    made_for = key.get("use", "sig") == "sig" and (not isinstance(operations, list) or "verify" in operations)
    return made_for and key.get("kty") in set(_KEY_TYPES.values())


def _public(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: key[name] for name in _PUBLIC_MEMBERS if name in key}


def _find(issuer: OidcIssuer, kid: str | None, algorithm: str) -> PublicKey | None:
    fitting = [key for key in issuer.keys if _fits(key, kid, algorithm)]
    return _loaded(fitting[0], algorithm) if len(fitting) == 1 else None


def _fits(key: Mapping[str, Any], kid: str | None, algorithm: str) -> bool:
    return (
        (kid is None or key.get("kid") == kid)
        and key.get("kty") == _KEY_TYPES[algorithm]
        and key.get("alg", algorithm) == algorithm
        and key.get("crv") in (_CURVES.get(algorithm), *(("Ed25519", "Ed448") if algorithm == "EdDSA" else ()))
    )


def _loaded(key: Mapping[str, Any], algorithm: str) -> PublicKey | None:
    try:
        loaded = jwt.PyJWK(dict(key), algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(loaded, rsa.RSAPublicKey) and loaded.key_size < _SMALLEST_RSA:
        return None
    return loaded if isinstance(loaded, PublicKey) else None


def _age(issuer: OidcIssuer, now: datetime) -> timedelta:
    return now - issuer.keys_fetched_at if issuer.keys_fetched_at else timedelta.max


def _take_turn(issuer: OidcIssuer, now: datetime) -> bool:
    """Whether this process is the one that asks."""
    idle = Q(keys_tried_at=None) | Q(keys_tried_at__lt=now - PAUSE)
    return bool(OidcIssuer.objects.filter(idle, pk=issuer.pk).update(keys_tried_at=now))
