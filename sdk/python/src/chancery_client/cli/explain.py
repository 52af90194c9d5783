"""What went wrong in the client, told to the person who typed a command."""

from __future__ import annotations

import re

from chancery_client import errors
from chancery_client.cli.failures import ExitCode, Failure
from chancery_client.cli.output import note

# What a field of the API is called on the command line.
_OPTIONS = {
    "template_code": "--template",
    "template": "--template",
    "common_name": "--common-name",
    "subject": "--subject",
    "subject.common_name": "--common-name",
    "sans": "--san",
    "csr": "the CSR",
    "key_algorithm": "--key-type",
    "validity": "--validity",
    "validity_days": "--validity",
    "tags": "--tag",
    "description": "--description",
    "filter": "--filter",
    "sort": "--sort",
    "limit": "--limit",
    "reason": "--reason",
    "comment": "--comment",
    "fmt": "--format",
    "passphrase": "--ask-passphrase",
    "expires_lt": "--expires-within",
    **{
        name: f"--{name}"
        for name in ("status", "name", "ca", "tag", "owner", "requester", "serial", "key", "source", "mine", "inbox")
    },
}
_CODES = {
    401: ExitCode.NOT_ALLOWED,
    403: ExitCode.NOT_ALLOWED,
    404: ExitCode.NOT_FOUND,
    410: ExitCode.NOT_FOUND,
    429: ExitCode.TRY_LATER,
}
_SERVERS_FAULT = 500


def as_failure(error: errors.ChanceryError) -> Failure:
    """How a command ends after this error of the client."""
    if isinstance(error, errors.ApiError):
        return _answered(error)
    if isinstance(error, errors.NotYetIssued):
        hint = f"Follow it with: chancery requests show {error.filed.id}"
        return Failure(f"{error}.", hint=hint, code=ExitCode.WAITING)
    if isinstance(error, errors.ConnectionFailed):
        return Failure(_sentence(str(error)), hint=_about_trust(error), code=ExitCode.TRY_LATER)
    return Failure(_sentence(str(error)))


def tell(failure: Failure) -> None:
    """On standard error: what is wrong, and what to do about it."""
    if failure.code is ExitCode.NOTHING_TO_DO:
        note(failure.sentence)
        return
    word = "Waiting" if failure.code is ExitCode.WAITING else "Error"
    note(f"{word}: {failure.sentence}")
    if failure.hint:
        note(failure.hint)


def _answered(error: errors.ApiError) -> Failure:
    status = _status(error)
    code = ExitCode.TRY_LATER if status >= _SERVERS_FAULT else _CODES.get(status, ExitCode.FAILED)
    return Failure(_with_trace(_said(error), error.trace_id), hint=_hint(error), code=code)


def _said(error: errors.ApiError) -> str:
    """Each field that is to blame, with why; else what the server said."""
    if error.errors:
        return (
            "; ".join(f"{_option(each.field)}: {each.detail or each.code}".rstrip(".") for each in error.errors) + "."
        )
    return _sentence(error.detail or f"{error.title or 'The server gave no reason'} (status {error.status})")


def _status(error: errors.ApiError) -> int:
    """A refused refresh token is a 400 on the wire (RFC 6749 section 5.2), and no good credential to a person."""
    return 401 if isinstance(error, errors.AuthenticationFailed) else error.status


def _option(field: str) -> str:
    """`--san (2nd)` of `sans[1]`."""
    if field in _OPTIONS:
        return _OPTIONS[field]
    found = re.fullmatch(r"(\w+)(?:\[(\d+)\])?(.*)", field)
    if not found or found[1] not in _OPTIONS:
        return field or "the request"
    place = f" (number {int(found[2]) + 1})" if found[2] else ""
    return f"{_OPTIONS[found[1]]}{found[3].replace('.', ' ').rstrip()}{place}"


def _hint(error: errors.ApiError) -> str:
    if _status(error) == 401:
        return "Sign in again with: chancery login"
    if error.status == 403:
        return "See what you may do with: chancery whoami"
    if error.status == 404 and not error.detail:
        return "Is this the address of a Chancery? See: chancery profiles list"
    if error.status == 429 and error.retry_after:
        return f"Try again in {round(error.retry_after)} seconds."
    return ""


def _about_trust(error: BaseException) -> str:
    if "WRONG_VERSION_NUMBER" in str(error):
        return "It does not speak TLS: does its address begin with http://?"
    if "CERTIFICATE_VERIFY_FAILED" not in str(error):
        return ""
    return "If a CA of your own has issued the server's certificate, name that CA's file in CHANCERY_CA_BUNDLE."


def _with_trace(sentence: str, trace_id: str | None) -> str:
    return f"{sentence} (trace {trace_id})" if trace_id else sentence


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
