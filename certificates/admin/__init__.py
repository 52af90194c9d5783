"""The register and the authorities in the admin: lists, decoded certificates, and pages that call services."""

from certificates.admin.authorities import CaCertificateAdmin, CertificateAuthorityAdmin
from certificates.admin.clients import ClientCertificateAdmin
from certificates.admin.records import (
    CertificateTallyAdmin,
    CrlAdmin,
    CrlScopeAdmin,
    OcspResponderAdmin,
    PlacementAdmin,
    PublicPathAdmin,
    RenewalAdmin,
    RevocationAdmin,
)
from certificates.admin.register import CertificateAdmin
from certificates.admin.requests import DecisionAdmin, RequestAdmin
from certificates.admin.roles import RoleAdmin
from certificates.admin.saved import SavedFilterAdmin
from certificates.admin.templates import TemplateAdmin

__all__ = [
    "CaCertificateAdmin",
    "CertificateAdmin",
    "CertificateAuthorityAdmin",
    "CertificateTallyAdmin",
    "ClientCertificateAdmin",
    "CrlAdmin",
    "CrlScopeAdmin",
    "DecisionAdmin",
    "OcspResponderAdmin",
    "PlacementAdmin",
    "PublicPathAdmin",
    "RenewalAdmin",
    "RequestAdmin",
    "RevocationAdmin",
    "RoleAdmin",
    "SavedFilterAdmin",
    "TemplateAdmin",
]
