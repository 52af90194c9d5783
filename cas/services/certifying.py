"""Steps from a wish to a signed CA certificate: every root, intermediate and cross-certificate is made by these two."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509 import ExtendedKeyUsage, NameConstraints

from cas import keystore
from cas.chains import certificates_of, lock_chain, require_able_to_sign
from cas.core.authority import AuthorityWish, plan_authority
from cas.core.reading import extension_of
from cas.core.signing import LintedDraft, prepare, sign_certificate
from cas.guards import require_sealed_log
from cas.models import CertificateAuthority, IssuedSerial
from cas.services.restrictions import require_allowed, restriction_of
from cas.services.serials import new_serial, reserve_serial, shard_of
from kernel.actor import Actor
from kernel.secret import Secret


def draft_certificate(
    wish: AuthorityWish,
    *,
    issuer: CertificateAuthority | None,
    now: datetime,
    forbidden_keys: Container[str] = (),
) -> LintedDraft:
    """Lock the issuer's chain, judge the wish against it, and draft; `issuer` None is a CA that signs itself.

    Raises Invalid with every violation, Unavailable (the issuer is not in service).
    """
    require_sealed_log(now)
    serial = new_serial()
    facts = None
    if issuer is not None:
        chain = lock_chain(issuer.pk)
        require_able_to_sign(chain)
        facts = certificates_of(chain).facts(shard=shard_of(serial, issuer))
    return prepare(plan_authority(issuer=facts, wish=wish, serial=serial, now=now, forbidden_keys=forbidden_keys))


def certify(
    actor: Actor,
    draft: LintedDraft,
    *,
    signing_ca: CertificateAuthority,
    kind: IssuedSerial.Kind,
    passphrase: Secret | None,
    is_new: bool = False,
) -> x509.Certificate:
    """Reserve the serial for exactly this draft, and let the CA sign it. `is_new`: the CA is not committed yet.

    Raises Invalid, Denied (the actor's issuance policy), Unavailable (no key, locked), WrongPassphrase, TooMany,
    Conflict.
    """
    plan = draft.plan
    require_allowed(restriction_of(actor), plan, ca_id=signing_ca.pk if plan.issuer else None)
    reserve_serial(
        signing_ca,
        plan.serial,
        kind,
        not_after=plan.not_after,
        tbs_sha256=draft.tbs_sha256,
        shard=shard_of(plan.serial, signing_ca) if plan.issuer else 0,
        is_new=is_new,
    )
    with keystore.open_signer(signing_ca, passphrase=passphrase, for_itself=plan.issuer is None) as signer:
        return sign_certificate(draft, signer)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a CA certificate allows, as a wish spells it."""

    permitted: tuple[x509.GeneralName, ...]
    excluded: tuple[x509.GeneralName, ...]
    extended_key_usage: tuple[x509.ObjectIdentifier, ...]


def limits_of(certificate: x509.Certificate) -> Limits:
    names = extension_of(certificate.extensions, NameConstraints)
    return Limits(
        permitted=tuple((names.permitted_subtrees if names else None) or ()),
        excluded=tuple((names.excluded_subtrees if names else None) or ()),
        extended_key_usage=tuple(extension_of(certificate.extensions, ExtendedKeyUsage) or ()),
    )
