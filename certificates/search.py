"""The register, searched: what a filter lets through, in pages that stay where they are, and how many there are."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from operator import and_, or_
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from django.db.models import F, Lookup, Q, QuerySet

from accounts.models import Organization, User
from accounts.selectors import organizations, under_granted_cas
from cas.models import Template
from cas.selectors import authorities
from certificates.models import Certificate, CertificateBody, CertificateName, CertificateTag
from certificates.orders import (
    CertificateFilter,
    Names,
    OneOf,
    Pattern,
    Period,
    SerialNumber,
    Serials,
    Status,
    Term,
)
from certificates.selectors import certificates, count_all
from kernel.actor import Actor
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ref import Ref
from kernel.text import _

# Counting further than this costs more than the number is worth.
COUNTED: Final = 10_000
# What no index finds is looked for so long, in milliseconds.
_PATIENCE: Final = 5_000
_QUERY_CANCELED: Final = "57014"
_LAST_CHARACTER: Final = chr(0x10FFFF)
_SHA1_LENGTH: Final = 40
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

State = Certificate.State


class Order(StrEnum):
    """What lists can be sorted by: exactly what has an index."""

    NEWEST = "-id"
    OLDEST = "id"
    FIRST_TO_EXPIRE = "not_after"
    LAST_TO_EXPIRE = "-not_after"
    NAME = "common_name"
    NAME_BACKWARDS = "-common_name"

    @property
    def column(self) -> str:
        return self.value.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        return self.value.startswith("-")


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page, by what the list is sorted by, and by its number."""

    value: Any
    pk: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and after which the next page begins; None: this is the last."""

    rows: Sequence[Certificate]
    next: Position | None


@dataclass(frozen=True, slots=True)
class Total:
    """How many there are; where it is an estimate, at least so many."""

    value: int
    is_estimate: bool = False


def search_certificates(
    wanted: CertificateFilter,
    *,
    visible_to: Actor,
    after: Position | None = None,
    offset: int = 0,
    limit: int = 50,
    order: Order = Order.NEWEST,
    columns: Collection[str] = (),
) -> Page:
    """One page of what the filter lets through. Neither inserts nor deletes shift what comes `after` a position.

    `columns` are those that somebody will read (`ca__name` is one of the CA's); without any, all are fetched.

    Raises Conflict where a serial number has two readings and both exist, Invalid on `filter` where it takes too long.
    """
    rows = matching(wanted, visible_to=visible_to)
    if after is not None:
        rows = rows.filter(_beyond(after, order))
    if columns:
        joined = {column.partition("__")[0] for column in columns if "__" in column}
        rows = rows.select_related(None).select_related(*joined).only(*columns, order.column)
    sorting = [order.value] if order.column == "id" else [order.value, "-id" if order.is_descending else "id"]
    with patience(wanted):
        found = list(rows.order_by(*sorting)[offset : offset + limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return Page(found[:limit], Position(getattr(last, order.column), last.pk) if last else None)


def count_found(wanted: CertificateFilter, *, visible_to: Actor, exactly: bool = False) -> Total:
    """How many the filter lets through, counted to 10,000, or to the end. Raises what `search_certificates` raises."""
    if exactly and not wanted.terms:
        return Total(count_all(visible_to=visible_to))
    rows = matching(wanted, visible_to=visible_to).select_related(None).order_by()
    with patience(wanted):
        counted = (rows if exactly else rows[: COUNTED + 1]).count()
    return Total(counted) if exactly else Total(min(counted, COUNTED), is_estimate=counted > COUNTED)


def find_by_serial(number: SerialNumber, *, visible_to: Actor, ca: Ref | None = None) -> Certificate:
    """The one certificate that has this serial number, of this CA where one is named.

    Raises NotFound, and Conflict where it could be several: by another reading of the digits, or by another issuer.
    """
    rows = certificates(visible_to=visible_to)
    if ca is not None:
        rows = rows.filter(**{f"ca__{ca.by}": ca.value})
    found = list(rows.filter(serial__in=number.readings)[:3])
    if not found:
        raise NotFound(_("There is no such certificate."), code="certificate-not-found")
    if len({row.serial for row in found}) > 1:
        raise _two_readings(number)
    if len(found) > 1:
        text = _("Several issuers have used the serial number 0x%(serial)s: say which CA is meant.")
        raise Conflict(text, code="ambiguous-serial", serial=found[0].serial)
    return found[0]


def matching(wanted: CertificateFilter, *, visible_to: Actor) -> QuerySet[Certificate]:
    """What the filter lets through of what the actor may see, newest first.

    Raises Conflict where a serial number has two readings and both exist: a guess would show the wrong certificate.
    """
    rows = certificates(visible_to=visible_to)
    for term in wanted.terms:
        rows = rows.filter(_condition(term, wanted, visible_to))
    return rows


@contextmanager
def patience(wanted: CertificateFilter) -> Iterator[None]:
    """A limit on the time that a search may take where no index helps it, on PostgreSQL.

    Raises Invalid on `filter`.
    """
    if not any(map(_is_slow, wanted.terms)):
        yield
        return
    with time_limit(_PATIENCE):
        yield


@contextmanager
def time_limit(milliseconds: int) -> Iterator[None]:
    """On PostgreSQL: what takes longer ends with Invalid on `filter`."""
    if connection.vendor != "postgresql":
        yield
        return
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            (before,) = cursor.fetchone()
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(milliseconds)])
            yield
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != _QUERY_CANCELED:
            raise
        text = _("This takes too long to find: say how a name begins or ends, or narrow the filter otherwise.")
        raise Invalid.of("filter", "too-slow", text) from error


class Matches(Lookup):  # type: ignore[type-arg]
    """Text against a pattern; one that begins with text is found by an index of the column.

    PostgreSQL reads that out of LIKE by itself, SQLite is told.
    """

    lookup_name = "matches"
    prepare_rhs = False
    parts: tuple[str, ...]

    def __init__(self, column: str, parts: tuple[str, ...]) -> None:
        super().__init__(F(column), "")
        self.parts = parts

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        like = "%".join(map(_escaped, self.parts))
        return f"{column} LIKE %s ESCAPE '\\'", (*params, like)

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        sql, params = self.as_sql(compiler, connection)
        column, _params = self.process_lhs(compiler, connection)
        beginning = self.parts[0]
        if not beginning:
            return sql, params
        return f"({column} >= %s AND {column} < %s AND {sql})", (beginning, beginning + _LAST_CHARACTER, *params)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def _beyond(after: Position, order: Order) -> Q:
    comparison = "lt" if order.is_descending else "gt"
    further = Q(**{f"pk__{comparison}": after.pk})
    if order.column == "id":
        return further
    # The first condition follows from the second; an index needs it said.
    from_here = Q(**{f"{order.column}__{comparison}e": after.value})
    return from_here & (
        Q(**{f"{order.column}__{comparison}": after.value}) | Q(**{order.column: after.value}) & further
    )


def _is_slow(term: Term) -> bool:
    """Whether no index finds what the term is about."""
    match term:
        case Names():
            return any(
                len(pattern.parts) > 1 and not (pattern.parts[0] or pattern.parts[-1]) for pattern in term.patterns
            )
        case Period():
            return term.field != "expires"
        case OneOf():
            return term.field in ("source", "requester", "key", "key_custody")
    return False


def _condition(term: Term, wanted: CertificateFilter, actor: Actor) -> Q:
    match term:
        case Names():
            return _name_condition(term, actor)
        case Serials():
            numbers = reduce(or_, (_serial_condition(each, actor) for each in term.values))
            return numbers | _sha1_condition([term.sha1], actor) if term.sha1 else numbers
        case Period():
            return _period_condition(term)
        case OneOf("status"):
            return reduce(or_, (_status_condition(Status(value), wanted) for value in term.values))
        case OneOf("key"):
            return Q(key_algorithm__in=term.values) | Q(key_hash__in=term.values)
        case OneOf("tag"):
            tags = _of_organization(CertificateTag.objects.filter(value__in=term.values), actor)
            return Q(pk__in=tags.values("certificate_id"))
        case OneOf("fingerprint"):
            return _fingerprint_condition(term.values, actor)
        case OneOf("key_custody"):
            return Q(key_custody__in=term.values)
        case OneOf("source"):
            return Q(source__in=term.values)
        case OneOf("requester"):
            return Q(requester_label__in=term.values)
    column, rows, words = _named(term, actor)
    return Q(
        **{f"{column}__in": list(rows.filter(_called(term.values, words)).order_by().values_list("pk", flat=True))}
    )


def _named(term: OneOf, actor: Actor) -> tuple[str, QuerySet[Any], tuple[str, ...]]:
    """The column, the rows that it may point to, and what these are called by."""
    match term.field:
        case "ca":
            return "ca_id", authorities(visible_to=actor), ("slug", "name")
        case "template":
            return "template_id", under_granted_cas(Template.objects.all(), actor), ("code",)
        case "org":
            return "organization_id", organizations(visible_to=actor), ("slug", "name")
    return "owner_id", User.objects.all(), ("email__iexact", "username")


def _called(values: Sequence[str], words: tuple[str, ...]) -> Q:
    """The rows that have one of these values as a number, as a public id or as a word of theirs."""
    condition = Q(pk__in=[])
    for value in values:
        condition |= reduce(or_, (Q(**{word: value}) for word in words))
        if _NUMBER.fullmatch(value):
            condition |= Q(pk=int(value))
        if _UUID.fullmatch(value):
            condition |= Q(public_id=value)
    return condition


def _name_condition(term: Names, actor: Actor) -> Q:
    rows = CertificateName.objects.filter(reduce(or_, (_pattern_condition(each) for each in term.patterns)))
    if term.field == "cn":
        rows = rows.filter(type=CertificateName.Type.COMMON_NAME)
    elif term.field == "san":
        rows = rows.exclude(type=CertificateName.Type.COMMON_NAME)
    return Q(pk__in=_of_organization(rows, actor).values("certificate_id"))


def _pattern_condition(pattern: Pattern) -> Q:
    parts = pattern.parts
    if len(parts) == 1:
        return Q(value=parts[0])
    if not parts[0] and parts[-1]:
        return Q(Matches("reversed", tuple(part[::-1] for part in reversed(parts))))
    return Q(Matches("value", parts))


def _of_organization(rows: QuerySet[Any], actor: Actor) -> QuerySet[Any]:
    """The index begins with the organization, so those who see several look into each."""
    if actor.organization_id is None:
        return rows.filter(organization_id__in=Organization.objects.values("pk"))
    return rows.filter(organization_id=actor.organization_id)


def _serial_condition(number: SerialNumber, actor: Actor) -> Q:
    if number.is_beginning:
        (beginning,) = number.readings
        # After every hexadecimal digit, in whatever order the database has its letters.
        return Q(serial__gte=beginning, serial__lt=beginning + "g")
    if len(number.readings) > 1:
        rows = certificates(visible_to=actor).filter(serial__in=number.readings).order_by()
        if len(set(rows.values_list("serial", flat=True))) > 1:
            raise _two_readings(number)
    return Q(serial__in=number.readings)


def _fingerprint_condition(values: Sequence[str], actor: Actor) -> Q:
    found = Q(fingerprint__in=values)
    short = [value for value in values if len(value) == _SHA1_LENGTH]
    return found | _sha1_condition(short, actor) if short else found


def _sha1_condition(values: Sequence[str], actor: Actor) -> Q:
    """Found first, so that what follows is by number: no index serves two questions of two tables at once."""
    rows = _of_organization(CertificateBody.objects.filter(sha1__in=values), actor)
    return Q(pk__in=list(rows.values_list("certificate_id", flat=True)))


def _two_readings(number: SerialNumber) -> Conflict:
    text = _("0x%(hex)s and 0x%(decimal)s both exist: write the one that is meant with its 0x.")
    return Conflict(text, code="ambiguous-serial", hex=number.readings[0], decimal=number.readings[1])


def _period_condition(term: Period) -> Q:
    columns = {"expires": "not_after", "issued": "not_before", "created": "created_at", "renew": "renew_at"}
    column = columns[term.field]
    bounds = {"gte": term.since, "lt": term.before}
    return reduce(
        and_, (Q(**{f"{column}__{how}": moment}) for how, moment in bounds.items() if moment is not None), Q()
    )


def _status_condition(status: Status, wanted: CertificateFilter) -> Q:
    match status:
        case Status.ISSUED:
            return Q(state=State.ISSUED, not_after__gte=wanted.at)
        case Status.EXPIRED:
            return Q(state=State.ISSUED, not_after__lt=wanted.at)
        case Status.HELD:
            return Q(state=State.HELD)
        case Status.REVOKED:
            return Q(state=State.REVOKED)
    return Q(pk__in=[])
