"""CA keys on a PKCS#11 token: RSA and EC keys that never leave it.

Which module, token and PIN is said by the settings, never by a tenant. A row refers to its key by CKA_ID and label.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import quote, unquote, unquote_to_bytes

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cas.backends.pkcs11_signing import signature
from cas.backends.token import library, require_configured, session
from cas.core.keys import KeyAlgorithm, KeyFamily, PublicKey, supported
from cas.models import CaKey
from kernel.errors import Invalid, Unavailable
from kernel.text import _

_SCHEME: Final = "pkcs11:"
_RSA_SIZES: Final = {KeyAlgorithm.RSA_2048: 2048, KeyAlgorithm.RSA_3072: 3072, KeyAlgorithm.RSA_4096: 4096}
_CURVES: Final = {
    KeyAlgorithm.ECDSA_P256: "secp256r1",
    KeyAlgorithm.ECDSA_P384: "secp384r1",
    KeyAlgorithm.ECDSA_P521: "secp521r1",
}

TokenPublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key on the token: it is looked for when it is to sign."""

    public_key: TokenPublicKey = field(repr=False)
    reference: str

    def sign(self, data: bytes) -> bytes:
        """Raises Unavailable."""
        with session() as open_session:
            return signature(_private_key(open_session, self.reference), self.public_key, data)

    def health(self) -> None:
        """Raises Unavailable where the token or the key on it cannot be found."""
        with session() as open_session:
            _private_key(open_session, self.reference)


def open_key(row: CaKey) -> TokenKey:
    """Raises Unavailable where no token is configured."""
    require_configured()
    public_key = supported(load_der_public_key(bytes(row.public_key)))
    return TokenKey(cast(TokenPublicKey, public_key), row.reference)


def generate(algorithm: KeyAlgorithm) -> tuple[PublicKey, str]:
    """A new key pair on the token, and the reference to it.

    Raises Invalid on `key_algorithm` for kinds of keys that a token does not make, Unavailable.
    """
    if algorithm.family not in (KeyFamily.RSA, KeyFamily.ECDSA):
        text = _("A PKCS#11 token holds RSA and ECDSA keys, not %(algorithm)s.")
        raise Invalid.of("key_algorithm", "not-on-token", text, algorithm=algorithm.value)
    name = uuid.uuid4()
    label = f"chancery-{name}"
    with session() as open_session:
        public, _private = _generate_pair(open_session, algorithm, id=name.bytes, label=label)
        return _spoken(public), _reference(id=name.bytes, label=label)


def find(*, label: str, identifier: bytes) -> tuple[PublicKey, str]:
    """The key pair of this label or CKA_ID, and the reference to it.

    Raises Invalid on `token_key` where there is none, more than one, or one of no algorithm of ours; Unavailable.
    """
    pkcs11 = library()
    if not label and not identifier:
        raise Invalid.of("token_key", "required", _("A key on the token is named by its label or its identifier."))
    with session() as open_session:
        found = _objects(open_session, pkcs11.ObjectClass.PRIVATE_KEY, label=label, identifier=identifier)
        if len(found) != 1:
            text = _("%(count)s private keys on the token have this label and this identifier; it must be one.")
            raise Invalid.of("token_key", "not-one-key", text, count=len(found))
        own_id, own_label = bytes(found[0].id or b""), str(found[0].label or "")
        public = _objects(open_session, pkcs11.ObjectClass.PUBLIC_KEY, label=own_label, identifier=own_id)
        if len(public) != 1:
            raise Invalid.of("token_key", "no-public-key", _("The token holds no public key beside this private key."))
        return supported(_spoken(public[0]), field="token_key"), _reference(id=own_id, label=own_label)


def destroy(reference: str) -> None:
    """Remove the key pair, for good. Raises Unavailable."""
    pkcs11 = library()
    names = _names(reference)
    with session() as open_session:
        for kind in (pkcs11.ObjectClass.PRIVATE_KEY, pkcs11.ObjectClass.PUBLIC_KEY):
            for found in _objects(open_session, kind, label=names["label"], identifier=names["id"]):
                found.destroy()


def _generate_pair(open_session: Any, algorithm: KeyAlgorithm, *, id: bytes, label: str) -> Any:  # noqa: A002
    """Public and private key objects. The private one signs, and nothing else; it cannot be taken out."""
    pkcs11 = library()
    wanted = {
        "id": id,
        "label": label,
        "store": True,
        "capabilities": pkcs11.MechanismFlag.SIGN | pkcs11.MechanismFlag.VERIFY,
        "private_template": {pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False},
    }
    if algorithm in _RSA_SIZES:
        return open_session.generate_keypair(pkcs11.KeyType.RSA, _RSA_SIZES[algorithm], **wanted)
    curve = {pkcs11.Attribute.EC_PARAMS: pkcs11.util.ec.encode_named_curve_parameters(_CURVES[algorithm])}
    return open_session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True).generate_keypair(**wanted)


def _private_key(open_session: Any, reference: str) -> Any:
    names = _names(reference)
    kind = library().ObjectClass.PRIVATE_KEY
    found = _objects(open_session, kind, label=names["label"], identifier=names["id"])
    if len(found) != 1:
        raise Unavailable(_("The key %(reference)s is not on the token."), code="key-not-on-token", reference=reference)
    return found[0]


def _objects(open_session: Any, kind: Any, *, label: str, identifier: bytes) -> list[Any]:
    attribute = library().Attribute
    wanted: dict[Any, Any] = {attribute.CLASS: kind}
    if label:
        wanted[attribute.LABEL] = label
    if identifier:
        wanted[attribute.ID] = identifier
    return list(open_session.get_objects(wanted))


def _spoken(public: Any) -> PublicKey:
    """The token's public key as a key of ours."""
    pkcs11 = library()
    if public.key_type == pkcs11.KeyType.RSA:
        modulus, exponent = public[pkcs11.Attribute.MODULUS], public[pkcs11.Attribute.PUBLIC_EXPONENT]
        return rsa.RSAPublicNumbers(int.from_bytes(exponent), int.from_bytes(modulus)).public_key()
    return cast(PublicKey, load_der_public_key(pkcs11.util.ec.encode_ec_public_key(public)))


def _reference(*, id: bytes, label: str) -> str:  # noqa: A002  the word of RFC 7512
    """A PKCS#11 URI (RFC 7512) without the token, which the settings name."""
    parts = [f"id={''.join(f'%{octet:02x}' for octet in id)}" if id else "", f"object={quote(label)}" if label else ""]
    return _SCHEME + ";".join(part for part in parts if part)


def _names(reference: str) -> dict[str, Any]:
    pairs = dict(part.partition("=")[::2] for part in reference.removeprefix(_SCHEME).split(";"))
    return {"id": unquote_to_bytes(pairs.get("id", "")), "label": unquote(pairs.get("object", ""))}
