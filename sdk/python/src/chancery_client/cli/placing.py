"""A private key and its certificate as two files that belong together, whenever the machine is switched off.

What is new is written beside the old first (`.www.key.new`, `.www.pem.new`) and then moved into its place, key before
certificate. Whoever comes after a crash finds either nothing new, or all that is needed to end what was begun. The
folder may be shared: what another user has put beside the files is neither read nor followed.
"""

from __future__ import annotations

import contextlib
import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chancery_client.cli.failures import WrongUsage
from chancery_client.cli.files import PRIVATE, PUBLIC, alone, read_file, read_own, write_file, write_own
from chancery_client.cli.keys import PrivateKey, belong_together, key_to_pem, read_certificates, read_key


@dataclass(frozen=True)
class Place:
    """Where a certificate (with its intermediates) and its key are kept.

    Attributes:
        is_new: nothing is there yet, so that what is there by then is no link that its owner wants to be followed.
    """

    certificate: Path
    key: Path
    is_new: bool = False

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

    def alone(self) -> AbstractContextManager[None]:
        """Two timers do not renew the same certificate at once."""
        return alone(_beside(self.certificate.resolve(), ".lock"))

    def stage_key(self, key: PrivateKey) -> None:
        """Before the server is asked: a certificate whose key was lost would be of no use."""
        self.stage_key_in_pem(key_to_pem(key))

    def stage_key_in_pem(self, content: bytes) -> None:
        write_own(self.staged_key, content, mode=PRIVATE)

    def keep_key(self, key: PrivateKey) -> None:
        """The key alone in its place."""
        self._write(self.key, key_to_pem(key), mode=PRIVATE)
        self.discard_staged()

    def read_staged_key(self) -> PrivateKey | None:
        """The key that an earlier run of this user has left; None where there is none that can be read."""
        content = read_own(self.staged_key)
        if content is not None:
            with contextlib.suppress(WrongUsage):
                return read_key(content, place=str(self.staged_key))
        return None

    def put(self, certificate: bytes) -> None:
        """The certificate in its place, after the key that is staged, if one is."""
        write_own(self.staged_certificate, certificate, mode=PUBLIC)
        self.finish()

    def finish(self) -> None:
        """Move what is staged into its place."""
        for staged, path, mode in (
            (self.staged_key, self.key, PRIVATE),
            (self.staged_certificate, self.certificate, PUBLIC),
        ):
            content = read_own(staged)
            if content is not None:
                self._write(path, content, mode=mode)
        self.staged_certificate.unlink(missing_ok=True)
        self.staged_key.unlink(missing_ok=True)

    def end_interrupted(self) -> bool:
        """Whether a replacement that a crash had interrupted was brought to its end now."""
        content = read_own(self.staged_certificate)
        if content is None:
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
        write_own(self.state, json.dumps(facts).encode(), mode=PRIVATE)

    def recall(self) -> dict[str, Any]:
        """What an earlier run has remembered; nothing, where that cannot be read."""
        try:
            found = json.loads(read_own(self.state) or b"")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, path: Path, content: bytes, *, mode: int) -> None:
        write = write_own if self.is_new else write_file
        write(path, content, mode=mode)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f".{path.name}{ending}")
