"""The log in the admin, and the pieces that the admin of every other room is made of."""

from audit.admin.base import LeanAdmin, ReadOnlyAdmin
from audit.admin.log import AuditEventAdmin
from audit.admin.pages import Section, ServiceAdmin, ServicePage

__all__ = ["AuditEventAdmin", "LeanAdmin", "ReadOnlyAdmin", "Section", "ServiceAdmin", "ServicePage"]
