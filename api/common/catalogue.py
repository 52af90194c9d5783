"""Every kind of problem by its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.common.problem_types import ProblemType
from api.common.problem_types.accounts import ACCOUNTS
from api.common.problem_types.acme import ACME
from api.common.problem_types.authority import AUTHORITY
from api.common.problem_types.certmate import CERTMATE
from api.common.problem_types.machines import MACHINES
from api.common.problem_types.names import NAMES
from api.common.problem_types.notices import NOTICES
from api.common.problem_types.programs import PROGRAMS
from api.common.problem_types.register import REGISTER
from api.common.problem_types.scaivault import SCAIVAULT
from api.common.problem_types.wire import WIRE

PROBLEM_TYPES: Final[Mapping[str, ProblemType]] = {
    each.code: each
    for each in (
        *(*WIRE, *ACCOUNTS, *MACHINES, *PROGRAMS, *NAMES, *ACME, *NOTICES),
        *(*AUTHORITY, *REGISTER, *SCAIVAULT, *CERTMATE),
    )
}


def title_of(code: str) -> str:
    """The title of a code, in English."""
    known = PROBLEM_TYPES.get(code)
    return known.title if known else code.replace("-", " ").capitalize()
