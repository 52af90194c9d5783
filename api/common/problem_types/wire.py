"""What is wrong with a request whatever it is about, and what the server itself cannot do."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

WIRE: Final = (
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
        "too-many",
        Family.CONFLICT,
        _("Too many"),
        _("The organization has as many of them as it may have; the detail says how many. Remove what is not used."),
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
        "superuser-only", Family.DENIED, _("Superusers only"), _("A superuser of this server can do this, nobody else.")
    ),
    ProblemType(
        "csrf-failed",
        Family.DENIED,
        _("CSRF token missing"),
        _("A browser session needs its CSRF token for every change. Programs use an API key instead."),
    ),
    ProblemType("not-found", Family.NOT_FOUND, _("Not found"), _("Nothing is at this address, or it is not yours.")),
    ProblemType(
        "method-not-allowed",
        Family.METHOD_NOT_ALLOWED,
        _("Method not allowed"),
        _("The Allow header lists the methods of this address."),
    ),
    ProblemType(
        "not-acceptable", Family.NOT_ACCEPTABLE, _("Not acceptable"), _("Let the Accept header allow application/json.")
    ),
    ProblemType(
        "idempotency-conflict",
        Family.CONFLICT,
        _("Idempotency key used"),
        _("The Idempotency-Key was sent with another body within the last day. What is new needs a new key."),
    ),
    ProblemType(
        "idempotency-in-progress",
        Family.CONFLICT,
        _("Still in progress"),
        _("The first request with this Idempotency-Key has not ended yet. Wait as Retry-After says, then ask again."),
    ),
    ProblemType("conflict", Family.CONFLICT, _("Conflict"), _("It contradicts what is already there.")),
    ProblemType("gone", Family.GONE, _("Gone"), _("It was there once and is not any more.")),
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
    ProblemType(
        "constraint-missing",
        Family.UNAVAILABLE,
        _("Database constraint missing"),
        _("The database lacks a constraint without which nothing is signed. Run the migrations."),
    ),
)
