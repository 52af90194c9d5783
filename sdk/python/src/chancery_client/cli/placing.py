"""A private key and its certificate as two files that belong together, whenever the machine is switched off.

What is new is written beside the old first (`.www.key.new`, `.www.pem.new`) and then moved into its place, key before
certificate. Whoever comes after a crash finds either nothing new, or all that is needed to end what was begun.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chancery_client.cli.failures import WrongUsage
from chancery_client.cli.files import PRIVATE, PUBLIC, locked, read_file, write_file
from chancery_client.cli.keys import PrivateKey, belong_together, key_to_pem, read_certificates, read_key


@dataclass(frozen=True)
class Place:
    """Where a certificate (with its intermediates) and its key are kept."""

    certificate: Path
    key: Path

    @property
    def staged_certificate(self) -> Path:
        return _beside(self.certificate, ".new")

    @property
    def staged_key(self) -> Path:
        return _beside(self.key, ".new")

    @property
    def state(self) -> Path:
        """What a renewal has come to that is not at its end."""
        return _beside(self.certificate, ".renewal")

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Two timers do not renew the same certificate at once."""
        if sys.platform == "win32":
            with locked(_beside(self.certificate, ".lock")):
                yield
            return
        import fcntl

        # The folder itself is locked: no file is left behind.
        handle = os.open(str(self.certificate.resolve().parent), os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def stage_key(self, key: PrivateKey) -> None:
        """Before the server is asked: a certificate whose key was lost would be of no use."""
        self.staged_key.unlink(missing_ok=True)
        write_file(self.staged_key, key_to_pem(key), mode=PRIVATE)

    def read_staged_key(self) -> PrivateKey | None:
        """The key that an earlier run has left; None where there is none that can be read."""
        with contextlib.suppress(WrongUsage):
            return read_key(read_file(self.staged_key, what="The key"), place=str(self.staged_key))
        return None

    def put(self, certificate: bytes) -> None:
        """The certificate in its place, after the key that is staged, if one is."""
        self.staged_certificate.unlink(missing_ok=True)
        write_file(self.staged_certificate, certificate, mode=PUBLIC)
        self.finish()

    def finish(self) -> None:
        """Move what is staged into its place."""
        if self.staged_key.exists():
            write_file(self.key, read_file(self.staged_key, what="The key"), mode=PRIVATE)
        write_file(self.certificate, read_file(self.staged_certificate, what="The certificate"), mode=PUBLIC)
        self.staged_certificate.unlink(missing_ok=True)
        self.staged_key.unlink(missing_ok=True)

    def end_interrupted(self) -> bool:
        """Whether a replacement that a crash had interrupted was brought to its end now."""
        try:
            content = self.staged_certificate.read_bytes()
        except OSError:
            return False
        with contextlib.suppress(WrongUsage):
            certificate = read_certificates(content, place=str(self.staged_certificate))[0]
            key = self.read_staged_key() or read_key(read_file(self.key, what="The key"), place=str(self.key))
            if belong_together(certificate, key):
                self.finish()
                return True
        self.staged_certificate.unlink(missing_ok=True)
        return False

    def discard_staged(self) -> None:
        for path in (self.staged_certificate, self.staged_key, self.state):
            path.unlink(missing_ok=True)

    def remember(self, **facts: Any) -> None:
        """For the next run."""
        write_file(self.state, json.dumps(facts).encode(), mode=PRIVATE)

    def recall(self) -> dict[str, Any]:
        """What an earlier run has remembered; nothing, where that cannot be read."""
        try:
            found = json.loads(self.state.read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f".{path.name}{ending}")
