"""The pages of docs/recipes as programs: their commands, in order, on a host whose files are all in one folder."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cryptography import x509

from tests.processes import ROOT, environment

_RECIPES = Path("docs", "recipes")
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Each block goes on in the folder and with the variables in which the one before it ended.
_STEP = '. {state}; cd "$PWD"; set -eu\n{commands}\nexport -p >{state}'


@dataclass(frozen=True)
class Host:
    """A machine on which a recipe is followed; `folder` is its root, and where its administrator begins."""

    folder: Path

    def copy_recipes(self, chancery: str, words: Mapping[str, str] = MappingProxyType({})) -> None:
        """The recipes as they are, but for folders, which are this host's own, for addresses, and for these words."""
        own = {each: f"{self.folder}{each}" for each in ("/etc/", "/usr/local/bin", "/opt/chancery")}
        own |= {"https://pki.example.com": chancery}
        own |= {"192.0.2.0/24": "127.0.0.0/8", "192.0.2.10/32": "127.0.0.1/32", "192.0.2.20/32": "127.0.0.1/32"}
        for source in (ROOT / _RECIPES).rglob("*.*"):
            if source.is_file():
                copy = self.folder / source.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                text = source.read_text()
                for old, new in (own | dict(words)).items():
                    text = text.replace(old, new)
                copy.write_text(text)
                copy.chmod(source.stat().st_mode)
        for each in ("usr/local/bin", "etc/systemd/system"):
            (self.folder / each).mkdir(parents=True)

    def write(self, name: str, text: str, *, mode: int = 0o644) -> Path:
        """A file of this host."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def modes(self, *names: str) -> set[int]:
        """Who may do what with these files."""
        return {stat.S_IMODE((self.folder / name).stat().st_mode) for name in names}

    def certificate(self, name: str) -> x509.Certificate:
        """The first in this file."""
        return x509.load_pem_x509_certificate((self.folder / name).read_bytes())

    def begin(self, **variables: str) -> None:
        """A session of its administrator, with these variables."""
        paths = (self.folder / "usr/local/bin", "/usr/local/bin", os.environ["PATH"], "/usr/sbin", "/sbin")
        known = {"PATH": ":".join(map(str, paths)), "HOME": str(self.folder), "PWD": str(self.folder)} | variables
        lines = [f"export {name}={shlex.quote(value)}" for name, value in known.items()]
        self.write("session", "\n".join(lines), mode=0o600)

    def follow(self, page: str, heading: str, *, block: int | None = None, fails: bool = False) -> str:
        """What the commands below a heading of a page say; of one block, where it is named."""
        text = (self.folder / _RECIPES / page).read_text()
        section = re.split(r"^## ", text, flags=re.MULTILINE)
        [body] = [each for each in section if each.startswith(heading + "\n")]
        blocks = _BLOCK.findall(body)
        assert blocks, f"nothing to be done: {page}, {heading}"
        return self.run("".join(blocks) if block is None else blocks[block], fails=fails)

    def shown(self, page: str, language: str) -> str:
        """The one text of this kind that a page shows."""
        text = (self.folder / _RECIPES / page).read_text()
        [found] = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        return str(found)

    def run(self, commands: str, *, fails: bool = False) -> str:
        """What they say; that they fail, where they shall."""
        done = subprocess.run(
            ["sh", "-c", _STEP.format(state=shlex.quote(str(self.folder / "session")), commands=commands)],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        said = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, said
        return said
