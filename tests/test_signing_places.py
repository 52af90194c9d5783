"""Nothing is signed but in the files that say so."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[1]
_OTHER = {"tests", "bench", "sdk", ".venv", "var"}


def test_sign_is_called_only_in_files_named_for_it():
    places = {
        str(path.relative_to(PROJECT))
        for path in PROJECT.rglob("*.py")
        if path.relative_to(PROJECT).parts[0] not in _OTHER and re.search(r"\.sign\(", path.read_text())
    }
    assert "cas/core/signing.py" in places
    assert {place for place in places if not place.endswith("signing.py")} == set()
