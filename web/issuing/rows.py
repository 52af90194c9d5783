"""A CSV file, read row by row: what each asks for, or why it cannot be read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext_noop as _

from cas.core.csr import CsrFacts, read_csr
from cas.core.names import name_from_mapping
from cas.models import Template
from certificates.admin.issue import names_of
from certificates.orders import IssueOrder, Managed
from kernel.errors import Invalid
from kernel.ref import Ref

MOST_ROWS: Final = 500
COLUMNS: Final = ("common_name", "sans", "template", "validity_days", "csr", "tags", "description")
SAMPLE: Final = (
    "common_name,sans,template,validity_days\r\n"
    "www.example.com,www.example.com;example.com,web-tls,90\r\n"
    "api.example.com,api.example.com;10.0.0.5,web-tls,\r\n"
)
_DAYS: Final = re.compile(r"[1-9][0-9]{0,4}")
_ARMOR: Final = re.compile(r"(-----(?:BEGIN|END) [A-Z ]+-----)")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file (the heading is row 1), what it calls itself, and its order or its refusal."""

    number: int
    name: str
    template: Template | None
    wanted: IssueOrder | Invalid


def read_rows(text: str, templates: Mapping[str, Template], usual: Template | None) -> list[Row]:
    """`templates` by code; `usual`: for rows that name none. Comma, semicolon and tab separate, as the heading shows.

    Raises Invalid on `rows`: no heading that is known, no row, or more than 500.
    """
    heading, *lines = list(_lines(text)) or [(1, [])]
    columns = [column.strip().lower() for column in heading[1]]
    if unknown := [column for column in columns if column not in COLUMNS]:
        sentence = _("The first line names the columns. Not known: %(unknown)s. Known: %(known)s.")
        raise Invalid.of("rows", "unknown-column", sentence, unknown=", ".join(unknown)[:200], known=", ".join(COLUMNS))
    if len(set(columns)) < len(columns):
        raise Invalid.of("rows", "twice", _("A column stands there twice."))
    if not 0 < len(lines) <= MOST_ROWS:
        raise Invalid.of("rows", "out-of-range", _("From 1 to %(most)s rows."), most=MOST_ROWS)
    return [_row(number, columns, cells, templates, usual) for number, cells in lines]


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Numbered from 1; empty ones are left out."""
    first = text.lstrip("\ufeff\r\n ").split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=separator, strict=True)
    try:
        for number, cells in enumerate(reader, 1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        raise Invalid.of("rows", "unreadable", _("This is no CSV: %(why)s."), why=str(error)) from error


def _row(
    number: int, columns: Sequence[str], cells: Sequence[str], templates: Mapping[str, Template], usual: Template | None
) -> Row:
    if len(cells) > len(columns):
        return Row(number, cells[0][:80], None, Invalid.of("", "columns", _("It has more cells than the heading.")))
    values = {column: cell.strip() for column, cell in zip(columns, cells, strict=False)}
    code = values.get("template", "")
    template = templates.get(code) if code else usual
    name = values.get("common_name") or values.get("sans", "").split(";")[0]
    if template is None:
        sentence = _("There is no template %(template_code)s by which you may ask.") if code else _("Which template?")
        return Row(
            number, name[:80], None, Invalid.of("template", "template-not-found", sentence, template_code=code[:80])
        )
    try:
        wanted: IssueOrder | Invalid = _order(values, template)
    except Invalid as refusal:
        wanted = refusal
    if isinstance(wanted, IssueOrder) and isinstance(wanted.key, CsrFacts) and not name:
        name = wanted.key.subject.rfc4514_string()
    return Row(number, name[:80], template, wanted)


def _order(values: Mapping[str, str], template: Template) -> IssueOrder:
    csr, common_name, days = (values.get(name, "") for name in ("csr", "common_name", "validity_days"))
    if days and not _DAYS.fullmatch(days):
        raise Invalid.of("validity", "invalid", _("Days are a whole number."))
    sans = names_of(_several(values.get("sans", "")))
    subject = name_from_mapping({"common_name": common_name} if common_name else {})
    return IssueOrder(
        template=template.code,
        ca=Ref("pk", template.ca_id),
        key=read_csr(_on_lines(csr)) if csr else Managed(collect_later=True),
        subject=None if csr and not common_name else subject,
        sans=None if csr and not sans else sans,
        validity=timedelta(days=int(days)) if days else None,
        tags=tuple(_several(values.get("tags", ""))),
        description=values.get("description", ""),
    )


def _several(cell: str) -> list[str]:
    """What stands in one cell with semicolons, bars or spaces between."""
    return [each for each in re.split(r"[;|\s]+", cell) if each]


def _on_lines(pem: str) -> str:
    """A PEM that was written into one line, as spreadsheets do, has its lines back."""
    return _ARMOR.sub(r"\n\1\n", pem.replace("\\n", "\n")).strip()
