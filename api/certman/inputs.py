"""What Certman's clients send: bodies and addresses to orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from api.certman.fields import KEY_ALGORITHMS, REASONS, KeyChoice
from api.common.fields import Choice, GeneralNames, Id, SecretText, Text, Whole, required
from api.common.inputs import Input
from cas.core.csr import LONGEST as LONGEST_CSR
from cas.core.csr import CsrFacts, read_csr
from cas.core.general_names import NameKind
from cas.core.keys import KeyAlgorithm
from cas.core.names import name_from_mapping
from cas.orders import AuthorityOrder, Dialect
from cas.selectors import standing_template
from cas.standing import Slot
from certificates.orders import IssueOrder, Managed, RenewOrder, RevokeOrder
from kernel.actor import Actor
from kernel.errors import FieldError, Invalid, field_error
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import _

_VERSION: Final = "v2"
# Of the document, whatever else a template allows.
_MOST_DAYS: Final = 397
_LONGEST_CA_DAYS: Final = 36_600
_MANAGED, _CSR = "managed", "csr"
# What a body calls the attributes of a CA's name.
_NAME: Final[Mapping[str, str]] = {
    "commonName": "common_name",
    "organization": "organization",
    "country": "country",
    "state": "state",
    "locality": "locality",
}


def _ca_passphrase() -> SecretText:
    return SecretText(required=False, help_text="Needed where the CA is protected by one.")


def _validity(default: str) -> Whole:
    text = f"At most {_MOST_DAYS}, as the CA/Browser Forum has it; {default} if absent."
    return Whole(required=False, min_value=1, max_value=_MOST_DAYS, help_text=text)


class IssueIn(Input):
    """A certificate from a CA, with a key that is made here or for the key of a CSR."""

    example = {
        "caId": None,
        "mode": _MANAGED,
        "commonName": "api.example.com",
        "sanDns": ["api.example.com", "www.example.com"],
        "sanIp": ["192.168.1.1"],
        "keyAlgorithm": "ECDSA-P256",
        "validityDays": 365,
    }

    caId = Id(help_text="The CA to issue from.")
    mode = Choice((_MANAGED, _CSR), default=_MANAGED, help_text="`managed`: the key is made here.")
    commonName = Text(required=False, max_length=64, help_text="Needed in managed mode.")
    sanDns = GeneralNames(NameKind.DNS, required=False, help_text="Host names, also `*.example.com`.")
    sanIp = GeneralNames(NameKind.IP, required=False, help_text="IPv4 and IPv6 addresses.")
    keyAlgorithm = KeyChoice(required=False, help_text="The template's if absent; a CSR brings its own.")
    validityDays = _validity("what the template says")
    csrPem = Text(required=False, max_length=LONGEST_CSR, help_text="Needed in csr mode.")
    caPassphrase = _ca_passphrase()

    @classmethod
    def read(cls, data: Any, *, visible_to: Actor) -> IssueOrder:
        """The order, by the template with which the CA answers Certman's clients.

        Names of the body stand in the place of those in the CSR. Raises Invalid with every violation, NotFound (the
        CA), Denied (it answers no clients of Certman).
        """
        values = cls.values(data, version=_VERSION)
        if errors := list(_contradictions(values)):
            raise Invalid(errors=errors)
        is_csr = values["mode"] == _CSR
        key: CsrFacts | Managed = read_csr(values["csrPem"]) if is_csr else Managed(_key_algorithm(values))
        name = values.get("commonName")
        sans = (*values.get("sanDns", ()), *values.get("sanIp", ()))
        slot = Slot.CERTMAN_CSR if is_csr else Slot.CERTMAN_MANAGED
        return IssueOrder(
            ca=values["caId"],
            template=standing_template(values["caId"], slot, visible_to=visible_to).code,
            key=key,
            subject=name_from_mapping({"common_name": name}) if name is not None else None,
            sans=sans or (None if is_csr else ()),
            validity=_days(values),
            passphrase=values.get("caPassphrase"),
        )


class RevokeIn(Input):
    """Why a certificate is revoked. The body may be absent."""

    example = {"reason": "keyCompromise"}

    reason = Choice(REASONS, default="unspecified")
    caPassphrase = SecretText(
        required=False,
        help_text="Where the CA is protected by one: its CRL is then published in the same call.",
    )

    @classmethod
    def read(cls, data: Any, certificate: Ref) -> tuple[RevokeOrder, Secret | None]:
        """The order, and the passphrase of the CA where one is given. Raises Invalid."""
        values = cls.values(data, version=_VERSION)
        order = RevokeOrder(certificate=certificate, reason=REASONS[values["reason"]], may_blame_ca=True)
        return order, values.get("caPassphrase")


class RenewIn(Input):
    """What the successor of a certificate is made with. The body may be absent."""

    example = {"validityDays": 365}

    validityDays = _validity("as long as before")
    csrPem = Text(required=False, max_length=LONGEST_CSR, help_text="Needed where a CSR was given before.")
    caPassphrase = _ca_passphrase()

    @classmethod
    def read(cls, data: Any, certificate: Ref) -> RenewOrder:
        """Without a CSR for a key that is made here, as often as it is asked for. Raises Invalid."""
        values = cls.values(data, version=_VERSION)
        return RenewOrder(
            certificate=certificate,
            key=read_csr(values["csrPem"]) if "csrPem" in values else Managed(),
            validity=_days(values),
            as_long=True,
            passphrase=values.get("caPassphrase"),
            again=True,
        )


class AuthorityIn(Input):
    """A new CA that answers Certman's clients: a root, or an intermediate under `parentCaId`."""

    example = {
        "name": "Production Root CA",
        "commonName": "Production Root CA",
        "organization": "Acme Corp",
        "country": "US",
        "keyAlgorithm": "ECDSA-P384",
        "validityDays": 3650,
    }

    name = Text(required=False, max_length=120, help_text="The common name if absent.")
    commonName = Text(max_length=64)
    organization = Text(required=False, max_length=64)
    country = Text(required=False, max_length=2)
    state = Text(required=False, max_length=128)
    locality = Text(required=False, max_length=128)
    keyAlgorithm = KeyChoice(default="ECDSA-P256")
    validityDays = Whole(
        required=False,
        min_value=1,
        max_value=_LONGEST_CA_DAYS,
        help_text="3650 for a root, 1825 below one if absent.",
    )
    pathLength = Whole(required=False, min_value=0, max_value=32, help_text="How many CAs may stand below.")
    parentCaId = Id(required=False, help_text="The CA that signs it.")
    parentPassphrase = SecretText(required=False, help_text="The parent's, where it has one.")
    passphrase = SecretText(required=False, help_text="Protects the key: nothing is signed without it.")

    @classmethod
    def read(cls, data: Any, *, home: Ref) -> AuthorityOrder:
        """Raises Invalid."""
        values = cls.values(data, version=_VERSION)
        return AuthorityOrder(
            organization=home,
            name=values.get("name", values["commonName"]),
            subject=name_from_mapping({ours: values[name] for name, ours in _NAME.items() if name in values}),
            key_algorithm=KEY_ALGORITHMS[values["keyAlgorithm"]],
            validity=_days(values),
            path_length=values.get("pathLength"),
            parent=values.get("parentCaId"),
            parent_passphrase=values.get("parentPassphrase"),
            passphrase=values.get("passphrase"),
            dialect=Dialect.CERTMAN,
        )


def _contradictions(values: Mapping[str, Any]) -> Iterator[FieldError]:
    """What the mode asks for and is not there, and what it has no use for."""
    if values["mode"] == _MANAGED:
        if "commonName" not in values:
            yield required("commonName")
        if "csrPem" in values:
            yield field_error(
                "csrPem", "contradiction", _("In managed mode the key is made here; a CSR brings its own.")
            )
        return
    if "csrPem" not in values:
        yield required("csrPem")
    if "keyAlgorithm" in values:
        yield field_error("keyAlgorithm", "contradiction", _("A CSR brings its own key."))


def _key_algorithm(values: Mapping[str, Any]) -> KeyAlgorithm | None:
    return KEY_ALGORITHMS[values["keyAlgorithm"]] if "keyAlgorithm" in values else None


def _days(values: Mapping[str, Any]) -> timedelta | None:
    return timedelta(days=values["validityDays"]) if "validityDays" in values else None
