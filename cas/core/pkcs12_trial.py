"""Whether a PKCS#12 file can be read in seconds: a process of its own finds out, and is ended where it cannot.

What is encrypted inside of what is encrypted nobody sees before it is opened, and the library that opens it holds the
interpreter's lock: all of a web server would stand still for as long as the file's maker likes.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from kernel.secret import Secret

# Of the processor; a file of today's advice takes about one.
MOST_SECONDS: Final = 3
_MOST_SECONDS_IN_ALL: Final = 20
_LENGTH_OCTETS: Final = 4
_TRIAL: Final = f"""
import resource, sys
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
resource.setrlimit(resource.RLIMIT_CPU, ({MOST_SECONDS}, {MOST_SECONDS}))
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
length = int.from_bytes(sys.stdin.buffer.read({_LENGTH_OCTETS}), "big")
password = sys.stdin.buffer.read(length)
try:
    load_pkcs12(sys.stdin.buffer.read(), password or None)
except (ValueError, TypeError, UnsupportedAlgorithm):
    pass
"""


def comes_to_an_end(data: bytes, password: Secret | None) -> bool:
    """Whether reading it ends by itself, well or not. Nothing of what is in it comes back."""
    text = password.reveal() if password else b""
    try:
        done = subprocess.run(  # noqa: S603  nothing of the command is anybody's but ours
            [sys.executable, "-I", "-c", _TRIAL],
            input=len(text).to_bytes(_LENGTH_OCTETS, "big") + text + data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_MOST_SECONDS_IN_ALL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
