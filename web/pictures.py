"""The picture of a hierarchy: CAs as boxes with lines between them, drawn as SVG, and the same as an indented list.

For every page that shows CAs, or a chain (which is a tree with one branch):

    nodes = authority_nodes(rows, at=now)        # rows: CAs with `certificates` prefetched
    {% load charts %} … {% ca_tree nodes %}

A page that shows what does not exist yet makes its `Node`s itself; those of `Status.PENDING` are drawn dashed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from audit.admin.html import Status, status_of, word
from cas.describe import key_words
from cas.models import CertificateAuthority
from web.addresses import address_of

# Of more than these a picture says less than a list.
MOST_DRAWN: Final = 12

_WIDTH, _LINE, _HEAD, _FOOT = 272, 17, 30, 12
_ACROSS, _DOWN, _MARGIN = 56, 16, 4
_LONGEST_NAME, _LONGEST_LINE = 28, 40
_TONES: Final = {
    Status.ACTIVE: "ok",
    Status.EXPIRING: "warn",
    Status.DISABLED: "warn",
    Status.HELD: "warn",
    Status.REVOKED: "bad",
    Status.EXPIRED: "bad",
}


@dataclass(frozen=True, slots=True)
class Node:
    """One box. `key` is its own among those drawn together, `parent` the key of the one above it, `lines` stand below
    its name and its state, `url` is empty where there is nothing to open.
    """

    key: object
    name: str
    status: Status
    parent: object = None
    lines: tuple[str | Promise, ...] = ()
    url: str = ""

    @property
    def label(self) -> str:
        """All of it, as it is read aloud."""
        return f"{self.name}: {', '.join(map(str, (word(self.status), *self.lines)))}"


@dataclass(slots=True)
class Branch:
    """A node with those below it, and where it is drawn."""

    node: Node
    level: int = 0
    top: int = 0
    below: list[Branch] = field(default_factory=list)

    def walk(self) -> Iterator[Branch]:
        yield self
        for each in self.below:
            yield from each.walk()


def authority_nodes(
    rows: Iterable[CertificateAuthority],
    *,
    at: datetime,
    notes: Mapping[int, str | Promise] | None = None,
) -> list[Node]:
    """A node for each CA, which leads to its page; `notes` adds a line to some of them, by their numbers."""
    nodes = []
    for ca in rows:
        own = ca.preferred_certificate
        lines: list[str | Promise] = [key_words(ca.key_algorithm)]
        if own is not None:
            lines.append(_("valid until %(day)s") % {"day": f"{own.not_after:%Y-%m-%d}"})
        if notes and ca.pk in notes:
            lines.append(notes[ca.pk])
        status = status_of(ca.status, own.not_after if own else None, at=at)
        nodes.append(Node(ca.pk, ca.name, status, ca.parent_id, tuple(lines), address_of(ca)))
    return nodes


def branches(nodes: Sequence[Node]) -> list[Branch]:
    """The nodes as a forest, in their order. What has its parent elsewhere stands at the top."""
    by_key = {node.key: Branch(node) for node in nodes}
    tops: list[Branch] = []
    for branch in by_key.values():
        above = by_key.get(branch.node.parent) if branch.node.parent is not None else None
        (tops if above is None else above.below).append(branch)
    return tops


def picture(tops: Sequence[Branch]) -> SafeString:
    """The forest as SVG, from left to right; each box is a link to what it is about."""
    height = _HEAD + _FOOT + _LINE * max((len(_rows(each.node)) for each in _every(tops)), default=0)
    bottom = _MARGIN
    for top in tops:
        bottom = _place(top, 0, bottom, height)
    right = max((_left(each.level) + _WIDTH for each in _every(tops)), default=0) + _MARGIN
    lines = ((_curve(above, below, height),) for above in _every(tops) for below in above.below)
    boxes = ((_box(each, height),) for each in _every(tops))
    return format_html(
        '<svg class="tree" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="group" aria-label="{2}">{3}{4}</svg>',
        right,
        bottom - _DOWN + _MARGIN,
        _("Hierarchy"),
        format_html_join("", '<path class="line" d="{}"/>', lines),
        format_html_join("", "{}", boxes),
    )


def _every(tops: Sequence[Branch]) -> Iterator[Branch]:
    for top in tops:
        yield from top.walk()


def _left(level: int) -> int:
    return _MARGIN + level * (_WIDTH + _ACROSS)


def _place(branch: Branch, level: int, top: int, height: int) -> int:
    """Put a branch below `top`, each node beside the middle of those below it; returns where the next one goes."""
    branch.level = level
    end = top
    for each in branch.below:
        end = _place(each, level + 1, end, height)
    if branch.below:
        branch.top = (branch.below[0].top + branch.below[-1].top) // 2
        return end
    branch.top = top
    return top + height + _DOWN


def _curve(above: Branch, below: Branch, height: int) -> str:
    start, end = _left(above.level) + _WIDTH, _left(below.level)
    middle, here, there = (start + end) // 2, above.top + height // 2, below.top + height // 2
    return f"M{start} {here}C{middle} {here} {middle} {there} {end} {there}"


_BOX: Final = (
    '<rect class="box {kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>'
    '<circle class="{tone}" cx="{dot_x}" cy="{dot_y}" r="5"/><text class="name" x="{name_x}" y="{name_y}">{name}</text>'
    "{lines}<title>{label}</title>"
)


def _box(branch: Branch, height: int) -> SafeString:
    node, x, y = branch.node, _left(branch.level), branch.top
    rows = enumerate(_rows(node), start=1)
    inside = format_html(
        _BOX,
        kind="planned" if node.status == Status.PENDING else "",
        x=x,
        y=y,
        width=_WIDTH,
        height=height,
        tone=_TONES.get(node.status, "mute"),
        dot_x=x + 19,
        dot_y=y + 22,
        name_x=x + 32,
        name_y=y + 27,
        name=_cut(node.name, _LONGEST_NAME),
        lines=format_html_join("", '<text x="{}" y="{}">{}</text>', ((x + 14, y + 27 + _LINE * n, t) for n, t in rows)),
        label=node.label,
    )
    if not node.url:
        return format_html('<g role="img" aria-label="{}">{}</g>', node.label, inside)
    return format_html('<a href="{}" aria-label="{}">{}</a>', node.url, node.label, inside)


def _rows(node: Node) -> list[str]:
    """What stands below the name: the state beside the first line, the others below."""
    first, others = node.lines[:1], node.lines[1:]
    return [_cut(text) for text in (" · ".join(map(str, (word(node.status), *first))), *map(str, others))]


def _cut(text: str, longest: int = _LONGEST_LINE) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
