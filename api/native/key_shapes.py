"""What the native API takes and shows of API keys and service accounts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from accounts.grants import GrantOrder
from accounts.models import ApiKey, Organization
from accounts.roles import ORGANIZATION_PERMISSIONS
from api.common.fields import Duration, Flag, Id, Made, Moment, Rows, Text, Texts
from api.common.inputs import Input
from api.common.outputs import Output, flag, identity, moment, one_of, text, texts
from api.native.input_parts import words
from api.native.outputs import SECRET
from cas.selectors import authorities
from kernel.actor import Actor
from kernel.errors import FieldError, Invalid, field_error
from kernel.ref import Ref
from kernel.text import _

_KNOWN: Final = ", ".join(sorted(ORGANIZATION_PERMISSIONS))
_MOST_CAS: Final = 100
_OWNER: Final = "The e-mail address of the member who answers for it; the one who makes it where absent."


class GrantIn(Input):
    """What may be done with one CA."""

    example = {"can_read": True, "can_issue": True}

    pki_id = Id(help_text="The CA.")
    can_read = Flag(required=False, help_text="See it, its roles and templates, its certificates and requests.")
    can_issue = Flag(required=False, help_text="Issue and renew.")
    can_revoke = Flag(required=False)
    can_export = Flag(required=False, help_text="Export private keys that are stored; only with `can_read`.")


def _grants() -> Rows:
    text = "The only CAs that there are for it, and what it may do there; in the place of `permissions`."
    return Rows(GrantIn, most=_MOST_CAS, required=False, help_text=text)


def _permissions() -> Texts:
    return Texts(required=False, longest=40, min_length=1, help_text=f"At least one of: {_KNOWN}.")


class ApiKeyIn(Input):
    """A new key: with permissions in the whole organization, or with grants at single CAs. It never has more rights
    than its owner and the one who makes it.
    """

    example = {"name": "ci", "permissions": ["certificates:issue", "certificates:read"]}

    organization_id = Id(required=False)
    name = Text(max_length=120)
    owner = Text(required=False, max_length=254, help_text=_OWNER)
    permissions = _permissions()
    grants = _grants()
    expires_at = Moment(required=False)
    allowed_cidrs = words(help_text="Address ranges such as 10.0.0.0/8; everywhere where absent.")


class RotationIn(Input):
    """A new key in the place of one."""

    example = {"overlap": "7d"}

    overlap = Duration(
        required=False, help_text="For how long the old key works on, at most 30d; where absent, it stops now."
    )
    expires_at = Moment(required=False, help_text="As far from now as the old one's was from its beginning.")


class ServiceAccountIn(Input):
    """A new service account: with permissions in the whole organization, or with grants at single CAs."""

    example = {"name": "deploy", "permissions": ["certificates:issue", "certificates:read"]}

    organization_id = Id(required=False)
    name = Text(max_length=120)
    description = Text(required=False, allow_blank=True, max_length=1000)
    owner = Text(required=False, max_length=254, help_text=_OWNER)
    permissions = _permissions()
    grants = _grants()


class ServiceAccountChangeIn(Input):
    """What is not named stays as it is."""

    example = {"description": "The deploy job of the web shop."}

    name = Text(required=False, max_length=120)
    description = Text(required=False, allow_blank=True, max_length=1000)
    permissions = _permissions()
    grants = _grants()


class GrantOut(Output):
    """What may be done with one CA."""

    pki_id = identity(source="ca")
    pki_name = text(source="ca.name")
    can_read = flag()
    can_issue = flag()
    can_revoke = flag()
    can_export = flag()


class CredentialOut(Output):
    """What API keys and service accounts have in common."""

    id = identity()
    organization_id = identity(source="organization")
    name = text()
    owner = text(source="owner.email", help_text="Who answers for it.")
    maker = text(
        source="maker.email",
        allow_null=True,
        help_text="Who made it; null: the console. One that its owner has not made in person decides on no requests.",
    )
    permissions = texts(help_text="Empty where it is let to single CAs: `grants` says what it may do there.")
    grants = GrantOut(many=True, read_only=True)
    created_at = moment()


def _neighbour(name: str) -> Made:
    """The id of a key beside this one; None without one. Django knows no null at the far end of a one-to-one."""
    return Made(
        lambda key: None if (other := getattr(key, name, None)) is None else str(other.public_id),
        {"type": ["string", "null"], "format": "uuid"},
    )


class ApiKeyOut(CredentialOut):
    """A credential for programs. Its token is shown once, when it is made."""

    kind = one_of(ApiKey.Kind.values, help_text="`cm`: let to single CAs.")
    prefix = text(help_text="The beginning of the token, to tell keys apart.")
    allowed_cidrs = texts(help_text="Where it may be used from; everywhere if empty.")
    replaces = _neighbour("replaces")
    replaced_by = _neighbour("successor")
    expires_at = moment(allow_null=True)
    revoked_at = moment(allow_null=True)
    last_used_at = moment(allow_null=True)
    last_used_ip = text(allow_null=True)


class TokenOut(Output):
    """What is shown once of a new key."""

    token = Made(
        lambda new: new.token.reveal().decode(),
        SECRET
        | {"pattern": "^(pkf|cm)_[A-Za-z0-9]{32}$", "description": "Shown this once; only a keyed hash is kept."},
    )


class NewApiKeyOut(ApiKeyOut, TokenOut):
    """A key that was made now, and its token."""


class ServiceAccountOut(CredentialOut):
    """A machine that acts for an organization under a name of its own. Certificates and tokens are bound to it."""

    description = text()
    active = flag(source="is_active")


def read_grants(rows: Iterable[Any], organization: Organization, actor: Actor, *, version: str) -> list[GrantOrder]:
    """The grants that a body asks for. Raises Invalid: also for a CA that the actor does not see."""
    read: list[tuple[Ref, dict[str, Any]]] = []
    errors: list[FieldError] = []
    for index, row in enumerate(rows):
        try:
            values = GrantIn.values(row, version=version)
            read.append((values.pop("pki_id"), values))
        except Invalid as error:
            errors += [field_error_at(f"grants[{index}]", each) for each in error.errors]
    if errors:
        raise Invalid(errors=errors)
    visible = authorities(visible_to=actor).filter(organization=organization)
    column = read[0][0].by if read else "pk"
    known = dict(visible.filter(**{f"{column}__in": [ref.value for ref, _rights in read]}).values_list(column, "pk"))
    text = _("There is no such certificate authority.")
    missing = [
        field_error(f"grants[{index}].pki_id", "ca-not-found", text)
        for index, (ref, _rights) in enumerate(read)
        if ref.value not in known
    ]
    if missing:
        raise Invalid(errors=missing)
    return [GrantOrder(known[ref.value], **({"can_read": True} | rights)) for ref, rights in read]


def field_error_at(place: str, error: FieldError) -> FieldError:
    """The same error of a row within a list."""
    return FieldError(f"{place}.{error.field}" if error.field else place, error.code, error.message)
