"""What systemd does with a service of the recipes, where there is no systemd: its ExecStart, with its environment.

`python -m tests.recipes.units FOLDER UNIT …` runs each of these units of the folder. What confines them is not done
here: `systemd-analyze` judges it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.processes import ROOT
from tests.recipes.pages import Host


def run_service(folder: Path, unit: str) -> int:
    """How it ended; 0 where its file says that it ended well."""
    kind, _, instance = unit.removesuffix(".service").partition("@")
    settings = list(_settings(folder, kind, unit))
    environment = dict(os.environ)
    for name, value in settings:
        value = value.replace("%i", instance)
        if name == "Environment":
            environment |= dict(each.split("=", 1) for each in shlex.split(value))
        if name == "EnvironmentFile":
            environment |= dict(line.split("=", 1) for line in Path(value).read_text().splitlines())
    found = dict(settings)
    # In braces a variable is one argument, whatever is in it.
    command = [
        re.sub(r"\$\{(\w+)\}", lambda match: environment[match[1]], word) for word in shlex.split(found["ExecStart"])
    ]
    account = {"user": found["User"], "group": found["User"], "extra_groups": []} if "User" in found else {}
    ended = subprocess.run(command, env=environment, check=False, cwd="/", **account).returncode
    return 0 if str(ended) in found.get("SuccessExitStatus", "").split() else ended


def _settings(folder: Path, kind: str, unit: str) -> Iterator[tuple[str, str]]:
    """Of the template, of what holds for all of a prefix, and of the instance: the later ones win."""
    prefix = kind.partition("-")[0]
    drop_ins = [*folder.glob(f"{prefix}-.service.d/*.conf"), *folder.glob(f"{unit}.d/*.conf")]
    for path in (folder / f"{kind}@.service", *drop_ins):
        for line in path.read_text().splitlines():
            name, found, value = line.partition("=")
            if found and not line.startswith("#"):
                yield name, value


def install_systemctl(host: Host, **reloads: str) -> None:
    """`systemctl` of a host: what reloads a service, and `start`; everything else is only written to systemctl.log."""
    cases = "".join(f'"reload {name}")\n{command};;\n' for name, command in reloads.items())
    units = f'PYTHONPATH={ROOT} exec {sys.executable} -m tests.recipes.units {host.folder}/etc/systemd/system "$@"'
    text = f'echo "$*" >>{host.folder}/systemctl.log\ncase "$*" in\n{cases}start*) shift\n{units};;\nesac\n'
    host.write("usr/local/bin/systemctl", f"#!/bin/sh\nset -eu\n{text}", mode=0o755)


if __name__ == "__main__":
    sys.exit(max(run_service(Path(sys.argv[1]), unit) for unit in sys.argv[2:]))
