"""Organizations, people and their credentials."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

ACCOUNTS: Final = (
    ProblemType(
        "password-change-required",
        Family.DENIED,
        _("Password must be changed"),
        _("Sign in with a browser and set a new password first."),
    ),
    ProblemType(
        "organization-not-found", Family.NOT_FOUND, _("Organization not found"), _("Check the organization's id.")
    ),
    ProblemType(
        "organization-exists", Family.CONFLICT, _("Organization exists"), _("Choose another name for the organization.")
    ),
    ProblemType("member-not-found", Family.NOT_FOUND, _("Member not found"), _("Check the member's id.")),
    ProblemType("member-exists", Family.CONFLICT, _("Member exists"), _("Change the role of the member instead.")),
    ProblemType("last-owner", Family.CONFLICT, _("Last owner"), _("Make somebody else an owner first.")),
    ProblemType("user-exists", Family.CONFLICT, _("User exists"), _("The e-mail address or username is in use.")),
    ProblemType("api-key-not-found", Family.NOT_FOUND, _("API key not found"), _("Check the key's id.")),
)
