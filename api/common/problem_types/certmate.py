"""What CertMate's clients may meet beside what everybody may."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

CERTMATE: Final = (
    ProblemType(
        "no-client-ca",
        Family.UNAVAILABLE,
        _("No client CA"),
        _("Open a CA of the organization to CertMate's clients first."),
    ),
    ProblemType(
        "no-current-crl",
        Family.UNAVAILABLE,
        _("No current CRL"),
        _("Publish the CA's CRL; where its key is locked, that needs the passphrase."),
    ),
    ProblemType(
        "no-signing-request",
        Family.NOT_FOUND,
        _("No signing request"),
        _("The key was made here, so there never was a CSR, or it was not kept."),
    ),
    ProblemType(
        "no-host-files",
        Family.NOT_FOUND,
        _("No files for this host"),
        _("There is no certificate for exactly this name that is valid, not revoked, and whose key is kept here."),
    ),
)
