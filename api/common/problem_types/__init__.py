"""The kinds of problems that the API answers with. A new code of an error gets its entry in one of these modules."""

from __future__ import annotations

from dataclasses import dataclass

from api.common.problems import Family


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A code, its title, and what to do about it.

    `title` never changes for a code (RFC 9457 section 3.1.3); both texts are English, marked for translation.
    """

    code: str
    family: Family
    title: str
    advice: str
