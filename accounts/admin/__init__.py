"""Organizations, people and keys in the admin."""

from accounts.admin.keys import ApiKeyAdmin
from accounts.admin.organizations import MembershipAdmin, OrganizationAdmin
from accounts.admin.people import UserAdmin

__all__ = ["ApiKeyAdmin", "MembershipAdmin", "OrganizationAdmin", "UserAdmin"]
