"""Organizations, people and keys in the admin."""

from accounts.admin.joining import CustomRoleAdmin, ExternalIdentityAdmin, InvitationAdmin, SignInProviderAdmin
from accounts.admin.keys import ApiKeyAdmin
from accounts.admin.organizations import MembershipAdmin, OrganizationAdmin
from accounts.admin.people import UserAdmin

__all__ = [
    "ApiKeyAdmin",
    "CustomRoleAdmin",
    "ExternalIdentityAdmin",
    "InvitationAdmin",
    "MembershipAdmin",
    "OrganizationAdmin",
    "SignInProviderAdmin",
    "UserAdmin",
]
