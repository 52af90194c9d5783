"""What roles and templates begin with where somebody says what they are for: suggestions to be changed before they are
saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from cas.core.keys import KeyAlgorithm, KeyFamily
from kernel.text import _

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Preset:
    """Fields of a role's order and of a template's, under a short name and a label to be translated."""

    name: str
    label: str
    role: Mapping[str, Any]
    template: Mapping[str, Any]


_POST_QUANTUM: Final = tuple(each.value for each in KeyAlgorithm if each.family is KeyFamily.ML_DSA)
_SERVER: Final = {"code": "web-tls", "extended_key_usage": ("server_auth",), "key_usage": ("digital_signature",)}

PRESETS: Final = tuple(
    Preset(name, label, MappingProxyType(role), MappingProxyType(template))
    for name, label, role, template in (
        (
            "tls-server",
            _("TLS server"),
            {"name": "web", "allow_subdomains": True, "max_ttl": 397 * _DAY},
            {**_SERVER, "name": "TLS server", "key_algorithm": KeyAlgorithm.ECDSA_P256, "validity": 90 * _DAY},
        ),
        (
            "tls-client",
            _("TLS client"),
            {
                "name": "clients",
                "allow_any_name": True,
                "allow_dns_sans": False,
                "allow_email_sans": True,
                "common_name": "required",
                "max_ttl": 397 * _DAY,
            },
            {
                "code": "tls-client",
                "name": "TLS client",
                "key_algorithm": KeyAlgorithm.ECDSA_P256,
                "validity": 365 * _DAY,
                "key_usage": ("digital_signature",),
                "extended_key_usage": ("client_auth",),
            },
        ),
        (
            "device",
            _("Device"),
            {"name": "devices", "allow_subdomains": True, "allow_ip_sans": True, "max_ttl": 825 * _DAY},
            {
                "code": "device",
                "name": "Device",
                "key_algorithm": KeyAlgorithm.ECDSA_P256,
                "any_key_algorithm": True,
                "validity": 365 * _DAY,
                "key_usage": ("digital_signature",),
                "extended_key_usage": ("server_auth", "client_auth"),
                "renew_same_key": True,
            },
        ),
        (
            "code-signing",
            _("Code signing"),
            {
                "name": "code-signing",
                "allow_any_name": True,
                "allow_dns_sans": False,
                "common_name": "required",
                "max_ttl": 460 * _DAY,
                "requires_approval": True,
            },
            {
                "code": "code-signing",
                "name": "Code signing",
                "key_algorithm": KeyAlgorithm.RSA_3072,
                "any_key_algorithm": True,
                "validity": 365 * _DAY,
                "key_usage": ("digital_signature",),
                "extended_key_usage": ("code_signing",),
                "add_common_name_to_sans": False,
                "requires_approval": True,
            },
        ),
        (
            "post-quantum",
            _("Post-quantum TLS server"),
            {"name": "web-pq", "allow_subdomains": True, "max_ttl": 397 * _DAY, "key_algorithms": _POST_QUANTUM},
            {
                **_SERVER,
                "code": "web-pq",
                "name": "Post-quantum TLS server",
                "key_algorithm": KeyAlgorithm.ML_DSA_65,
                "any_key_algorithm": True,
                "validity": 90 * _DAY,
            },
        ),
    )
)

# What most begin with.
TLS_SERVER: Final = PRESETS[0]


def preset(name: str) -> Preset | None:
    return next((each for each in PRESETS if each.name == name), None)
