"""Pictures on a page: `{% ca_tree nodes %}`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template

from web.pictures import MOST_DRAWN, Node, branches, picture

register = template.Library()


@register.inclusion_tag("ui/_ca_tree.html")
def ca_tree(nodes: Sequence[Node]) -> dict[str, Any]:
    """A hierarchy, as a picture where there is room for it and as a list where there is not."""
    tops = branches(nodes)
    return {"branches": tops, "picture": picture(tops) if len(nodes) <= MOST_DRAWN else ""}
