"""A process with another master key than the database was made under does not start."""

from __future__ import annotations

from django.db import DatabaseError

from accounts.vault import WrongMasterKey, check_master_key


def require_right_master_key() -> None:
    """Ends the process with a sentence where the key is another. Where the database cannot be reached, or is not
    migrated yet, there is nothing to compare with; every secret asks again when it is opened.
    """
    try:
        check_master_key()
    except WrongMasterKey:
        raise SystemExit(
            "CHANCERY_MASTER_KEY is not the key that this database was made under: nothing in it would open. "
            "Give the right key, or the right database."
        ) from None
    except DatabaseError:
        return
