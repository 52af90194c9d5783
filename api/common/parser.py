"""The one parser of request bodies: JSON (RFC 8259) without the freedoms that two readers could use differently."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any, Final, NoReturn

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from api.common.errors import Malformed, TooLarge
from kernel.text import _

LARGEST_BODY: Final = 1024 * 1024
DEEPEST: Final = 32
_LONGEST_NUMBER: Final = 40
# A string, closed or running on to the end of the text; or one bracket. Possessive, so that no input makes it slow.
_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class StrictJsonParser(BaseParser):
    """UTF-8 JSON objects of at most `LARGEST_BODY` bytes and `DEEPEST` levels.

    Refuses duplicate keys, NaN and infinities, numbers of more than 40 characters, NUL, lone surrogates, and every
    body that is not an object. Raises Malformed, TooLarge, UnsupportedMediaType (another charset, a coding).
    """

    media_type = "application/json"
    largest = LARGEST_BODY

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        _require_plain(parser_context or {}, media_type or "")
        raw = stream.read(self.largest + 1)
        if len(raw) > self.largest:
            raise TooLarge(_("The body is longer than %(limit)s bytes."), limit=self.largest)
        return read_object(raw)


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object that these bytes are. Raises Malformed."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(_("The body is not UTF-8 text.")) from error
    _require_shallow(text)
    try:
        value = _decoder.decode(text)
    except json.JSONDecodeError as error:
        sentence = _("The body is not JSON: line %(line)s, column %(column)s.")
        raise Malformed(sentence, line=error.lineno, column=error.colno) from error
    _require_storable(value)
    if not isinstance(value, dict):
        raise Malformed(_("The body must be a JSON object."))
    return value


def _require_plain(context: Mapping[str, Any], media_type: str) -> None:
    request = context.get("request")
    charset = re.search(r"charset\s*=\s*\"?([^\";\s]*)", media_type, re.IGNORECASE)
    coding = request.META.get("HTTP_CONTENT_ENCODING", "identity") if request is not None else "identity"
    if (charset and charset[1].lower() not in ("utf-8", "utf8")) or coding.lower() != "identity":
        raise UnsupportedMediaType(media_type)


def _require_shallow(text: str) -> None:
    """Before the parser sees it: a parser that follows a million brackets needs a stack for them."""
    depth = 0
    for match in _TOKEN.finditer(text):
        character = match[0][0]
        if character in "[{":
            depth += 1
            if depth > DEEPEST:
                raise Malformed(_("The body is nested more than %(limit)s levels deep."), limit=DEEPEST)
        elif character in "]}":
            depth -= 1


def _require_storable(value: object) -> None:
    """No text that a database or an encoder cannot take."""
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            rest += [*item, *item.values()]
        elif isinstance(item, list):
            rest += item
        elif isinstance(item, str) and "\0" in item:
            raise Malformed(_("The body holds a NUL character."))
        elif isinstance(item, str) and _SURROGATE.search(item):
            raise Malformed(_("The body holds half of a surrogate pair."))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(name for name, _value in pairs)
        twice = next(name for name, times in counts.items() if times > 1)
        raise Malformed(_("The body has the field %(name)s twice."), name=repr(twice)[:80])
    return found


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise Malformed(_("The body holds a number of more than %(limit)s characters."), limit=_LONGEST_NUMBER)
    return int(text)


def _real(text: str) -> float:
    if len(text) > _LONGEST_NUMBER or (number := float(text)) in (float("inf"), float("-inf")):
        raise Malformed(_("The body holds a number that is too large."))
    return number


def _no_constant(name: str) -> NoReturn:
    raise Malformed(_("%(name)s is not JSON."), name=name)


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_real, parse_constant=_no_constant
)
