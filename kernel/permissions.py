"""What can be allowed, and to whom for which CA."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """The names that API keys, roles and OAuth scopes are made of."""

    CERTIFICATES_READ = "certificates:read"
    CERTIFICATES_ISSUE = "certificates:issue"
    CERTIFICATES_RENEW = "certificates:renew"
    CERTIFICATES_REVOKE = "certificates:revoke"
    CERTIFICATES_DOWNLOAD = "certificates:download"
    CERTIFICATES_EXPORT_KEY = "certificates:export-key"
    REQUESTS_READ = "requests:read"
    REQUESTS_DECIDE = "requests:decide"
    TEMPLATES_READ = "templates:read"
    TEMPLATES_WRITE = "templates:write"
    ROLES_READ = "roles:read"
    ROLES_WRITE = "roles:write"
    CAS_READ = "cas:read"
    CAS_CREATE = "cas:create"
    CAS_WRITE = "cas:write"
    CAS_REVOKE = "cas:revoke"
    CAS_EXPORT_KEY = "cas:export-key"
    CRLS_PUBLISH = "crls:publish"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    ORGANIZATIONS_READ = "organizations:read"
    ORGANIZATIONS_WRITE = "organizations:write"
    API_KEYS_READ = "api-keys:read"
    API_KEYS_WRITE = "api-keys:write"
    ACME_READ = "acme:read"
    ACME_WRITE = "acme:write"
    NOTICES_READ = "notices:read"
    NOTICES_WRITE = "notices:write"
    AUDIT_READ = "audit:read"
    AUDIT_SEAL = "audit:seal"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a credential may do with one CA."""

    ca_id: int
    permissions: frozenset[Permission]

    def covers(self, permission: Permission, ca_id: int) -> bool:
        return ca_id == self.ca_id and permission in self.permissions
