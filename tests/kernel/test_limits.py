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
    "a turn of direction": ("Acme\u202eemcA", {}, "invisible"),
    "an isolate": ("\u2066Acme\u2069", {}, "invisible"),
    "a mark of direction": ("Ac\u200fme", {}, "invisible"),
    "a zero width space": ("Ac\u200bme", {}, "invisible"),
    "a zero width joiner": ("Ac\u200dme", {}, "invisible"),
    "a soft hyphen": ("Ac\u00adme", {}, "invisible"),
    "a byte order mark": ("\ufeffAcme", {}, "invisible"),
    "a tag letter": ("Acme\U000e0041", {}, "invisible"),
    "a line separator": ("Ac\u2028me", {}, "invisible"),
    "a Hangul filler": ("Acme\u3164", {}, "invisible"),
    "a blank of Braille": ("Ac\u2800me", {}, "invisible"),
    "a variation selector": ("Acme\ufe0f", {}, "invisible"),
    "a character of private use": ("Acme\ue000", {}, "invisible"),
    "a space that does not break": ("Acme\u00a0AG", {}, None),
    "a combining accent": ("Socie\u0301te\u0301", {}, None),
    "a turn of direction in prose": ("he said\n\u202eno", {"several_lines": True}, "invisible"),
    "a joiner in Persian prose": ("می\u200cخواهم", {"several_lines": True}, None),
    "NUL among several lines": ("a\n\0", {"several_lines": True}, "unprintable"),
}


@pytest.mark.parametrize(("text", "wishes", "code"), CASES.values(), ids=CASES)
def test_text(text, wishes, code):
    errors = text_errors("name", text, longest=20, **wishes)
    assert [(error.field, error.code) for error in errors] == ([("name", code)] if code else [])
