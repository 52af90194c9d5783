"""The picture of a hierarchy."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from django.template import Context, Template
from django.utils import timezone

from audit.admin.html import Status
from cas.selectors import authorities
from web.pictures import MOST_DRAWN, Node, authority_nodes, branches, picture

SVG = "{http://www.w3.org/2000/svg}"


def drawn(nodes) -> ElementTree.Element:
    text = picture(branches(nodes)).replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1)
    return ElementTree.fromstring(text)  # noqa: S314


def shown(nodes) -> str:
    return Template("{% load charts %}{% ca_tree nodes %}").render(Context({"nodes": nodes}))


def test_each_box_says_all_of_it_and_no_two_overlap():
    nodes = [
        Node(1, 'A <"root">', Status.ACTIVE, lines=("EC P-384",), url="/root/"),
        *(Node(n, f"Issuing {n}" + " very" * 9, Status.EXPIRING, parent=1, url=f"/{n}/") for n in (2, 3, 4)),
        Node(5, "Below", Status.REVOKED, parent=3),
        Node(6, "Elsewhere", Status.PENDING, parent=99),
    ]
    tree = drawn(nodes)
    links = {link.get("href"): link.get("aria-label") for link in tree.iter(f"{SVG}a")}
    assert links["/root/"] == 'A <"root">: Active, EC P-384'
    assert len(links) == 4
    boxes = [tuple(float(box.get(part)) for part in ("x", "y", "width", "height")) for box in tree.iter(f"{SVG}rect")]
    assert len(set(boxes)) == len(nodes)
    for number, (x, y, width, height) in enumerate(boxes):
        assert x + width <= float(tree.get("width"))
        assert y + height <= float(tree.get("height"))
        for other_x, other_y, *_size in boxes[number + 1 :]:
            assert abs(other_x - x) >= width or abs(other_y - y) >= height
    assert len(list(tree.iter(f"{SVG}path"))) == 4


@pytest.mark.django_db
def test_of_many_there_is_a_list_only_and_none_is_lost():
    few = [Node(n, f"CA {n}", Status.ACTIVE, parent=n - 1) for n in range(MOST_DRAWN)]
    many = [*few, Node(MOST_DRAWN, "The last", Status.ACTIVE)]
    assert '<svg class="tree"' in shown(few)
    page = shown(many)
    assert '<svg class="tree"' not in page
    assert page.count("<li>") == len(many)


def test_the_authorities_of_an_office(office):
    rows = authorities(visible_to=office.owner).prefetch_related("certificates")
    root, issuing = authority_nodes(rows, at=timezone.now(), notes={office.issuing.pk: "CRL fresh"})
    assert (root.parent, issuing.parent) == (None, root.key)
    assert issuing.lines[-1] == "CRL fresh"
    assert "valid until" in issuing.label
