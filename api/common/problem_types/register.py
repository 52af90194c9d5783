"""Certificates, requests, revocations, and the audit log."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

REGISTER: Final = (
    ProblemType(
        "certificate-not-found", Family.NOT_FOUND, _("Certificate not found"), _("Check the certificate's id.")
    ),
    ProblemType(
        "no-private-key",
        Family.NOT_FOUND,
        _("No private key"),
        _("The key was made by the subscriber, or handed out when the certificate was issued; it is not kept here."),
    ),
    ProblemType("csr-required", Family.INVALID, _("CSR required"), _("The key of its successor is yours: send a CSR.")),
    ProblemType(
        "csr-not-allowed", Family.INVALID, _("CSR not allowed"), _("Renew it without one: a key is made here.")
    ),
    ProblemType("already-revoked", Family.CONFLICT, _("Revoked already"), _("There is nothing left to do.")),
    ProblemType("already-on-hold", Family.CONFLICT, _("On hold already"), _("Release it, or revoke it for good.")),
    ProblemType("not-on-hold", Family.CONFLICT, _("Not on hold"), _("Only a certificate on hold can be released.")),
    ProblemType(
        "foreign-issuer",
        Family.CONFLICT,
        _("Issued elsewhere"),
        _("Only the CA that issued a certificate can revoke it."),
    ),
    ProblemType(
        "certificate-revoked", Family.CONFLICT, _("Certificate revoked"), _("Issue a new one; this one is not renewed.")
    ),
    ProblemType("certificate-on-hold", Family.CONFLICT, _("Certificate on hold"), _("Release it from its hold first.")),
    ProblemType("certificate-known", Family.CONFLICT, _("Certificate known"), _("It is in the register already.")),
    ProblemType("already-renewed", Family.CONFLICT, _("Renewed already"), _("Use its successor; the detail names it.")),
    ProblemType(
        "ca-needs-passphrase",
        Family.CONFLICT,
        _("The CA needs its passphrase"),
        _("Renew its certificates by hand; nobody is there to say the passphrase."),
    ),
    ProblemType("placement-not-found", Family.NOT_FOUND, _("No such place of use"), _("Look for it in the list.")),
    ProblemType("placement-known", Family.CONFLICT, _("Place known"), _("It is being looked at already.")),
    ProblemType("placement-busy", Family.CONFLICT, _("Being looked at"), _("Ask again in a minute.")),
    ProblemType("identifier-used", Family.CONFLICT, _("Identifier in use"), _("Choose another identifier.")),
    ProblemType("serial-used", Family.CONFLICT, _("Serial number in use"), _("Send the request again.")),
    ProblemType(
        "key-collected",
        Family.GONE,
        _("Private key collected"),
        _("A key is handed out once; the detail says to whom it went. Issue a new certificate if it is lost."),
    ),
    ProblemType(
        "key-waits",
        Family.CONFLICT,
        _("Private key waits"),
        _("Let the owner collect it; then another can answer for the certificate."),
    ),
    ProblemType(
        "approval-required",
        Family.DENIED,
        _("Approval required"),
        _("The template, its role or its CA issues only after somebody has approved."),
    ),
    ProblemType(
        "own-request", Family.DENIED, _("Own request"), _("Somebody else decides on it, whichever credential you use.")
    ),
    ProblemType("not-own-request", Family.DENIED, _("Not your request"), _("Only who asked can take it back.")),
    ProblemType(
        "not-an-approver",
        Family.DENIED,
        _("Not an approver of this"),
        _("The detail names the roles whose word counts here."),
    ),
    ProblemType("request-not-found", Family.NOT_FOUND, _("Request not found"), _("There is no such request here.")),
    ProblemType(
        "request-state",
        Family.CONFLICT,
        _("Wrong state of the request"),
        _("This cannot be done with it as it is; the detail names its state."),
    ),
    ProblemType("request-expired", Family.CONFLICT, _("Request expired"), _("Ask anew.")),
    ProblemType(
        "digest-mismatch",
        Family.CONFLICT,
        _("Decision about something else"),
        _("The digest is not the request's own. Look at the request again before you decide."),
    ),
    ProblemType("already-decided", Family.CONFLICT, _("Decided already"), _("Everybody decides once.")),
    ProblemType(
        "template-changed", Family.CONFLICT, _("Template changed"), _("Nothing is approved under old rules: ask anew.")
    ),
    ProblemType(
        "no-approval-needed", Family.CONFLICT, _("No approval needed"), _("Issue the certificate; nobody is asked.")
    ),
    ProblemType(
        "approval-void", Family.CONFLICT, _("Approval void"), _("This is not what was approved. Ask anew for it.")
    ),
    ProblemType(
        "approvals-missing",
        Family.CONFLICT,
        _("Approvals missing"),
        _("More approvals are asked for by now. Ask anew."),
    ),
    ProblemType(
        "requester-not-permitted",
        Family.CONFLICT,
        _("Requester may not issue"),
        _("Whoever asked has lost the permission since. Somebody who has it can ask anew."),
    ),
    ProblemType("not-sealed", Family.UNAVAILABLE, _("Event not sealed yet"), _("Ask again in a few seconds.")),
    ProblemType(
        "log-damaged",
        Family.UNAVAILABLE,
        _("Audit log damaged"),
        _("The log is not what was signed. Its operators must verify it at once."),
    ),
    ProblemType(
        "log-not-sealed",
        Family.UNAVAILABLE,
        _("Audit log not sealed"),
        _("The audit log waits for its sealer, and this server signs nothing before that is done."),
    ),
    ProblemType("counting", Family.UNAVAILABLE, _("Being counted"), _("The register is large. Ask again in a minute.")),
    ProblemType(
        "ambiguous-serial",
        Family.CONFLICT,
        _("Ambiguous serial number"),
        _("Two readings of these digits both exist; write the one that is meant as the detail says."),
    ),
    ProblemType("filter-not-found", Family.NOT_FOUND, _("Filter not found"), _("Look at the list of saved filters.")),
    ProblemType("filter-exists", Family.CONFLICT, _("Filter exists"), _("Choose another name for it.")),
    ProblemType("too-many-filters", Family.CONFLICT, _("Too many filters"), _("Delete one that is not used any more.")),
    ProblemType("not-own-filter", Family.DENIED, _("Another's filter"), _("Only its owner changes it; save your own.")),
)
