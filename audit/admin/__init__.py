"""The log in the admin, and the pieces that the admin of every other room is made of."""

from audit.admin.base import LeanAdmin, ReadOnlyAdmin

__all__ = ["LeanAdmin", "ReadOnlyAdmin"]
