"""What each role of an organization may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from kernel.permissions import Permission


class OrganizationRole(models.TextChoices):
    OWNER = "owner", _("Owner")
    OPERATOR = "operator", _("Operator")
    APPROVER = "approver", _("Approver")
    AUDITOR = "auditor", _("Auditor")
    MEMBER = "member", _("Member")


_READ: Final = frozenset(
    {
        Permission.ORGANIZATIONS_READ,
        Permission.CAS_READ,
        Permission.ROLES_READ,
        Permission.TEMPLATES_READ,
        Permission.CERTIFICATES_READ,
        Permission.CERTIFICATES_DOWNLOAD,
        Permission.REQUESTS_READ,
        Permission.ACME_READ,
        Permission.NOTICES_READ,
    }
)
_OPERATE: Final = _READ | {
    Permission.CERTIFICATES_ISSUE,
    Permission.CERTIFICATES_RENEW,
    Permission.CERTIFICATES_REVOKE,
    Permission.CRLS_PUBLISH,
    Permission.MEMBERS_READ,
    Permission.API_KEYS_READ,
}

# Sealing the log is the system's own work.
ORGANIZATION_PERMISSIONS: Final = frozenset(Permission) - {Permission.AUDIT_SEAL}

PERMISSIONS: Final[Mapping[str, frozenset[Permission]]] = {
    # Deciding on requests is an approver's alone: an owner who asks must not approve by habit, too.
    OrganizationRole.OWNER: ORGANIZATION_PERMISSIONS - {Permission.REQUESTS_DECIDE},
    OrganizationRole.OPERATOR: _OPERATE,
    OrganizationRole.APPROVER: _READ | {Permission.REQUESTS_DECIDE},
    OrganizationRole.AUDITOR: _READ | {Permission.AUDIT_READ, Permission.MEMBERS_READ, Permission.API_KEYS_READ},
    OrganizationRole.MEMBER: _READ | {Permission.CERTIFICATES_ISSUE},
}

# What nobody is given by an identity provider elsewhere: only an owner gives it, to somebody whom they have named.
ONLY_BY_HAND: Final = frozenset(
    {
        Permission.REQUESTS_DECIDE,
        Permission.MEMBERS_WRITE,
        Permission.ORGANIZATIONS_WRITE,
        Permission.API_KEYS_WRITE,
        Permission.CAS_EXPORT_KEY,
    }
)
