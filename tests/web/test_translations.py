"""Every sentence in every language."""

from __future__ import annotations

import ast
import gettext
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
LANGUAGES = ("de", "fr")
PLACE = re.compile(r"%\(\w+\)[sd]")


def entries(path: Path) -> list[dict[str, str]]:
    """The messages of a .po file: msgid, msgid_plural, msgstr, msgstr[0] …, and `flags`."""
    found: list[dict[str, str]] = []
    for block in path.read_text().split("\n\n"):
        entry, key = {"flags": ""}, ""
        for line in block.splitlines():
            if line.startswith("#,"):
                entry["flags"] += line
            elif match := re.match(r'(msg\S+) (".*")$', line):
                key = match[1]
                entry[key] = ast.literal_eval(match[2])
            elif line.startswith('"'):
                entry[key] += ast.literal_eval(line)
        if entry.get("msgid"):
            found.append(entry)
    return found


def translations(entry: dict[str, str]) -> list[str]:
    return [value for key, value in entry.items() if key.startswith("msgstr")]


@pytest.mark.parametrize("language", LANGUAGES)
class TestCatalogue:
    @pytest.fixture
    def folder(self, language: str) -> Path:
        return ROOT / "locale" / language / "LC_MESSAGES"

    def test_nothing_is_missing_or_doubtful(self, folder):
        assert len(entries(folder / "django.po")) > 900
        for entry in entries(folder / "django.po"):
            assert all(translations(entry)), entry["msgid"]
            assert "fuzzy" not in entry["flags"], entry["msgid"]

    def test_every_place_is_filled_with_the_same_fact(self, folder):
        for entry in entries(folder / "django.po"):
            for text in translations(entry):
                assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(entry["msgid"])), entry["msgid"]

    def test_the_compiled_file_says_what_the_source_says(self, folder):
        with (folder / "django.mo").open("rb") as file:
            compiled = gettext.GNUTranslations(file)
        for entry in entries(folder / "django.po"):
            if "msgid_plural" in entry:
                assert compiled.ngettext(entry["msgid"], entry["msgid_plural"], 1) == entry["msgstr[0]"]
                assert compiled.ngettext(entry["msgid"], entry["msgid_plural"], 2) == entry["msgstr[1]"]
            else:
                assert compiled.gettext(entry["msgid"]) == entry["msgstr"]


@pytest.mark.needs("xgettext")
def test_the_catalogues_know_every_sentence_of_the_source(tmp_path):
    """`manage.py makemessages` would add nothing."""
    for folder in (ROOT / name for name in (*_rooms(), "templates", "locale")):
        shutil.copytree(folder, tmp_path / folder.name, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    command = [sys.executable, "-m", "django", "makemessages", "--no-location"]
    for language in LANGUAGES:
        command += ["-l", language]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    for language in LANGUAGES:
        known = {entry["msgid"] for entry in entries(ROOT / "locale" / language / "LC_MESSAGES" / "django.po")}
        wanted = {entry["msgid"] for entry in entries(tmp_path / "locale" / language / "LC_MESSAGES" / "django.po")}
        assert wanted == known


def _rooms() -> list[str]:
    return ["kernel", "audit", "accounts", "cas", "certificates", "acme_client", "notices", "api", "web", "pkiproject"]
