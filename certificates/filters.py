r"""The language of filters: `status:issued,cn:*.acme.com,expires_lt:30d`.

    filter = term {"," term}            every term must be true
    term   = field ":" value            equal; names may have wildcards: *.acme.com, www.*, a*b
           | field "_in:" value {"|" value}   one of these; ";" separates as well
           | field "_lt:" time | field "_gt:" time
    time   = 30d | -2w | 2026-01-15 | 2026-01-15T08:00:00Z      units: h d w m (30 days) y (365 days)

"…" quotes what else would separate, \ quotes one character; a wildcard works inside quotes, \* is a star.

What is wrong is told of `filter[2]`, the third term, or of `filter` where it is about the whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from cas.core.keys import KeyAlgorithm, KeyFamily
from certificates.models import Certificate
from certificates.orders import CertificateFilter, Names, OneOf, Pattern, Period, SerialNumber, Serials, Status, Term
from kernel.errors import FieldError, Invalid
from kernel.text import _

_FIELD: Final = "filter"
LONGEST: Final = 4000
_MOST_TERMS: Final = 50
_MOST_VALUES: Final = 200
_WILDCARD: Final = "*"

_UNITS: Final = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "m": timedelta(days=30),
    "y": timedelta(days=365),
}
_DURATION: Final = re.compile(r"([+-]?)([0-9]{1,6})([hdwmy])")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OCTETS: Final = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})+")
_SHA1: Final = re.compile(r"[0-9a-f]{40}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
# RFC 5280 4.1.2.2: at most 20 octets, which are 49 decimal digits.
_SERIAL_LIMIT: Final = 2**160
_DIGITS: Final = re.compile(r"[0-9a-f]{1,49}")

# A character, and whether it may separate or stand for others.
_Sign = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class _Raw:
    """A term as it was written, taken apart, and what an error about it is told of."""

    place: str
    text: str
    field: str
    operator: str
    values: tuple[tuple[_Sign, ...], ...]
    at: datetime

    def error(self, code: str, template: str, /, **details: object) -> Invalid:
        """Invalid on the term's place; every sentence names the term."""
        return Invalid.of(self.place, code, template, term=self.text[:200], **details)

    @property
    def words(self) -> tuple[str, ...]:
        """The values, where wildcards mean nothing. Raises Invalid."""
        if any(sign == (_WILDCARD, True) for value in self.values for sign in value):
            raise self.error("no-wildcard", _("%(term)s: this field knows no wildcards; \\* is a star."))
        return tuple(_text(value) for value in self.values)


def parse_filter(text: str, *, at: datetime, words: Iterable[tuple[str, str]] = ()) -> CertificateFilter:
    """The filter that a text means at this time; empty text lets everything through.

    `words` are terms that come apart, `expires_lt` and `30d`: in their values commas and colons separate nothing.
    Raises Invalid with everything that is wrong, each on its term (`filter[0]` is the first) or on its word.
    """
    return _parse(text, at, for_people=False, words=words)


def parse_search(text: str, *, at: datetime) -> CertificateFilter:
    """The same for people, who may leave the field out: fingerprints, serial numbers and names are told apart."""
    return _parse(text, at, for_people=True)


def _parse(text: str, at: datetime, *, for_people: bool, words: Iterable[tuple[str, str]] = ()) -> CertificateFilter:
    readers = [partial(_read_word, word, value, at) for word, value in words]
    terms: list[Term] = []
    errors: list[FieldError] = []
    try:
        readers += [partial(_read_term, place, signs, at, for_people) for place, signs in _written(text)]
    except Invalid as error:
        errors += error.errors
    if len(readers) > _MOST_TERMS:
        raise Invalid.of(_FIELD, "too-many", _("A filter has at most %(most)s terms."), most=_MOST_TERMS)
    for read in readers:
        try:
            terms.append(read())
        except Invalid as error:
            errors += error.errors
    if errors:
        raise Invalid(errors=errors)
    return CertificateFilter(at=at, terms=tuple(terms))


def _written(text: str) -> list[tuple[str, tuple[_Sign, ...]]]:
    """The terms of a text, each with its place. Raises Invalid."""
    _require_short(_FIELD, text)
    parts = enumerate(_split(_signs(text, _FIELD), ","))
    return [(f"{_FIELD}[{number}]", _stripped(signs)) for number, signs in parts if _text(signs).strip()]


def _require_short(place: str, text: str) -> None:
    if len(text) > LONGEST:
        raise Invalid.of(place, "too-long", _("A filter has at most %(longest)s characters."), longest=LONGEST)


def _read_word(word: str, value: str, at: datetime) -> Term:
    _require_short(word, value)
    name, operator = _field_and_operator(word)
    return _term(_Raw(word, f"{word}:{value}", name, operator, _values(_signs(value, word), operator), at))


def _read_term(place: str, signs: tuple[_Sign, ...], at: datetime, for_people: bool) -> Term:
    head, *rest = _split(signs, ":", most=2)
    if for_people and (not rest or _OCTETS.fullmatch(_text(signs))):
        return _guess(signs)
    name, operator = _field_and_operator(_text(head).strip())
    raw = _Raw(place, _text(signs), name, operator, _values(rest[0], operator) if rest else (), at)
    if not rest:
        raise raw.error("unreadable-term", _("%(term)s: a term is field:value."))
    return _term(raw)


def _term(raw: _Raw) -> Term:
    name, operator = raw.field, raw.operator
    if name not in _FIELDS:
        raise raw.error("unknown-field", _("%(term)s: there is no such field."))
    read, operators = _FIELDS[name]
    if operator not in operators:
        raise raw.error("unknown-operator", _("%(term)s: this field has no such operator."))
    if not all(_text(each).strip() for each in raw.values):
        raise raw.error("value-missing", _("%(term)s: a value is missing."))
    if len(raw.values) > _MOST_VALUES:
        raise raw.error("too-many", _("%(term)s: more than %(most)s values."), most=_MOST_VALUES)
    return read(raw)


def _field_and_operator(head: str) -> tuple[str, str]:
    """`expires_lt` is field and operator; what begins with no field of ours stays in one piece."""
    name, _underscore, operator = head.rpartition("_")
    if head not in _NAMES and name in _NAMES:
        return _NAMES[name], operator
    return _NAMES.get(head, head), ""


def _values(value: tuple[_Sign, ...], operator: str) -> tuple[tuple[_Sign, ...], ...]:
    several = _split(value, "|;") if operator == "in" else [value]
    return tuple(_stripped(each) for each in several)


# --- characters -------------------------------------------------------------------------------------------------------


def _signs(text: str, place: str) -> tuple[_Sign, ...]:
    """The characters without their quoting. Raises Invalid where a quote is not closed."""
    signs: list[_Sign] = []
    is_quoted = is_escaped = False
    opened = 0
    for position, character in enumerate(text, start=1):
        if is_escaped:
            signs.append((character, False))
            is_escaped = False
        elif character == "\\":
            is_escaped = True
        elif character == '"':
            is_quoted, opened = not is_quoted, position
        else:
            signs.append((character, not is_quoted or character == _WILDCARD))
    if is_quoted or is_escaped:
        sentence = _("The quotation mark or backslash at character %(position)s has nothing after it.")
        raise Invalid.of(place, "unclosed-quote", sentence, position=len(text) if is_escaped else opened)
    return tuple(signs)


def _split(signs: Sequence[_Sign], separators: str, most: int = 0) -> list[tuple[_Sign, ...]]:
    """The parts between the separators that are not quoted; at most so many, where a number is given."""
    parts: list[list[_Sign]] = [[]]
    for character, is_plain in signs:
        if is_plain and character in separators and len(parts) != most:
            parts.append([])
        else:
            parts[-1].append((character, is_plain))
    return [tuple(part) for part in parts]


def _text(signs: Iterable[_Sign]) -> str:
    return "".join(character for character, _is_plain in signs)


def _stripped(signs: tuple[_Sign, ...]) -> tuple[_Sign, ...]:
    """Without the spaces around it that are not quoted."""
    blanks = [not (character.isspace() and is_plain) for character, is_plain in signs]
    if True not in blanks:
        return ()
    return signs[blanks.index(True) : len(blanks) - blanks[::-1].index(True)]


def _pattern(signs: tuple[_Sign, ...]) -> Pattern:
    parts = [_text(part).lower() for part in _split(signs, _WILDCARD)]
    # Two wildcards side by side are one.
    return Pattern((parts[0], *filter(None, parts[1:-1]), *parts[1:][-1:]))


# --- values -----------------------------------------------------------------------------------------------------------


def _read_names(raw: _Raw) -> Term:
    field: Any = raw.field
    return Names(field, tuple(_pattern(value) for value in raw.values))


def _read_words(raw: _Raw) -> Term:
    field: Any = raw.field
    return OneOf(field, raw.words)


def _read_choice(choices: Iterable[str]) -> Callable[[_Raw], Term]:
    known = frozenset(choices)

    def read(raw: _Raw) -> Term:
        field: Any = raw.field
        values = tuple(word.lower() for word in raw.words)
        for value in values:
            if value not in known:
                text = _("%(term)s: %(value)s is not one of %(known)s.")
                raise raw.error("unknown-value", text, value=value[:80], known=", ".join(sorted(known)))
        return OneOf(field, values)

    return read


def _read_fingerprint(raw: _Raw) -> Term:
    values = tuple(_plain_hex(word) for word in raw.words)
    if not all(_SHA256.fullmatch(value) or _SHA1.fullmatch(value) for value in values):
        text = _("%(term)s: a fingerprint is SHA-256 or SHA-1, 64 or 40 hexadecimal digits.")
        raise raw.error("unknown-value", text)
    return OneOf("fingerprint", values)


def _read_key(raw: _Raw) -> Term:
    values: list[str] = []
    for word in raw.words:
        name = word.upper().replace("-", "_")
        if name in KeyAlgorithm.__members__:
            values.append(name)
        elif name in KeyFamily.__members__:
            values += [algorithm.value for algorithm in KeyAlgorithm if algorithm.family == KeyFamily[name]]
        elif _SHA256.fullmatch(_plain_hex(word)):
            values.append(_plain_hex(word))
        else:
            raise raw.error("unknown-value", _("%(term)s: a key is an algorithm, or the SHA-256 of its SPKI."))
    return OneOf("key", tuple(values))


def _read_serials(raw: _Raw) -> Term:
    found = []
    for value in raw.values:
        is_beginning = value[-1] == (_WILDCARD, True)
        number = read_serial(_text(value[:-1] if is_beginning else value), is_beginning=is_beginning)
        if number is None:
            text = _("%(term)s: a serial number is hexadecimal or decimal, and has at most 20 octets.")
            raise raw.error("unknown-value", text)
        found.append(number)
    return Serials(tuple(found))


def read_serial(text: str, *, is_beginning: bool = False) -> SerialNumber | None:
    """Every reading of a serial number, in any notation; None where there is none."""
    compact = _plain_hex(text)
    has_notation = ":" in text or text.strip().lower().startswith("0x")
    if not _DIGITS.fullmatch(compact):
        return None
    readings = [int(compact, 16)]
    if compact.isdecimal() and not has_notation and not is_beginning:
        readings.append(int(compact))
    known = tuple(dict.fromkeys(f"{number:x}" for number in readings if number < _SERIAL_LIMIT))
    return SerialNumber(known, is_beginning) if known else None


def _plain_hex(text: str) -> str:
    """Lower case, without colons, spaces and `0x`."""
    return re.sub(r"[:\s]", "", text.lower()).removeprefix("0x")


def _read_time(raw: _Raw) -> Term:
    (word,) = raw.words
    field: Any = raw.field
    begin, end = _moment(raw, word)
    match raw.operator:
        case "lt":
            return Period(field, before=begin)
        case "gt":
            return Period(field, since=end)
    if begin == end:
        text = _("%(term)s: a duration goes with %(field)s_lt or %(field)s_gt.")
        raise raw.error("unknown-value", text, field=raw.field)
    return Period(field, since=begin, before=end)


def _moment(raw: _Raw, word: str) -> tuple[datetime, datetime]:
    """From when until when the word lasts: a day, a second, or (a duration from now) no time at all."""
    try:
        if duration := _DURATION.fullmatch(word):
            sign, number, unit = duration.groups()
            # What was issued lies behind us, and what expires or renews before.
            is_past = sign == "-" or (not sign and raw.field in ("issued", "created"))
            moment = raw.at + (-1 if is_past else 1) * int(number) * _UNITS[unit]
            return moment, moment
        moment = datetime.fromisoformat(word)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment, moment + (timedelta(days=1) if _DATE.fullmatch(word) else timedelta(seconds=1))
    except (ValueError, OverflowError) as error:
        text = _("%(term)s: a time is a duration such as 30d, a date, or a date and time (ISO 8601).")
        raise raw.error("unknown-value", text) from error


# --- words without a field --------------------------------------------------------------------------------------------


def _guess(signs: tuple[_Sign, ...]) -> Term:
    """64 hexadecimal digits are a fingerprint; 8 or more, or 12 decimal ones, the beginning of a serial number, which
    40 of them need not be.
    """
    text = _text(signs)
    compact = _plain_hex(text)
    if _SHA256.fullmatch(compact):
        return OneOf("fingerprint", (compact,))
    if re.fullmatch(r"[0-9]{12,49}", compact) and (number := read_serial(text)):
        return Serials((number,))
    if re.fullmatch(r"[0-9a-f]{8,40}", compact) and (number := read_serial(text, is_beginning=True)):
        return Serials((number,), sha1=compact if _SHA1.fullmatch(compact) else "")
    pattern = _pattern(signs)
    is_whole = len(pattern.parts) > 1 or "." in text or "@" in text
    return Names("name", (pattern if is_whole else Pattern(("", *pattern.parts, "")),))


_EQUAL: Final = ("", "in")
_TIMES: Final = ("", "lt", "gt")
_FIELDS: Final[dict[str, tuple[Callable[[_Raw], Term], tuple[str, ...]]]] = {
    "status": (_read_choice(Status), _EQUAL),
    "source": (_read_choice(Certificate.Source.values), _EQUAL),
    "key_custody": (_read_choice(Certificate.KeyCustody.values), _EQUAL),
    **dict.fromkeys(("cn", "san", "name"), (_read_names, _EQUAL)),
    **dict.fromkeys(("org", "ca", "template", "tag", "owner", "requester"), (_read_words, _EQUAL)),
    **dict.fromkeys(("expires", "issued", "created", "renew"), (_read_time, _TIMES)),
    "serial": (_read_serials, _EQUAL),
    "fingerprint": (_read_fingerprint, _EQUAL),
    "key": (_read_key, _EQUAL),
}
_NAMES: Final = {name: name for name in _FIELDS} | {"fp": "fingerprint"}
# Every field with each of its operators: `expires`, `expires_lt`, `expires_gt`.
WORDS: Final = tuple(
    f"{name}_{operator}" if operator else name for name, (_read, operators) in _FIELDS.items() for operator in operators
)
