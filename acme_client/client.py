"""The one who speaks ACME (RFC 8555), for one account: signed questions, and answers that were checked.

Signatures (`request_signing`) and key thumbprints are those of the `acme` library. Its network is not used: every
connection goes by `accounts.outbound`, which judges where it leads and how much comes back.
"""

from __future__ import annotations

import base64
import json
import math
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import josepy as jose
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID

from accounts import outbound
from accounts.said import Said
from acme_client import wire
from acme_client.request_signing import signed_binding, signed_request
from acme_client.wire import AcmeError, Lie
from cas.core.keys import KeyAlgorithm, generate, load_private_key, serialize_private_key
from kernel.secret import Secret

_PATIENCE_SECONDS: Final = 30.0
# A server that takes its time with each answer is not waited for all day.
_PATIENCE_IN_ALL: Final = 90.0
_MOST_NONCES_TRIED: Final = 10
_MOST_CHAINS: Final = 5
_JOSE: Final = "application/jose+json"
_PEM: Final = "application/pem-certificate-chain"


@dataclass(frozen=True, slots=True)
class Server:
    """Which server is asked, whose roots vouch for it (PEM; empty: the public ones), and where behind us it may be."""

    directory_url: str
    roots: str = ""
    private_ranges: Collection[outbound.Network] = ()
    # On whose behalf it is asked.
    organization_id: int | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """The external account that a new one is bound to (RFC 8555 section 7.3.4); the MAC key is base64url."""

    key_id: str
    key: Secret


def new_account_key() -> Secret:
    """A key for an account, as `Client` takes it: ECDSA on P-256, PKCS#8 DER."""
    return serialize_private_key(generate(KeyAlgorithm.ECDSA_P256), encoding="der")


def is_mac_key(key: Secret) -> bool:
    """Whether this is base64url of something."""
    try:
        return bool(_mac_key(key))
    except ValueError:
        return False


def thumbprint(key: Secret) -> str:
    """The second half of every key authorization (RFC 8555 section 8.1)."""
    return _unpadded(_jwk(key).thumbprint())


def certificate_id(certificate: x509.Certificate) -> str:
    """What RFC 9773 section 4.1 calls it: key identifier of its issuer, and serial number. Empty where it has none."""
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_KEY_IDENTIFIER)
    except (x509.ExtensionNotFound, ValueError):
        return ""
    identifier = getattr(extension.value, "key_identifier", None)
    serial = certificate.serial_number
    # DER has a sign bit.
    octets = serial.to_bytes(math.ceil((serial.bit_length() + 1) / 8), "big")
    return f"{_unpadded(identifier)}.{_unpadded(octets)}" if identifier else ""


class Client:
    """An account at a server. Everything raises AcmeError where the server says no or nothing usable, or a minute and a
    half after this was made.

    `account_url` is empty as long as the account is not registered: `register` and `find` say it then.
    """

    def __init__(self, server: Server, key: Secret, *, account_url: str = "") -> None:
        self._server, self._key, self._account_url = server, key, account_url
        self._nonce = ""
        self._until = time.monotonic() + _PATIENCE_IN_ALL

    @cached_property
    def directory(self) -> wire.Directory:
        answer = self._ask("GET", self._server.directory_url)
        return wire.directory(_document(answer))

    def register(self, email: str, binding: Binding | None = None) -> str:
        """The account's URL. A key that is known there already has its old account (RFC 8555 section 7.3)."""
        payload: dict[str, Any] = {"termsOfServiceAgreed": True, "contact": _contact(email)}
        if binding is not None:
            payload["externalAccountBinding"] = self._bound(binding)
        return self._new_account(payload)

    def find(self) -> str:
        """The URL of the account that this key has there; the error is `accountDoesNotExist` where it has none."""
        return self._new_account({"onlyReturnExisting": True})

    def set_contact(self, email: str) -> None:
        self._post(self._account_url, {"contact": _contact(email)})

    def deactivate(self) -> None:
        """Nothing can be done with the account after this (RFC 8555 section 7.3.6)."""
        self._post(self._account_url, {"status": "deactivated"})

    def change_key(self, new: Secret) -> None:
        """The account is the new key's from now on (RFC 8555 section 7.3.5)."""
        url = self._own(self.directory.change_key)
        inner = {"account": self._account_url, "oldKey": _jwk(self._key).public_key().to_partial_json()}
        self._post(url, json.loads(signed_request(json.dumps(inner).encode(), _jwk(new), url)))
        self._key = new

    def place(self, names: Collection[str], *, replaces: str = "") -> wire.RemoteOrder:
        """A new order for these names. `replaces`: the `certificate_id` of the certificate that it follows."""
        payload: dict[str, Any] = {"identifiers": [_identifier(name) for name in names]}
        if replaces and self.directory.renewal_info:
            payload["replaces"] = replaces
        answer = self._post(self._own(self.directory.new_order), payload)
        return self._order(answer, self._own(_header(answer, "Location")))

    def order(self, url: str) -> wire.RemoteOrder:
        return self._order(self._post(url, None), url)

    def authorization(self, url: str) -> wire.RemoteAuthorization:
        answer = self._post(url, None)
        return wire.authorization(_document(answer), url, _pause(answer))

    def answer(self, challenge_url: str) -> None:
        """The proof stands where the server will look: it may come (RFC 8555 section 7.5.1)."""
        self._post(challenge_url, {})

    def finalize(self, url: str, csr: bytes, order_url: str) -> wire.RemoteOrder:
        return self._order(self._post(url, {"csr": _unpadded(csr)}), order_url)

    def download(self, url: str) -> list[str]:
        """The certificate with its chain, in PEM; then the same with every other chain that the server offers."""
        answer = self._post(url, None, accept=_PEM)
        others = wire.alternates(_header(answer, "Link"))[:_MOST_CHAINS]
        answers = [answer, *(self._post(other, None, accept=_PEM) for other in others)]
        return [each.content.decode("ascii", "replace") for each in answers]

    def revoke(self, certificate: bytes, reason: int) -> None:
        """A certificate (DER), for a reason of RFC 5280 section 5.3.1. What is revoked already is `alreadyRevoked`."""
        payload = {"certificate": _unpadded(certificate), "reason": reason}
        self._post(self._own(self.directory.revoke_certificate), payload)

    def renewal_info(self, certificate: x509.Certificate) -> wire.RenewalInfo | None:
        """When the server would like it to be renewed; None where it does not say such things."""
        base, named = self.directory.renewal_info, certificate_id(certificate)
        if not base or not named:
            return None
        answer = self._ask("GET", f"{base.rstrip('/')}/{named}")
        return wire.renewal_info(_document(answer), _pause(answer))

    def _new_account(self, payload: dict[str, Any]) -> str:
        answer = self._post(self._own(self.directory.new_account), payload, by_key=True)
        document = _document(answer)
        if document.get("status", "valid") != "valid":
            raise AcmeError("the account is not active any more", kind="unauthorized", is_final=True)
        self._account_url = self._own(_header(answer, "Location"))
        return self._account_url

    def _bound(self, binding: Binding) -> dict[str, Any]:
        payload = json.dumps(_jwk(self._key).public_key().to_partial_json()).encode()
        url, mac_key = self._own(self.directory.new_account), _mac_key(binding.key)
        document: dict[str, Any] = json.loads(signed_binding(payload, mac_key, url, kid=binding.key_id))
        return document

    def _order(self, answer: outbound.Answer, url: str) -> wire.RemoteOrder:
        return wire.order(_document(answer), url, _pause(answer))

    def _own(self, url: str) -> str:
        """An address that the server has named: on the server itself, or nobody asks it. Raises Lie."""
        there, here = urlsplit(url), urlsplit(self._server.directory_url)
        if (there.scheme, there.netloc) != (here.scheme, here.netloc):
            raise Lie(f"the server names an address elsewhere: {url[:120]!r}")
        return url

    def _post(
        self, url: str, payload: object | None, *, accept: str = "application/json", by_key: bool = False
    ) -> outbound.Answer:
        """`payload` None: POST-as-GET (RFC 8555 section 6.3). A nonce that the server does not like is replaced."""
        content = b"" if payload is None else json.dumps(payload).encode()
        headers = {"Content-Type": _JOSE, "Accept": accept}
        for attempt in range(1, _MOST_NONCES_TRIED + 1):
            kid = None if by_key else self._account_url
            body = signed_request(content, _jwk(self._key), self._own(url), nonce=self._take_nonce(), kid=kid)
            try:
                return self._ask("POST", url, headers=headers, body=body)
            except AcmeError as error:
                if error.kind != "badNonce" or attempt == _MOST_NONCES_TRIED:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _take_nonce(self) -> bytes:
        if not self._nonce:
            self._ask("HEAD", self._own(self.directory.new_nonce))
        text, self._nonce = self._nonce, ""
        try:
            return jose.decode_b64jose(text)
        except (jose.DeserializationError, ValueError) as error:
            raise AcmeError("the server gives no usable nonce") from error

    def _ask(
        self, method: str, url: str, *, headers: Mapping[str, str] = outbound.NO_HEADERS, body: bytes | None = None
    ) -> outbound.Answer:
        left = self._until - time.monotonic()
        if left <= 0:
            raise AcmeError("the server takes too long")
        try:
            answer = outbound.ask(
                self._own(url),
                method=method,
                headers=headers,
                body=body,
                private_ranges=self._server.private_ranges,
                organization_id=self._server.organization_id,
                patience=min(_PATIENCE_SECONDS, left),
                roots=self._server.roots,
            )
        except outbound.OutboundError as error:
            raise AcmeError(Said(error.text)) from error
        self._nonce = _header(answer, "Replay-Nonce")
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise _refusal(answer)
        return answer


def _jwk(key: Secret) -> jose.JWK:
    private_key = load_private_key(key, trusted=True)
    if not isinstance(private_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the keys of accounts are ECDSA keys")
    return jose.JWKEC(key=private_key)


def _mac_key(key: Secret) -> bytes:
    """Raises ValueError. Providers show it with and without padding, some in the other alphabet of base64."""
    text = key.reveal().decode("ascii").strip().rstrip("=").translate(str.maketrans("+/", "-_"))
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _identifier(name: str) -> dict[str, str]:
    is_address = ":" in name or name.rpartition(".")[2].isdigit()
    return {"type": "ip" if is_address else "dns", "value": name}


def _contact(email: str) -> list[str]:
    return [f"mailto:{email}"] if email else []


def _unpadded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode("ascii").rstrip("=")


def _header(answer: outbound.Answer, name: str) -> str:
    return next((value for key, value in answer.headers.items() if key.lower() == name.lower()), "")


def _pause(answer: outbound.Answer) -> timedelta | None:
    return wire.pause(_header(answer, "Retry-After"), datetime.now(UTC))


def _document(answer: outbound.Answer) -> dict[str, Any]:
    document = _json(answer.content)
    if document is None:
        raise AcmeError("the answer of the server is no JSON object")
    return document


def _refusal(answer: outbound.Answer) -> AcmeError:
    # A proxy in front of it answers with a page.
    return wire.problem(_json(answer.content) or {}, answer.status, _pause(answer))


def _json(content: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
