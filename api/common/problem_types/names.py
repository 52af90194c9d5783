"""Public names, and the DNS providers that prove them."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

NAMES: Final = (
    ProblemType("public-name-not-found", Family.NOT_FOUND, _("Public name not found"), _("Check the name's id.")),
    ProblemType(
        "public-name-exists", Family.CONFLICT, _("Name claimed already"), _("Look at the list of your names again.")
    ),
    ProblemType(
        "public-name-taken",
        Family.CONFLICT,
        _("Name of another organization"),
        _("Ask whoever runs this installation, if the name is yours."),
    ),
    ProblemType("dns-provider-not-found", Family.NOT_FOUND, _("DNS provider not found"), _("Check the provider's id.")),
    ProblemType("dns-provider-exists", Family.CONFLICT, _("Name of the provider taken"), _("Choose another name.")),
)
