"""TypeScript as text: names, comments, imports, in lines of a length that can be read."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterable
from typing import Final

WIDTH: Final = 120


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(f"{part[:1].upper()}{part[1:]}" for part in rest)


def pascal(name: str) -> str:
    return "".join(f"{part[:1].upper()}{part[1:]}" for part in name.split("_"))


def lower(name: str) -> str:
    """`issueRequest` of `IssueRequest`."""
    return name[:1].lower() + name[1:]


def import_line(place: str, values: Iterable[str] = (), types: Iterable[str] = ()) -> str:
    """An import from one file, in lines that are short enough; "" where there is nothing to import."""
    real, only = sorted(set(values)), sorted(set(types))
    if not real and not only:
        return ""
    names = [*real, *(f"type {name}" for name in only)] if real else only
    word = "import" if real else "import type"
    line = f'{word} {{ {", ".join(names)} }} from "{place}";\n'
    if len(line) <= WIDTH:
        return line
    return f"{word} {{\n" + "".join(f"  {name},\n" for name in names) + f'}} from "{place}";\n'


def uses(text: str, name: str) -> bool:
    """Whether it stands in the code, comments and strings apart."""
    code = re.sub(r'/\*\*.*?\*/|".*?"', "", text, flags=re.S)
    return re.search(rf"\b{name}\b", code) is not None


def comment(text: str, indent: str = "", names: Collection[str] = ()) -> str:
    """A TSDoc comment; "" where there is nothing to say. Fields of the same object have the names they have here."""
    told = re.sub(r"`(\w+)`", lambda found: f"`{camel(found[1])}`" if found[1] in names else found[0], text)
    paragraphs = [part.replace("*/", "*\\/") for part in told.strip().split("\n\n")]
    if not any(paragraphs):
        return ""
    line = f"{indent}/** {paragraphs[0]} */"
    if len(paragraphs) == 1 and "\n" not in line and len(line) <= WIDTH:
        return f"{line}\n"
    width = WIDTH - len(indent) - len(" * ")
    lines = "\n\n".join(_filled(part, width) for part in paragraphs).split("\n")
    return f"{indent}/**\n" + "".join(f"{indent} * {each}".rstrip() + "\n" for each in lines) + f"{indent} */\n"


def _filled(paragraph: str, width: int) -> str:
    return textwrap.fill(" ".join(paragraph.split()), width, break_long_words=False, break_on_hyphens=False)


def sentence(text: str) -> str:
    return text if not text or text.endswith(".") else f"{text}."
