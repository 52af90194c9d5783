"""pkilint's validators by what they are about.

pkilint asks each of some sixty validators about each of a hundred nodes of a certificate, and nearly all answer that
the node is of another type or stands elsewhere. Which of them can have something to say is the same for all nodes of a
type, so it is worked out once.
"""

from __future__ import annotations

from typing import Any

from pkilint.document import PDUNode
from pkilint.validation import ValidationResult, Validator, ValidatorContainer


class IndexedContainer(ValidatorContainer):  # type: ignore[misc]  # pkilint has no types
    """Finds what the container that it was made of finds, in the same order."""

    def __init__(self, container: Any) -> None:
        super().__init__(
            validators=[
                IndexedContainer(each) if isinstance(each, ValidatorContainer) else each
                for each in container.validators
            ],
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


def _may_match(validator: Any, kind: type, path: str | None) -> bool:
    stands_here = validator._path is None or validator._path == path
    return stands_here and (validator._pdu_class is None or issubclass(kind, validator._pdu_class))
