"""How machines sign in: token issuers, machine identities, client certificates."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

MACHINES: Final = (
    ProblemType("oidc-issuer-not-found", Family.NOT_FOUND, _("Token issuer not found"), _("Check the issuer's id.")),
    ProblemType(
        "oidc-issuer-exists",
        Family.CONFLICT,
        _("Issuer and audience taken"),
        _("Have the issuer make tokens for an audience that is yours alone."),
    ),
    ProblemType(
        "oidc-issuer-in-use",
        Family.CONFLICT,
        _("Token issuer in use"),
        _("Remove the identities of service accounts first."),
    ),
    ProblemType(
        "machine-identity-not-found", Family.NOT_FOUND, _("Machine identity not found"), _("Check the identity's id.")
    ),
    ProblemType(
        "machine-identity-exists",
        Family.CONFLICT,
        _("Subject taken"),
        _("Remove what the subject is bound to first."),
    ),
    ProblemType(
        "private-range-exists", Family.CONFLICT, _("Range allowed already"), _("Look at the list of ranges again.")
    ),
    ProblemType(
        "client-certificate-not-found",
        Family.NOT_FOUND,
        _("Client certificate not found"),
        _("Check the id: it is that of the binding, not of the certificate."),
    ),
    ProblemType(
        "client-certificate-exists", Family.CONFLICT, _("Certificate bound"), _("Remove the binding that is there.")
    ),
    ProblemType(
        "certificate-in-page",
        Family.DENIED,
        _("Certificate shown by a page"),
        _("Sign in with a browser, or make the request with a program."),
    ),
    ProblemType(
        "oauth-consent-not-found", Family.NOT_FOUND, _("Consent not found"), _("Look at the list of them again.")
    ),
    ProblemType(
        "client-without-secret",
        Family.CONFLICT,
        _("Application without a secret"),
        _("Make a client of the organization's own, where one with a secret is needed."),
    ),
)
