"""What a CA offers to clients of other systems, which name a CA and no template: templates like any other, under codes
that say for whom they stand. Once made they are the organization's own to edit, and to put under approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from cas.core.keys import KeyAlgorithm
from cas.orders import Dialect, RoleOrder, TemplateOrder
from kernel.ref import Ref


class Slot(StrEnum):
    """What such a client can ask for; the part before the dot is its dialect."""

    FASTPKI_SERVER = "fastpki.server"
    FASTPKI_CLIENT = "fastpki.client"
    FASTPKI_DUAL_PURPOSE = "fastpki.dual_purpose"
    CERTMATE_CLIENT = "certmate.client"
    CERTMAN_MANAGED = "certman.managed"
    CERTMAN_CSR = "certman.csr"
    SCAIVAULT_CSR = "scaivault.csr"

    @property
    def dialect(self) -> Dialect:
        return Dialect(self.partition(".")[0])

    def code(self, ca_id: int) -> str:
        """The code of the template, and the name of its role. CertMate knows one CA, so an organization has one."""
        return self if self is Slot.CERTMATE_CLIENT else f"{self}.{ca_id}"


def slots_of(dialect: Dialect) -> tuple[Slot, ...]:
    return tuple(slot for slot in Slot if slot.dialect is dialect)


def role_order(slot: Slot, ca_id: int) -> RoleOrder:
    """The guard rails that a slot begins with: those of the system it stands for."""
    return RoleOrder(ca=Ref("pk", ca_id), name=slot.code(ca_id), **_BEGINNINGS[slot].role)


def template_order(slot: Slot, ca_id: int) -> TemplateOrder:
    """The recipe that a slot begins with; its role bears the same name."""
    code, beginning = slot.code(ca_id), _BEGINNINGS[slot]
    return TemplateOrder(ca=Ref("pk", ca_id), role=Ref("name", code), name=code, code=code, **beginning.template)


@dataclass(frozen=True, slots=True)
class _Beginning:
    role: Mapping[str, Any]
    template: Mapping[str, Any]


_DAY: Final = timedelta(days=1)
_TLS: Final = MappingProxyType({"key_usage": ("digital_signature", "key_encipherment"), "any_key_algorithm": True})
_ANY_NAME: Final = MappingProxyType({"allow_any_name": True, "allow_wildcards": True})

_FASTPKI_ROLE: Final = MappingProxyType({**_ANY_NAME, "max_ttl": 3650 * _DAY, "store_private_keys": True})
_FASTPKI_TEMPLATE: Final = MappingProxyType(
    {**_TLS, "key_algorithm": KeyAlgorithm.RSA_2048, "validity": 365 * _DAY, "add_common_name_to_sans": False}
)
_CERTMAN_ROLE: Final = MappingProxyType({**_ANY_NAME, "max_ttl": 397 * _DAY, "allow_ip_sans": True})
_CERTMAN_TEMPLATE: Final = MappingProxyType(
    {
        **_TLS,
        "key_algorithm": KeyAlgorithm.ECDSA_P256,
        "validity": 365 * _DAY,
        "extended_key_usage": ("server_auth", "client_auth"),
    }
)
_BEGINNINGS: Final[Mapping[Slot, _Beginning]] = MappingProxyType(
    {
        Slot.FASTPKI_SERVER: _Beginning(
            {**_FASTPKI_ROLE, "allow_ip_sans": True},
            {**_FASTPKI_TEMPLATE, "extended_key_usage": ("server_auth",)},
        ),
        Slot.FASTPKI_CLIENT: _Beginning(
            {**_FASTPKI_ROLE, "allow_dns_sans": False, "allow_email_sans": True},
            {**_FASTPKI_TEMPLATE, "extended_key_usage": ("client_auth",)},
        ),
        Slot.FASTPKI_DUAL_PURPOSE: _Beginning(
            {**_FASTPKI_ROLE, "allow_ip_sans": True, "allow_email_sans": True},
            {**_FASTPKI_TEMPLATE, "extended_key_usage": ("server_auth", "client_auth")},
        ),
        Slot.CERTMATE_CLIENT: _Beginning(
            {**_ANY_NAME, "max_ttl": 3650 * _DAY, "allow_email_sans": True, "store_private_keys": True},
            {
                **_TLS,
                "key_algorithm": KeyAlgorithm.RSA_2048,
                "validity": 365 * _DAY,
                "extended_key_usage": ("client_auth",),
            },
        ),
        Slot.CERTMAN_MANAGED: _Beginning(_CERTMAN_ROLE, _CERTMAN_TEMPLATE),
        Slot.CERTMAN_CSR: _Beginning(_CERTMAN_ROLE, _CERTMAN_TEMPLATE),
        # What is approved are CSRs (`certificates.services.csrs`): the names are theirs to the last one, and nobody
        # issues by this template without.
        Slot.SCAIVAULT_CSR: _Beginning(
            {**_CERTMAN_ROLE, "allow_email_sans": True, "store_private_keys": True},
            {**_CERTMAN_TEMPLATE, "add_common_name_to_sans": False, "requires_approval": True},
        ),
    }
)
