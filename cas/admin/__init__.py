"""Roles, templates and what CA keys have signed. The CAs themselves stand in `certificates.admin`, which knows more."""

from cas.admin.anchors import TrustAnchorAdmin
from cas.admin.records import BlockedKeyAdmin, CaKeyAdmin, IssuedSerialAdmin, ProfileVersionAdmin
from cas.admin.roles import RoleAdmin
from cas.admin.templates import TemplateAdmin

__all__ = [
    "BlockedKeyAdmin",
    "CaKeyAdmin",
    "IssuedSerialAdmin",
    "ProfileVersionAdmin",
    "RoleAdmin",
    "TemplateAdmin",
    "TrustAnchorAdmin",
]
