"""The `chancery` command. It needs the packages of the extra `cli`: `pip install "chancery-client[cli]"`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command that was typed, and ends the process with its exit code."""
    try:
        from chancery_client.cli.app import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("typer", "rich", "cryptography"):
            raise
        sys.stderr.write('The chancery command needs more packages: pip install "chancery-client[cli]"\n')
        sys.exit(1)
    run()
