"""Pictures on a page: a hierarchy of CAs, columns, proportions in a table, a ring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template

from web import charts
from web.pictures import MOST_DRAWN, Node, branches, picture

register = template.Library()

register.simple_tag(charts.columns, name="columns")
register.simple_tag(charts.proportion, name="proportion")
register.simple_tag(charts.ring, name="ring")


@register.inclusion_tag("ui/_ca_tree.html")
def ca_tree(nodes: Sequence[Node]) -> dict[str, Any]:
    """A hierarchy, as a picture where there is room for it and as a list where there is not."""
    tops = branches(nodes)
    return {"branches": tops, "picture": picture(tops) if len(nodes) <= MOST_DRAWN else ""}
