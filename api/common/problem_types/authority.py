"""CAs, their keys, roles and templates."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

AUTHORITY: Final = (
    ProblemType("ca-not-found", Family.NOT_FOUND, _("Certificate authority not found"), _("Check the CA's id.")),
    ProblemType("ca-exists", Family.CONFLICT, _("CA name in use"), _("Choose another name for the CA.")),
    ProblemType(
        "dialect-not-enabled",
        Family.DENIED,
        _("CA not open to these clients"),
        _("Open the CA for this system's clients: it then has templates for them, which you may edit."),
    ),
    ProblemType(
        "ca-ambiguous", Family.CONFLICT, _("CA name in several organizations"), _("Name the CA by its id instead.")
    ),
    ProblemType(
        "ca-has-children", Family.CONFLICT, _("CA has CAs below it"), _("Retire the CAs below it first, or leave it.")
    ),
    ProblemType(
        "ca-key-elsewhere", Family.NOT_FOUND, _("CA key not here"), _("Its key is kept elsewhere: ask there for it.")
    ),
    ProblemType(
        "key-not-exportable",
        Family.DENIED,
        _("CA key stays here"),
        _("A key on a token or behind a passphrase does not leave. Back the token up, or the whole system."),
    ),
    ProblemType("ca-known", Family.CONFLICT, _("CA known"), _("A CA with this subject and key is here already.")),
    ProblemType("ca-revoked", Family.CONFLICT, _("CA revoked"), _("Nothing can be done with a CA that is revoked.")),
    ProblemType(
        "ca-certificate-not-found",
        Family.NOT_FOUND,
        _("CA certificate not found"),
        _("Check the fingerprint; the CA's detail lists those it has."),
    ),
    ProblemType("only-certificate", Family.CONFLICT, _("Only certificate"), _("Revoke the CA itself instead.")),
    ProblemType(
        "not-a-successor",
        Family.CONFLICT,
        _("Not a successor"),
        _("Choose a CA that follows this one: the same subject name, or one that was made for it."),
    ),
    ProblemType(
        "name-unreadable",
        Family.CONFLICT,
        _("Name unreadable"),
        _("The CA's own name cannot be read any more; its operators must look at it."),
    ),
    ProblemType(
        "path-used", Family.CONFLICT, _("Address in use"), _("The public address belongs to another CA, for ever.")
    ),
    ProblemType(
        "key-in-use", Family.CONFLICT, _("Key in use"), _("The key belongs to a CA already; each CA has its own.")
    ),
    ProblemType(
        "wrong-status",
        Family.CONFLICT,
        _("Wrong status"),
        _("The CA's present status does not allow this; the detail names it."),
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
        "ca-locked",
        Family.UNAVAILABLE,
        _("CA is locked"),
        _("The CA's key is protected by a passphrase; send it with the request."),
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
        "passphrase-busy",
        Family.TOO_MANY,
        _("Passphrase being tried"),
        _("Several others are trying a passphrase for this CA at this moment. Ask again in a second."),
    ),
    ProblemType(
        "guesses-not-counted",
        Family.UNAVAILABLE,
        _("Passphrases not tried now"),
        _("The server's cache does not answer, so wrong passphrases cannot be counted. Ask again in a while."),
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
        "token-busy", Family.UNAVAILABLE, _("Token busy"), _("The device that holds the key is in use; ask again soon.")
    ),
    ProblemType(
        "token-failed", Family.UNAVAILABLE, _("Token failed"), _("The device that holds the key does not answer well.")
    ),
    ProblemType(
        "key-not-on-token", Family.UNAVAILABLE, _("Key not on the token"), _("The device does not hold this CA's key.")
    ),
    ProblemType(
        "chain-too-long",
        Family.INVALID,
        _("Chain too long"),
        _("The CA stands too far below its root; use one nearer to it."),
    ),
    ProblemType("chain-loop", Family.INVALID, _("Chain has a loop"), _("The CA's parents lead back to itself.")),
    ProblemType("crl-in-progress", Family.UNAVAILABLE, _("CRL in progress"), _("Ask again in a moment.")),
    ProblemType(
        "trust-anchor-not-found", Family.NOT_FOUND, _("Trust anchor not found"), _("Check the trust anchor's id.")
    ),
    ProblemType(
        "trust-anchor-known", Family.CONFLICT, _("Trust anchor known"), _("This certificate is trusted already.")
    ),
    ProblemType("role-not-found", Family.NOT_FOUND, _("Role not found"), _("Check the role's id or name, and its CA.")),
    ProblemType("role-exists", Family.CONFLICT, _("Role exists"), _("Choose another name for the role.")),
    ProblemType("role-in-use", Family.CONFLICT, _("Role in use"), _("Retire the templates that stand on it first.")),
    ProblemType(
        "template-not-found",
        Family.NOT_FOUND,
        _("Template not found"),
        _("Check the template's code; a retired template is not found either."),
    ),
    ProblemType("template-exists", Family.CONFLICT, _("Template exists"), _("Choose another code for the template.")),
    ProblemType("template-retired", Family.CONFLICT, _("Template retired"), _("Use a template that is on offer.")),
    ProblemType("template-incomplete", Family.UNAVAILABLE, _("Template not complete"), _("Save the template again.")),
    ProblemType("already-retired", Family.NOT_FOUND, _("Retired already"), _("There is nothing left to do.")),
)
