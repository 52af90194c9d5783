"""Roles that issue by their own name, certificates from elsewhere, and CSRs that are approved before a CA is chosen."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

SCAIVAULT: Final = (
    ProblemType(
        "role-without-template",
        Family.CONFLICT,
        _("Role without a template"),
        _("A certificate is issued by a template: make one that stands on this role."),
    ),
    ProblemType(
        "role-with-templates",
        Family.CONFLICT,
        _("Role with several templates"),
        _("The role alone does not say which is meant; the detail names them. Issue by one of the templates instead."),
    ),
    ProblemType(
        "crl-not-found",
        Family.NOT_FOUND,
        _("No CRL"),
        _("This CA has published none. Publish one, if its key is here."),
    ),
    ProblemType(
        "ca-to-be-chosen",
        Family.CONFLICT,
        _("No CA chosen"),
        _("The request names no CA. Sign it against one that is open for this."),
    ),
    ProblemType(
        "names-not-approved",
        Family.CONFLICT,
        _("Names that nobody approved"),
        _("Ask for the names that were approved, or for fewer of them; for others, ask anew."),
    ),
    ProblemType(
        "role-keeps-no-keys",
        Family.CONFLICT,
        _("Role keeps no keys"),
        _("The key of this request stays here, so a role that keeps keys must sign it."),
    ),
)
