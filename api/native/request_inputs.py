"""What the native API takes about requests: which are looked for, what is decided, how one is fulfilled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.common.fields import Choice, SecretText, Text
from api.common.inputs import Input
from api.common.paging import PageQuery
from certificates.bundles import Format
from certificates.delivery import Delivery, KeyFormat
from certificates.models import Request
from certificates.request_selectors import RequestFilter
from kernel.errors import FieldError, Invalid, field_error
from kernel.secret import Secret
from kernel.text import _

# What a request that waits for approvers is called by whoever asked: PKIFactor's word.
STATUS_WORDS: Final[Mapping[str, str]] = {
    status.value: "pending_approval" if status is Request.Status.PENDING else status.value for status in Request.Status
}
_STATUSES: Final = {word: status for status, word in STATUS_WORDS.items()}
_DELIVERY_FORMATS: Final = (Format.PEM, Format.DER, Format.P7B, Format.P12, Format.ZIP)
_KEY_FIELDS: Final = ("key_format", "delivery_format", "password")


def _truth(help_text: str) -> Choice:
    return Choice(("true", "false"), required=False, help_text=help_text)


class RequestQuery(PageQuery):
    """A page of the requests that are looked for."""

    status = Choice(_STATUSES, required=False)
    kind = Choice(Request.Kind.values, required=False)
    template = Text(required=False, max_length=80, help_text="The template's code.")
    requester = Text(
        required=False, max_length=254, help_text="E-mail address of who asked, or answers for the key that did."
    )
    mine = _truth("What you have asked for, by yourself or by a key.")
    inbox = _truth("What waits for your decision.")

    @classmethod
    def wanted(cls, values: Mapping[str, Any]) -> RequestFilter:
        """What the values of this query ask for."""
        return RequestFilter(
            status=_STATUSES[values["status"]] if "status" in values else None,
            kind=values.get("kind"),
            template=values.get("template"),
            requester=values.get("requester"),
            is_own=_is_true(values.get("mine")),
            is_in_inbox=_is_true(values.get("inbox")),
        )


class ApproveIn(Input):
    """A yes to exactly what has this digest."""

    example = {"digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}

    digest = Text(max_length=64, help_text="As the request shows it: SHA-256 of what would be signed, in hex.")
    reason = Text(required=False, allow_blank=True, max_length=1000)


class RejectIn(Input):
    """A no, and why."""

    example = {"reason": "This name belongs to another team."}

    reason = Text(max_length=1000)
    digest = Text(required=False, max_length=64, help_text="Of what was seen; another one is a conflict.")


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """The CA's passphrase, where it has one; and how the key shall be handed out now, None where it is to wait."""

    passphrase: Secret | None
    delivery: Delivery | None


class FulfilIn(Input):
    """What it takes to issue what was approved."""

    example = {"passphrase": "correct horse battery staple"}

    passphrase = SecretText(required=False, help_text="The CA's, where its key is protected by one.")
    key_delivery = Choice(
        ("now", "later"),
        default="later",
        help_text="`now`: whoever asked gets the private key in the answer. `later`: it waits until it is collected.",
    )
    key_format = Choice(
        KeyFormat, required=False, help_text="How a key that is handed out is written; `pem` by default."
    )
    delivery_format = Choice(_DELIVERY_FORMATS, required=False, help_text="A file with everything beside it.")
    password = SecretText(required=False, help_text="Encrypts the private key; a PKCS#12 file must have one.")

    @classmethod
    def read(cls, data: Any, *, version: str) -> Fulfilment:
        """Raises Invalid."""
        values = cls.values(data, version=version)
        if errors := list(_contradictions(values)):
            raise Invalid(errors=errors)
        return Fulfilment(values.get("passphrase"), _delivery(values) if values["key_delivery"] == "now" else None)


def _contradictions(values: Mapping[str, Any]) -> Iterator[FieldError]:
    if values["key_delivery"] == "now":
        return
    for field in _KEY_FIELDS:
        if field in values:
            yield field_error(field, "contradiction", _("The key is not handed out now."))


def _delivery(values: Mapping[str, Any]) -> Delivery:
    return Delivery(
        key_format=KeyFormat(values.get("key_format", KeyFormat.PEM)),
        file_format=Format(values.get("delivery_format", Format.PEM)),
        password=values.get("password"),
    )


def _is_true(word: str | None) -> bool | None:
    return None if word is None else word == "true"
