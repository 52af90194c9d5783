"""Public certificates in the admin: accounts, orders and what proves names, to look at."""

from acme_client.admin.records import (
    AcmeAccountAdmin,
    AcmeAuthorizationAdmin,
    AcmeChallengeAdmin,
    AcmeOrderAdmin,
    DnsProviderAdmin,
    PublicNameAdmin,
)

__all__ = [
    "AcmeAccountAdmin",
    "AcmeAuthorizationAdmin",
    "AcmeChallengeAdmin",
    "AcmeOrderAdmin",
    "DnsProviderAdmin",
    "PublicNameAdmin",
]
