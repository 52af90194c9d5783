"""`python -m sdk.generate` writes the generated files of the SDKs; `--check` only says which of them are not true."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent.parent
_WRITERS: Final = ("python", "go", "typescript")


def generated() -> dict[str, str]:
    """What every generated file should hold, by its path below `sdk/`, from the document as the code has it now."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pkiproject.settings_test")
    django.setup()
    from api.native.openapi import document
    from sdk.generate.document import read_document

    found = read_document(document("v2"))
    files: dict[str, str] = {}
    for language in _WRITERS:
        files |= importlib.import_module(f"sdk.generate.{language}").write(found)
    return files


def untrue(files: dict[str, str], folder: Path = FOLDER) -> list[str]:
    """The files that are missing, or that hold something else."""
    return [
        path for path, text in files.items() if not (folder / path).is_file() or (folder / path).read_text() != text
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sdk.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 where a file is not true")
    asked = parser.parse_args()
    files = generated()
    changed = untrue(files)
    for path in changed:
        print(f"{'not true' if asked.check else 'written'}: sdk/{path}")
        if not asked.check:
            (FOLDER / path).parent.mkdir(parents=True, exist_ok=True)
            (FOLDER / path).write_text(files[path])
    return 1 if asked.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
