"""`manage.py COMMAND …` in a process that is killed (SIGKILL) where it was told to be.

python -m tests.pkiproject.dying before|after MODULE FUNCTION COMMAND …
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from typing import Any

from tests.processes import ROOT, environment


def manage_and_die(when: str, place: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a kill before or after `module.function` was called; it must not end otherwise."""
    module, _, function = place.rpartition(".")
    done = subprocess.run(
        [sys.executable, "-m", "tests.pkiproject.dying", when, module, function, *arguments],
        cwd=ROOT,
        env=environment(**settings) | {"DJANGO_SETTINGS_MODULE": "pkiproject.settings"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    return done


def main(when: str, module: str, function: str, *command: str) -> None:
    import django

    django.setup()
    from django.core.management import call_command, load_command_class

    # The command looks its own names up when it runs, so they are replaced where they are used.
    target = importlib.import_module(module)
    real = getattr(target, function)

    def replaced(*arguments: Any, **named: Any) -> Any:
        if when == "after":
            real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(target, function, replaced)
    call_command(load_command_class("pkiproject", command[0]), *command[1:])


if __name__ == "__main__":
    main(*sys.argv[1:])
