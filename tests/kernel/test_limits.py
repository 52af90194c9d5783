"""What text may be before it is written anywhere."""

from __future__ import annotations

import pytest

from kernel.limits import text_errors

CASES = {
    "ordinary": ("Ministry of Works", {}, None),
    "of any language": ("Büro · 工務省 · مكتب", {}, None),
    "as long as can be": ("x" * 20, {}, None),
    "too long by one": ("x" * 21, {}, "too-long"),
    "letters are counted, not bytes": ("ä" * 20, {}, None),
    "nothing": ("", {}, None),
    "nothing, where something must be": ("", {"required": True}, "required"),
    "spaces, where something must be": (" \t", {"required": True}, "required"),
    "NUL": ("a\0b", {}, "unprintable"),
    "an escape sequence": ("\x1b[31m", {}, "unprintable"),
    "half a surrogate pair": ("\ud800", {}, "unprintable"),
    "two lines": ("a\nb", {}, "unprintable"),
    "two lines, where they may be": ("a\r\n\tb", {"several_lines": True}, None),
    "NUL among several lines": ("a\n\0", {"several_lines": True}, "unprintable"),
}


@pytest.mark.parametrize(("text", "wishes", "code"), CASES.values(), ids=CASES)
def test_text(text, wishes, code):
    errors = text_errors("name", text, longest=20, **wishes)
    assert [(error.field, error.code) for error in errors] == ([("name", code)] if code else [])
