"""The same wish, to be typed in a terminal."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import GeneralName, Name
from django.conf import settings

from cas.core.csr import CsrFacts
from cas.core.general_names import NameKind, general_name_text, kind_of
from cas.core.keys import KeyAlgorithm, KeyFamily
from cas.core.names import name_to_mapping
from cas.models import Template
from certificates.orders import IssueOrder, Managed

_CURVES: Final = {
    KeyAlgorithm.ECDSA_P256: "P-256",
    KeyAlgorithm.ECDSA_P384: "P-384",
    KeyAlgorithm.ECDSA_P521: "P-521",
}
_SAN_TYPES: Final = {NameKind.DNS: "DNS", NameKind.IP: "IP", NameKind.EMAIL: "email", NameKind.URI: "URI"}


def openssl_command(order: IssueOrder, template: Template) -> str:
    """Makes a key, and a request for what the order asks for."""
    named = order.key.algorithm if isinstance(order.key, Managed | CsrFacts) else None
    algorithm = named or KeyAlgorithm(template.key_algorithm)
    subject, sans = _names(order)
    parts = ["openssl", "req", "-new", *_new_key(algorithm), "-keyout", "key.pem", "-out", "request.csr"]
    parts += ["-subj", "".join(f"/{each.rfc4514_attribute_name}={_escaped(each.value)}" for each in subject) or "/"]
    if sans:
        parts += ["-addext", "subjectAltName=" + ",".join(_san(name) for name in sans)]
    return shlex.join(parts)


def curl_command(order: IssueOrder) -> str:
    """Asks the native API for it, with the key in an environment variable."""
    body = json.dumps(_body(order), ensure_ascii=False, indent=2)
    address = f"{settings.BASE_URL}/api/v2/certificates"
    json_type = shlex.quote("Content-Type: application/json")
    return f'curl {address} -H "Authorization: Bearer $API_KEY" -H {json_type} -d {shlex.quote(body)}'


def _new_key(algorithm: KeyAlgorithm) -> list[str]:
    match algorithm.family:
        case KeyFamily.RSA:
            kind = ["-newkey", f"rsa:{algorithm.value.removeprefix('RSA_')}"]
        case KeyFamily.ECDSA:
            kind = ["-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{_CURVES[algorithm]}"]
        case KeyFamily.ED25519:
            kind = ["-newkey", "ed25519"]
        case KeyFamily.ML_DSA:
            kind = ["-newkey", algorithm.value.replace("_", "-")]
    return [*kind, "-nodes"]


def _names(order: IssueOrder) -> tuple[Name, Sequence[GeneralName]]:
    csr = order.key if isinstance(order.key, CsrFacts) else None
    subject = order.subject if order.subject is not None else csr.subject if csr else Name([])
    sans = order.sans if order.sans is not None else csr.sans if csr else ()
    return subject, [name for name in sans if kind_of(name) in _SAN_TYPES]


def _escaped(value: str | bytes) -> str:
    text = value if isinstance(value, str) else value.hex()
    return text.replace("\\", "\\\\").replace("/", "\\/")


def _san(name: GeneralName) -> str:
    return f"{_SAN_TYPES[kind_of(name)]}:{general_name_text(name)}"


def _body(order: IssueOrder) -> dict[str, Any]:
    body: dict[str, Any] = {"template_code": order.template}
    if isinstance(order.key, CsrFacts):
        body["csr"] = order.key.request.public_bytes(Encoding.PEM).decode()
    elif isinstance(order.key, Managed) and order.key.algorithm:
        body["key_algorithm"] = order.key.algorithm.value
    if order.subject is not None and order.subject.rdns:
        body["subject"] = name_to_mapping(order.subject)
    if order.sans:
        body["sans"] = [f"{kind_of(name)}:{general_name_text(name)}" for name in order.sans]
    if order.validity is not None:
        body["validity_days"] = order.validity.days
    if order.tags:
        body["tags"] = list(order.tags)
    if order.description:
        body["description"] = order.description
    return body
