"""What every page tells the browser, and what no page contains."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from tests.web.pages import OPEN_PAGES, every_page

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
INLINE = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "a script without a source": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "an event handler": re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
}


def test_every_page_has_a_strict_policy_and_nothing_inline(root, certificate):
    for path in every_page():
        response = root.get(path)
        assert response.status_code in (200, 409), path
        _assert_strict(response, path)
        _assert_nothing_inline(response.content.decode(), path)


@pytest.mark.parametrize("path", OPEN_PAGES)
def test_pages_for_everybody_are_as_strict(client, db, path):
    response = client.get(path)
    _assert_strict(response, path)
    _assert_nothing_inline(response.content.decode(), path)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_no_template_holds_anything_inline(template):
    _assert_nothing_inline(template.read_text(), template.name)


def test_own_pages_enforce_trusted_types(root):
    assert "require-trusted-types-for 'script'" in root.get("/")["Content-Security-Policy"]


def test_nothing_of_a_signed_in_person_is_cached(root):
    assert "no-store" in root.get("/")["Cache-Control"]


def _assert_strict(response, path):
    policy = response["Content-Security-Policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["default-src"] == "'none'", path
    assert directives["script-src"] == directives["style-src"] == "'self'", path
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["object-src"] == "'none'", path
    assert "unsafe" not in policy, path
    assert response["Referrer-Policy"] == "same-origin", path
    assert response["X-Content-Type-Options"] == "nosniff", path


def _assert_nothing_inline(text, where):
    for what, pattern in INLINE.items():
        found = pattern.search(text)
        assert found is None, f"{where} has {what}: {found.group(0)[:80]}"
