"""The form of what is written in Python: docstrings, names, and what `ruff` makes of it."""

from __future__ import annotations

import keyword
import re
import subprocess
import textwrap
from collections.abc import Iterable
from typing import Final

from ruff import find_ruff_bin  # type: ignore[import-untyped]

from sdk.generate.document import Field, Parameter

_WIDTH: Final = 120


def block(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, *(textwrap.indent(line, "    ") for line in lines)])


def docstring(text: str) -> str:
    text = text.strip().replace("\\", "\\\\")
    return f'"""{text}\n"""' if "\n" in text else f'"""{text}"""'


def about(text: str, members: Iterable[Field | Parameter], *, heading: str = "Attributes") -> str:
    """A description, and below it that of each member that has one."""
    described = [each for each in members if each.description]
    paragraphs = [_wrapped(paragraph) for paragraph in text.strip().split("\n\n") if paragraph]
    if described:
        lines = [f"{safe(each.name)}: {' '.join(each.description.split())}" for each in described]
        lines = [_wrapped(line, "    ", "        ") for line in lines]
        paragraphs.append("\n".join([f"{heading}:", *lines]))
    return "\n\n".join(paragraphs)


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    if not first and ("\n- " in text or text.startswith(("- ", "|", "    "))):
        return text
    return textwrap.fill(
        text, _WIDTH - 12, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def formatted(text: str) -> str:
    """As `ruff` has it: imports in their order, and the form of the house."""
    first_party = 'lint.isort.known-first-party=["chancery_client"]'
    return _ruff(_ruff(text, "check", "--quiet", "--select=I", "--fix-only", f"--config={first_party}"), "format")


def _ruff(text: str, *arguments: str) -> str:
    options = ("--isolated", "--no-cache", f"--line-length={_WIDTH}", "--target-version=py39", "-")
    command = [find_ruff_bin(), *arguments, *options]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603


def dict_of(names: Iterable[str]) -> str:
    return "{" + ", ".join(f"{quoted(name)}: {safe(name)}" for name in names) + "}"


def safe(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def quoted(text: str) -> str:
    return f'"{text}"'


def camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]", name))


def spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
