"""pkilint's validators by what they are about.

pkilint asks each of some sixty validators about each of a hundred nodes of a certificate, and nearly all answer that
the node is of another type or stands elsewhere. Which of them can have something to say is the same for all nodes of a
type, so it is worked out once.
"""

from __future__ import annotations

from typing import Any

from pkilint.document import PDUNode
from pkilint.pkix.general_name import GeneralNameUriSyntaxValidator, is_nameconstraints_child_node
from pkilint.validation import ValidationResult, Validator, ValidatorContainer

_MOST_REMEMBERED = 1024


class IndexedContainer(ValidatorContainer):  # type: ignore[misc]  # pkilint has no types
    """Finds what the container that it was made of finds, in the same order."""

    def __init__(self, container: Any) -> None:
        super().__init__(
            validators=[_indexed(each) for each in container.validators],
            path=container._path,
            path_re=container._path_re,
            pdu_class=container._pdu_class,
            pdu_supertype=container._pdu_supertype,
            predicate=container._predicate,
        )
        self._paths = frozenset(each._path for each in self.validators)
        self._found: dict[tuple[type, str | None], list[Validator]] = {}

    def validate(self, node: PDUNode) -> list[ValidationResult]:
        results: list[ValidationResult] = []
        self._visit(node, results)
        return results

    def _visit(self, node: PDUNode, results: list[ValidationResult]) -> None:
        for validator in self._candidates(node):
            if validator.match(node):
                result = validator.validate_wrapper(node)
                results += result if isinstance(result, list) else [result]
        for child in node.children.values():
            self._visit(child, results)

    def _candidates(self, node: PDUNode) -> list[Validator]:
        """Those that look at nodes of this type in this place; whether at this very node, `match` says."""
        place = (type(node.pdu), node.path if node.path in self._paths else None)
        if (found := self._found.get(place)) is None:
            found = self._found[place] = [each for each in self.validators if _may_match(each, *place)]
        return found


class RememberedUris(GeneralNameUriSyntaxValidator):  # type: ignore[misc]
    """Judges each URI once: those of a CA stand in every certificate that it issues."""

    def __init__(self) -> None:
        super().__init__()
        self._judged: dict[tuple[bool, str], bool] = {}

    def validate_value(self, node: PDUNode) -> bool:
        uri = (is_nameconstraints_child_node(node), str(node.pdu))
        if (judgement := self._judged.get(uri)) is None:
            if len(self._judged) >= _MOST_REMEMBERED:
                self._judged.clear()
            judgement = self._judged[uri] = super().validate_value(node)
        return judgement


def _indexed(validator: Validator) -> Validator:
    if isinstance(validator, ValidatorContainer):
        return IndexedContainer(validator)
    return RememberedUris() if type(validator) is GeneralNameUriSyntaxValidator else validator


def _may_match(validator: Any, kind: type, path: str | None) -> bool:
    stands_here = validator._path is None or validator._path == path
    return stands_here and (validator._pdu_class is None or issubclass(kind, validator._pdu_class))
