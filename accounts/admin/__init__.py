"""Organizations, people and keys in the admin."""

from accounts.admin.joining import CustomRoleAdmin, ExternalIdentityAdmin, InvitationAdmin, SignInProviderAdmin
from accounts.admin.keys import ApiKeyAdmin
from accounts.admin.machines import MachineIdentityAdmin, OidcIssuerAdmin, PrivateRangeAdmin
from accounts.admin.oauth import (
    OAuthClientAdmin,
    OAuthConsentAdmin,
    OAuthConsentCaAdmin,
    OAuthDeviceAdmin,
    OAuthTokenAdmin,
)
from accounts.admin.organizations import MembershipAdmin, OrganizationAdmin
from accounts.admin.people import UserAdmin
from accounts.admin.programs import IssuancePolicyAdmin, ServiceAccountTokenAdmin, SignInTokenAdmin
from accounts.admin.services import GrantAdmin, ServiceAccountAdmin

__all__ = [
    "ApiKeyAdmin",
    "CustomRoleAdmin",
    "ExternalIdentityAdmin",
    "GrantAdmin",
    "InvitationAdmin",
    "IssuancePolicyAdmin",
    "MachineIdentityAdmin",
    "MembershipAdmin",
    "OAuthClientAdmin",
    "OAuthConsentAdmin",
    "OAuthConsentCaAdmin",
    "OAuthDeviceAdmin",
    "OAuthTokenAdmin",
    "OidcIssuerAdmin",
    "OrganizationAdmin",
    "PrivateRangeAdmin",
    "ServiceAccountAdmin",
    "ServiceAccountTokenAdmin",
    "SignInProviderAdmin",
    "SignInTokenAdmin",
    "UserAdmin",
]
