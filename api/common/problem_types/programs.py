"""Programs that sign in for people and machines, and what machines may have issued."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

PROGRAMS: Final = (
    ProblemType(
        "wrong-password",
        Family.UNAUTHENTICATED,
        _("Name or password wrong"),
        _("Who has a second factor, or must change the password first, signs in at the page or uses another token."),
    ),
    ProblemType("user-not-found", Family.NOT_FOUND, _("User not found"), _("Check the user's id.")),
    ProblemType("user-closed", Family.CONFLICT, _("Account closed"), _("Make another account.")),
    ProblemType("organization-closed", Family.CONFLICT, _("Organization closed"), _("Work in another organization.")),
    ProblemType(
        "organization-in-use",
        Family.CONFLICT,
        _("Organization in use"),
        _("Remove everybody who belongs to it first."),
    ),
    ProblemType(
        "service-account-closed",
        Family.CONFLICT,
        _("Service account closed"),
        _("Make another service account."),
    ),
    ProblemType(
        "service-token-not-found", Family.NOT_FOUND, _("Token not found"), _("Check the ids of account and token.")
    ),
    ProblemType(
        "issuance-policy-not-found",
        Family.NOT_FOUND,
        _("Issuance policy not found"),
        _("The service account has none: set one."),
    ),
    ProblemType(
        "service-account-has-no-policy",
        Family.DENIED,
        _("No issuance policy"),
        _("Have an owner say what may be issued for the service account."),
    ),
    ProblemType(
        "policy-violation",
        Family.INVALID,
        _("Issuance policy violated"),
        _("Ask for what the policy allows, or have an owner change it."),
    ),
)
