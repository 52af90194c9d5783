"""A request against its template, line by line: what was asked for, what the template allows, what will be issued."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from cryptography.x509 import ExtendedKeyUsage, GeneralName, KeyUsage, SubjectAlternativeName
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cas.admin.words import allowed_keys, duration_text, keys_text, names_text, purposes_text
from cas.core.attributes import BY_NAME
from cas.core.csr import CsrFacts, read_csr
from cas.core.general_names import canonical, general_name_text, kind_of
from cas.core.names import name_to_mapping
from cas.core.usages import KEY_USAGES, parse_oid
from cas.describe import describe_extensions, key_words, purpose_words, usage_words
from certificates.models import Request
from certificates.services.review import Findings
from kernel.errors import FieldError, Invalid

_SHOWN_ELSEWHERE: Final = (SubjectAlternativeName, KeyUsage, ExtendedKeyUsage)


class Verdict(StrEnum):
    """What became of one thing that was asked for, or of all of them."""

    OK = "ok"
    ADDED = "added"
    REPLACED = "replaced"
    LEFT_OUT = "left-out"
    BLOCKED = "blocked"

    @property
    def label(self) -> str | Promise:
        return _LOOKS[self][0]

    @property
    def tone(self) -> str:
        return _LOOKS[self][1]

    @property
    def icon(self) -> str:
        return _LOOKS[self][2]

    @property
    def is_difference(self) -> bool:
        """Whether whoever asked gets something else than was asked for."""
        return self in (Verdict.REPLACED, Verdict.LEFT_OUT)


_LOOKS: Final[Mapping[Verdict, tuple[str | Promise, str, str]]] = {
    Verdict.OK: (gettext_lazy("OK"), "ok", "check"),
    Verdict.ADDED: (gettext_lazy("Added"), "", "plus"),
    Verdict.REPLACED: (gettext_lazy("Replaced"), "warn", "refresh"),
    Verdict.LEFT_OUT: (gettext_lazy("Left out"), "warn", "alert"),
    Verdict.BLOCKED: (gettext_lazy("Blocked"), "bad", "ban"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing: empty where nothing was asked, nothing is said, or nothing will be issued."""

    label: str
    asked: str
    allowed: str
    issued: str
    verdict: Verdict
    findings: Findings = ()


@dataclass(frozen=True)
class Comparison:
    """All lines, worked out when somebody asks for them, and what stands against the request as a whole."""

    row: Request
    findings: Findings

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        document = self.row.profile.document if self.row.profile else {}
        rules = document.get("role", {}), document.get("template", {})
        return tuple(_Comparer(self.row, self._csr, self.findings, *rules).lines())

    @property
    def is_signed(self) -> bool | None:
        """Whether the CSR is signed by the key that is in it; None where there is no CSR."""
        return None if self.row.csr is None else self._csr is not None

    @cached_property
    def _csr(self) -> CsrFacts | None:
        if self.row.csr is None:
            return None
        with suppress(Invalid):
            return read_csr(bytes(self.row.csr))
        return None

    @cached_property
    def about_all(self) -> Findings:
        """What stands against it and against no line of its own."""
        shown = {finding for line in self.lines for finding in line.findings}
        return tuple(finding for finding in self.findings if finding not in shown)

    @cached_property
    def differences(self) -> int:
        return sum(line.verdict.is_difference for line in self.lines)

    @property
    def verdict(self) -> Verdict:
        if self.findings:
            return Verdict.BLOCKED
        return Verdict.REPLACED if self.differences else Verdict.OK


def compare(row: Request, findings: Findings) -> Comparison:
    """`findings` is what the policy of now says about the request; `row.profile` holds the rules it was asked under."""
    return Comparison(row, findings)


@dataclass(frozen=True, slots=True)
class _Comparer:
    row: Request
    csr: CsrFacts | None
    findings: Findings
    role: Mapping[str, Any]
    recipe: Mapping[str, Any]

    def lines(self) -> Iterator[Line]:
        yield from self._subject()
        yield from self._names()
        yield self._key()
        if self.row.template_id is not None:
            yield from self._validity()
            yield self._usage()
            yield self._purposes()
        yield from self._other_extensions()

    def _subject(self) -> Iterator[Line]:
        issued = _flat(self.row.subject_attributes)
        asked = _flat(name_to_mapping(self.csr.subject)) if self.csr else issued
        for name in [*issued, *(each for each in asked if each not in issued)]:
            label = _("Subject, %(attribute)s") % {"attribute": BY_NAME[name].label if name in BY_NAME else name}
            findings = self._about(f"subject.{name}")
            yield _line(label, asked.get(name, ""), self._attribute_rule(name), issued.get(name, ""), findings)

    def _attribute_rule(self, name: str) -> str:
        if not self.role:
            return ""
        if name == "common_name":
            return names_text(self.role)
        allowed = self.role["subject_attributes"]
        return _("any value") if not allowed or name in allowed else _("not allowed")

    def _names(self) -> Iterator[Line]:
        issued = [(kind, text) for kind, text in self.row.sans]
        asked = [_pair(name) for name in self.csr.sans] if self.csr else issued
        rule = names_text(self.role) if self.role else ""
        for index, pair in enumerate(issued):
            yield _line(_name_label(pair), pair[1] * (pair in asked), rule, pair[1], self._about(f"sans[{index}]"))
        for pair in dict.fromkeys(asked):
            if pair not in issued:
                yield _line(_name_label(pair), pair[1], rule, "")

    def _key(self) -> Line:
        words = key_words(self.row.key_algorithm)
        asked = key_words(self.csr.algorithm) if self.csr else words
        return _line(_("Key"), asked, self._key_rule(), words, self._about("public_key", "key_algorithm", "key"))

    def _key_rule(self) -> str:
        if not self.recipe:
            return ""
        if not self.recipe["any_key_algorithm"]:
            return key_words(self.recipe["key_algorithm"])
        return keys_text(allowed_keys(self.role["key_algorithms"]))

    def _validity(self) -> Iterator[Line]:
        if self.row.validity is None:
            return
        words = duration_text(int(self.row.validity.total_seconds()))
        rule = _("up to %(longest)s") % {"longest": duration_text(self.role["max_ttl"])} if self.role else ""
        yield _line(_("Validity"), words, rule, words, self._about("validity"))

    def _usage(self) -> Line:
        asked = self.csr.requested_key_usage if self.csr else ()
        rule, issued = self.recipe.get("key_usage", ()), self.row.facts.get("key_usage", ())
        return _line(_("Key usage"), _usages(asked), _usages(rule), _usages(issued))

    def _purposes(self) -> Line:
        asked = sorted(_(purpose_words(oid)) for oid in self.csr.requested_extended_key_usage) if self.csr else []
        oids = map(parse_oid, self.row.facts.get("extended_key_usage", ()))
        issued = sorted(_(purpose_words(oid)) for oid in oids if oid is not None)
        rule = purposes_text(self.recipe["extended_key_usage"]) if self.recipe else ""
        return _line(_("Extended key usage"), _joined(asked), rule, _joined(issued))

    def _other_extensions(self) -> Iterator[Line]:
        """What a CSR asks for besides is never copied."""
        extensions = list(self.csr.request.extensions) if self.csr else []
        others = [(each.value, each.critical) for each in extensions if not isinstance(each.value, _SHOWN_ELSEWHERE)]
        for words in describe_extensions(others):
            yield _line(_(words.label), _joined(words.lines) or _("present"), "", "")

    def _about(self, *fields: str) -> Findings:
        return tuple(finding for finding in self.findings if finding.field in fields)


def _line(label: str, asked: str, allowed: str, issued: str, findings: Sequence[FieldError] = ()) -> Line:
    if findings:
        return Line(label, asked, allowed, "", Verdict.BLOCKED, tuple(findings))
    return Line(label, asked, allowed, issued, _verdict(asked, issued))


def _verdict(asked: str, issued: str) -> Verdict:
    if asked == issued:
        return Verdict.OK
    if not asked:
        return Verdict.ADDED
    return Verdict.REPLACED if issued else Verdict.LEFT_OUT


def _flat(attributes: Mapping[str, Any]) -> dict[str, str]:
    return {name: _joined(value) if isinstance(value, list) else value for name, value in attributes.items()}


def _joined(texts: Sequence[str]) -> str:
    return ", ".join(texts)


def _usages(names: Sequence[str]) -> str:
    return _joined([_(usage_words(each)) for each in sorted(names, key=KEY_USAGES.index)])


def _pair(name: GeneralName) -> tuple[str, str]:
    """As a request keeps it; as it stands, where it is no name that we issue."""
    with suppress(Invalid):
        name = canonical(name)
    return kind_of(name).value, general_name_text(name)


def _name_label(pair: tuple[str, str]) -> str:
    return _("Alternative name, %(kind)s") % {"kind": pair[0].upper()}
