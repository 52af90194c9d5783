"""The SDKs as their users have them: built, with the programs of their languages, and nothing of the network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import executable

from tests.processes import ROOT

SDK = ROOT / "sdk"
_PATIENCE_SECONDS = 540
# Of what every TypeScript project for Node has by @types/node, what the examples need.
_NODE = """
declare const process: { env: Record<string, string | undefined>; argv: string[] };
declare module "node:fs" {
  export function readFileSync(path: string, encoding: "utf8"): string;
  export function renameSync(from: string, to: string): void;
  export function writeFileSync(path: string, content: string, options: { mode: number }): void;
}
"""


def run(command: Sequence[str | Path], folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command to its end; standard output has what it says on either."""
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=_environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    ours = ("CHANCERY_", "SCENARIO", "DJANGO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | settings


def python(*arguments: str | Path, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Python with `chancery_client` on its path."""
    return run([executable, *arguments], folder, PYTHONPATH=str(SDK / "python" / "src"), **settings)


def go(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`go` in the module, which needs nothing but its standard library: no network, no other version of Go."""
    return run(["go", *arguments], SDK / "go", GOPROXY="off", GOTOOLCHAIN="local", **settings)


@dataclass(frozen=True)
class TypeScript:
    """The package `@chancery/client`, built in a folder of its own, and a project that has it installed."""

    package: Path
    project: Path

    def compiled(self, source: Path, *, module: str = "node16", resolution: str = "node16") -> Path:
        """The program of this source, compiled in the project, strictly."""
        shutil.copy(source, self.project)
        (self.project / "node.d.ts").write_text(_NODE)
        options = {"strict": True, "target": "es2022", "module": module, "moduleResolution": resolution, "types": []}
        told = {"compilerOptions": options, "files": [source.name, "node.d.ts"]}
        (self.project / "tsconfig.json").write_text(json.dumps(told))
        ended = run(["tsc"], self.project)
        assert ended.returncode == 0, ended.stdout
        return self.project / f"{source.stem}.js"


def built_typescript(folder: Path) -> TypeScript:
    package, project = folder / "client", folder / "project"
    shutil.copytree(SDK / "typescript", package, ignore=shutil.ignore_patterns("dist", "node_modules"))
    # What `npm run build` does; not everyone who has Node has npm.
    build = json.loads((package / "package.json").read_text())["scripts"]["build"]
    built = run(["sh", "-c", build], package)
    assert built.returncode == 0, built.stdout
    (project / "node_modules" / "@chancery").mkdir(parents=True)
    (project / "node_modules" / "@chancery" / "client").symlink_to(package)
    (project / "package.json").write_text(json.dumps({"name": "project", "type": "module", "private": True}))
    return TypeScript(package, project)
