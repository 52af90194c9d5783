"""Approval rules that somebody could ever fulfil: CAs, roles and templates have the same ones."""

from __future__ import annotations

from typing import Final

from kernel.errors import FieldError, field_error
from kernel.limits import text_errors
from kernel.text import _

_MOST_APPROVALS: Final = 10
_LONGEST_ROLE: Final = 80


def approval_errors(approvals_needed: int, approver_role: str) -> list[FieldError]:
    """What is wrong with a rule about who approves, and how many of them."""
    errors = text_errors("approver_role", approver_role, longest=_LONGEST_ROLE)
    if not 1 <= approvals_needed <= _MOST_APPROVALS:
        text = _("From one to %(most)s approvals can be asked for.")
        errors.append(field_error("approvals_needed", "out-of-range", text, most=_MOST_APPROVALS))
    return errors
