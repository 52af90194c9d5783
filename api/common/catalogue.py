"""Every kind of problem that the API can answer with: its code, its title, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.common.problems import Family
from kernel.text import _


@dataclass(frozen=True, slots=True)
class ProblemType:
    """`title` never changes for a code (RFC 9457 section 3.1.3); both texts are English, marked for translation."""

    code: str
    family: Family
    title: str
    advice: str


_TYPES: Final = (
    # The request.
    ProblemType(
        "malformed-request",
        Family.MALFORMED,
        _("Malformed request"),
        _("The body is not strict JSON, or the address makes no sense. The detail says where; send it corrected."),
    ),
    ProblemType(
        "unauthenticated",
        Family.UNAUTHENTICATED,
        _("Credential missing"),
        _("Send an API key in the Authorization header, as Bearer and the key."),
    ),
    ProblemType(
        "invalid-token",
        Family.UNAUTHENTICATED,
        _("Credential not valid"),
        _("The key is unknown, revoked, expired, or may not be used from this address. Which of them is not said."),
    ),
    ProblemType(
        "not-licensed",
        Family.UNLICENSED,
        _("Not licensed"),
        _("The organization's licence does not cover this feature."),
    ),
    ProblemType(
        "permission-denied",
        Family.DENIED,
        _("Permission denied"),
        _("The credential lacks the permission that the detail names, or the organization is not its own."),
    ),
    ProblemType(
        "csrf-failed",
        Family.DENIED,
        _("CSRF token missing"),
        _("A browser session needs its CSRF token for every change. Programs use an API key instead."),
    ),
    ProblemType(
        "password-change-required",
        Family.DENIED,
        _("Password must be changed"),
        _("Sign in with a browser and set a new password first."),
    ),
    ProblemType(
        "method-not-allowed",
        Family.METHOD_NOT_ALLOWED,
        _("Method not allowed"),
        _("The Allow header lists the methods of this address."),
    ),
    ProblemType(
        "not-acceptable",
        Family.NOT_ACCEPTABLE,
        _("Not acceptable"),
        _("Let the Accept header allow application/json."),
    ),
    ProblemType(
        "length-required",
        Family.LENGTH_REQUIRED,
        _("Length required"),
        _("Send the body with a Content-Length, not in chunks."),
    ),
    ProblemType("body-too-large", Family.TOO_LARGE, _("Body too large"), _("Send less at once.")),
    ProblemType(
        "unsupported-media-type",
        Family.UNSUPPORTED_MEDIA_TYPE,
        _("Unsupported media type"),
        _("Send the body as application/json in UTF-8, not compressed."),
    ),
    ProblemType(
        "validation-failed",
        Family.INVALID,
        _("Validation failed"),
        _("The member `errors` names every field that is wrong, all at once, each with a code and a sentence."),
    ),
    ProblemType(
        "rate-limited", Family.TOO_MANY, _("Too many requests"), _("Wait for as long as the Retry-After header says.")
    ),
    ProblemType(
        "internal-error",
        Family.BROKEN,
        _("Internal error"),
        _("Something broke on our side. Nothing was half done. The trace id finds it in the server's log."),
    ),
    ProblemType(
        "unavailable",
        Family.UNAVAILABLE,
        _("Unavailable"),
        _("A part of the service does not answer at the moment. Try again after a while."),
    ),
    # What is not there. Absent and invisible are never told apart.
    ProblemType("not-found", Family.NOT_FOUND, _("Not found"), _("Nothing is at this address, or it is not yours.")),
    ProblemType(
        "organization-not-found", Family.NOT_FOUND, _("Organization not found"), _("Check the organization's id.")
    ),
    ProblemType("member-not-found", Family.NOT_FOUND, _("Member not found"), _("Check the member's id.")),
    ProblemType("api-key-not-found", Family.NOT_FOUND, _("API key not found"), _("Check the key's id.")),
    ProblemType("ca-not-found", Family.NOT_FOUND, _("Certificate authority not found"), _("Check the CA's id.")),
    ProblemType("role-not-found", Family.NOT_FOUND, _("Role not found"), _("Check the role's id or name, and its CA.")),
    ProblemType(
        "template-not-found",
        Family.NOT_FOUND,
        _("Template not found"),
        _("Check the template's code; a retired template is not found either."),
    ),
    ProblemType(
        "certificate-not-found", Family.NOT_FOUND, _("Certificate not found"), _("Check the certificate's id.")
    ),
    ProblemType(
        "no-private-key",
        Family.NOT_FOUND,
        _("No private key"),
        _("The key was made by the subscriber, or handed out when the certificate was issued; it is not kept here."),
    ),
    # What contradicts what is there.
    ProblemType("conflict", Family.CONFLICT, _("Conflict"), _("It contradicts what is already there.")),
    ProblemType(
        "organization-exists", Family.CONFLICT, _("Organization exists"), _("Choose another name for the organization.")
    ),
    ProblemType("member-exists", Family.CONFLICT, _("Member exists"), _("Change the role of the member instead.")),
    ProblemType("user-exists", Family.CONFLICT, _("User exists"), _("The e-mail address or username is in use.")),
    ProblemType("last-owner", Family.CONFLICT, _("Last owner"), _("Make somebody else an owner first.")),
    ProblemType("ca-exists", Family.CONFLICT, _("CA name in use"), _("Choose another name for the CA.")),
    ProblemType(
        "key-in-use", Family.CONFLICT, _("Key in use"), _("The key belongs to a CA already; each CA has its own.")
    ),
    ProblemType(
        "wrong-status",
        Family.CONFLICT,
        _("Wrong status"),
        _("The CA's present status does not allow this; the detail names it."),
    ),
    ProblemType("role-exists", Family.CONFLICT, _("Role exists"), _("Choose another name for the role.")),
    ProblemType("role-in-use", Family.CONFLICT, _("Role in use"), _("Retire the templates that stand on it first.")),
    ProblemType("template-exists", Family.CONFLICT, _("Template exists"), _("Choose another code for the template.")),
    ProblemType("already-retired", Family.CONFLICT, _("Retired already"), _("There is nothing left to do.")),
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
    ProblemType("ca-known", Family.CONFLICT, _("CA known"), _("A CA with this subject and key is here already.")),
    ProblemType("template-retired", Family.CONFLICT, _("Template retired"), _("Use a template that is on offer.")),
    ProblemType("identifier-used", Family.CONFLICT, _("Identifier in use"), _("Choose another identifier.")),
    ProblemType("serial-used", Family.CONFLICT, _("Serial number in use"), _("Send the request again.")),
    ProblemType(
        "key-collected",
        Family.GONE,
        _("Private key collected"),
        _("A key is handed out once; the detail says to whom it went. Issue a new certificate if it is lost."),
    ),
    ProblemType("gone", Family.GONE, _("Gone"), _("It was there once and is not any more.")),
    # Policy, and what keeps a CA from signing.
    ProblemType(
        "approval-required",
        Family.DENIED,
        _("Approval required"),
        _("The template, its role or its CA issues only after somebody has approved."),
    ),
    ProblemType(
        "superuser-only", Family.DENIED, _("Superusers only"), _("A superuser of this server can do this, nobody else.")
    ),
    ProblemType(
        "wrong-passphrase", Family.DENIED, _("Wrong passphrase"), _("Five wrong ones lock the CA for 15 minutes.")
    ),
    ProblemType(
        "passphrase-locked",
        Family.TOO_MANY,
        _("Too many wrong passphrases"),
        _("Wait for as long as the Retry-After header says."),
    ),
    ProblemType(
        "ca-locked",
        Family.UNAVAILABLE,
        _("CA is locked"),
        _("The CA's key is protected by a passphrase; send it with the request."),
    ),
    ProblemType(
        "ca-not-active",
        Family.UNAVAILABLE,
        _("CA not in service"),
        _("The CA, or one above it, is disabled, retired or revoked; the detail says which."),
    ),
    ProblemType(
        "ca-issues-no-leaves",
        Family.UNAVAILABLE,
        _("CA issues no end-entity certificates"),
        _("Use a template of a CA that does."),
    ),
    ProblemType(
        "ca-without-key",
        Family.UNAVAILABLE,
        _("CA key not here"),
        _("The CA's key is kept elsewhere, so nothing can be signed with it here."),
    ),
    ProblemType(
        "ca-without-certificate",
        Family.UNAVAILABLE,
        _("CA without certificate"),
        _("The CA waits for its own certificate and cannot sign before it has one."),
    ),
    ProblemType(
        "key-broken",
        Family.UNAVAILABLE,
        _("CA key does not open"),
        _("The sealed key does not open under this server's master key. Its operators must look at once."),
    ),
    ProblemType(
        "backend-missing",
        Family.UNAVAILABLE,
        _("Key backend missing"),
        _("The device or service that holds the CA's key is not configured on this server."),
    ),
    ProblemType(
        "template-incomplete",
        Family.UNAVAILABLE,
        _("Template not complete"),
        _("Save the template again."),
    ),
    ProblemType(
        "constraint-missing",
        Family.UNAVAILABLE,
        _("Database constraint missing"),
        _("The database lacks a constraint without which nothing is signed. Run the migrations."),
    ),
    ProblemType("not-sealed", Family.UNAVAILABLE, _("Event not sealed yet"), _("Ask again in a few seconds.")),
    ProblemType(
        "log-damaged",
        Family.UNAVAILABLE,
        _("Audit log damaged"),
        _("The log is not what was signed. Its operators must verify it at once."),
    ),
    ProblemType(
        "token-busy", Family.UNAVAILABLE, _("Token busy"), _("The device that holds the key is in use; ask again soon.")
    ),
    ProblemType(
        "token-failed", Family.UNAVAILABLE, _("Token failed"), _("The device that holds the key does not answer well.")
    ),
    ProblemType(
        "key-not-on-token", Family.UNAVAILABLE, _("Key not on the token"), _("The device does not hold this CA's key.")
    ),
    ProblemType(
        "backend-needs-postgresql",
        Family.UNAVAILABLE,
        _("PostgreSQL needed"),
        _("Keys outside the database can be used only where the database is PostgreSQL."),
    ),
    ProblemType(
        "intent-not-written",
        Family.UNAVAILABLE,
        _("Signature not announced"),
        _("What could not be announced was not signed. Ask again."),
    ),
    ProblemType(
        "log-not-sealed",
        Family.UNAVAILABLE,
        _("Audit log not sealed"),
        _("The audit log waits for its sealer, and this server signs nothing before that is done."),
    ),
    ProblemType("crl-in-progress", Family.UNAVAILABLE, _("CRL in progress"), _("Ask again in a moment.")),
    ProblemType(
        "chain-too-long",
        Family.INVALID,
        _("Chain too long"),
        _("The CA stands too far below its root; use one nearer to it."),
    ),
    ProblemType("chain-loop", Family.INVALID, _("Chain has a loop"), _("The CA's parents lead back to itself.")),
)

PROBLEM_TYPES: Final[Mapping[str, ProblemType]] = {each.code: each for each in _TYPES}


def title_of(code: str) -> str:
    """The title of a code, in English."""
    known = PROBLEM_TYPES.get(code)
    return known.title if known else code.replace("-", " ").capitalize()
