"""What a licence covers, or not: the one list. Reading, revoking and leaving are never in it."""

from __future__ import annotations

from enum import StrEnum


class Feature(StrEnum):
    """What beyond the ordinary an organization can be licensed to do."""

    BATCHES = "batches"
    CUSTOM_ROLES = "custom-roles"
    EXTERNAL_SIGN_IN = "external-sign-in"
    SERVICE_ACCOUNTS = "service-accounts"
    # Read, issue and revoke given one by one; without it, a credential for single CAs has all three there.
    GRANULAR_GRANTS = "granular-grants"
    # Whoever validates may have CRLs and OCSP responders asked, at addresses that stand in what is shown.
    FETCHED_REVOCATION = "fetched-revocation"
