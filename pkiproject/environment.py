"""Settings from the environment: typed, and refused with a sentence where they make no sense.

Plain Python: what is read is handed in, so every rule is a one-line test.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kernel.secret import Secret

KEY_SIZE: Final = 32
_OUR_PREFIX: Final = "CHANCERY_"
_FILE: Final = "_FILE"
# Those of the command line client (docs/command-line.md), set in the shell of whoever uses both, and those that it sets
# for what it runs after a renewal.
_NAMES_OF_CLIENTS: Final = frozenset(
    {
        "CHANCERY_URL",
        "CHANCERY_API_KEY",
        "CHANCERY_CLIENT_CERT",
        "CHANCERY_CLIENT_KEY",
        "CHANCERY_CA_BUNDLE",
        "CHANCERY_PROFILE",
        "CHANCERY_CONFIG_DIR",
        "CHANCERY_CERTIFICATE_FILE",
        "CHANCERY_KEY_FILE",
    }
)
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_HOST: Final = re.compile(r"\.?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
# Fewer different bytes in 32 do not come from a random source (chance below 10**-40).
_FEWEST_DIFFERENT_BYTES: Final = 8


class Misconfigured(Exception):
    """The environment makes no sense; `complaints` says why, one sentence for each variable."""

    def __init__(self, complaints: list[str]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(["Chancery does not start:", *(f"  - {complaint}" for complaint in complaints)]))


class Environment:
    """Reads named settings, and keeps every complaint until `close()`.

    Every `NAME` may be given as `NAME_FILE`, the path of a file that holds the value. An empty value counts as
    not given. After a complaint a reading method returns its default, so that reading goes on.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._known: set[str] = set()
        self._complaints: list[str] = []

    def complain(self, name: str, sentence: str) -> None:
        """Refuse the start; the sentence follows the name of the variable and never quotes a secret."""
        self._complaints.append(f"{name} {sentence}")

    def close(self) -> None:
        """Raises Misconfigured with everything that was wrong, misspelt names of ours included."""
        self._complaints.extend(self._unknown_names())
        if self._complaints:
            raise Misconfigured(self._complaints)

    def text(self, name: str, default: str = "") -> str:
        self._known.update((name, name + _FILE))
        value, path = self._values.get(name, ""), self._values.get(name + _FILE, "")
        if value and path:
            self.complain(name, f"and {name}{_FILE} are both set; set one of them.")
        elif path:
            value = self._content(name + _FILE, Path(path))
        return value.strip() or default

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name).lower()
        if value in _TRUE or value in _FALSE:
            return value in _TRUE
        if value:
            self.complain(name, "must be one of 1, true, yes, on, 0, false, no, off.")
        return default

    def number(self, name: str, default: int, *, low: int, high: int) -> int:
        value = self.text(name)
        if not value:
            return default
        if not re.fullmatch(r"-?[0-9]{1,18}", value) or not low <= int(value) <= high:
            self.complain(name, f"must be a whole number from {low} to {high}.")
            return default
        return int(value)

    def choice(self, name: str, default: str, *, among: tuple[str, ...]) -> str:
        value = self.text(name, default)
        if value not in among:
            self.complain(name, f"must be one of {', '.join(among)}.")
            return default
        return value

    def words(self, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """Some of the known words, separated by commas; all of them where nothing is said, and none for `none`."""
        value = self.text(name)
        named = tuple(filter(None, map(str.strip, value.split(","))))
        if named == ("none",):
            return ()
        for word in set(named) - set(known):
            self.complain(name, f"knows {', '.join(known)}, or none; {word!r} is not one of them.")
        return named or known

    def hosts(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """Host names and addresses, separated by commas; a leading dot takes the subdomains in."""
        hosts = [part.strip() for part in self.text(name).split(",") if part.strip()]
        for host in hosts:
            if not _HOST.fullmatch(host):
                self.complain(name, f"must list host names, without scheme, port or star; {host!r} is none.")
        return hosts or list(default)

    def address(self, name: str, default: str) -> str:
        """An IP address to listen on."""
        value = self.text(name, default)
        try:
            return str(ipaddress.ip_address(value.strip("[]")))
        except ValueError:
            self.complain(name, "must be an IP address to listen on, such as 127.0.0.1, 0.0.0.0 or ::1.")
            return default

    def networks(self, name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
        """Address ranges, or single addresses, separated by commas."""
        networks = []
        for part in filter(None, map(str.strip, self.text(name).split(","))):
            try:
                networks.append(ipaddress.ip_network(part))
            except ValueError:
                self.complain(name, f"must list address ranges such as 10.0.0.0/24; {part!r} is none.")
        return networks

    def sockets(self, name: str, *, port: int) -> list[tuple[str, int]]:
        """IP addresses with their ports, separated by commas: `192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:5353`."""
        places = []
        for part in filter(None, map(str.strip, self.text(name).split(","))):
            try:
                split = urlsplit(f"//{part}")
                places.append((str(ipaddress.ip_address(split.hostname or "")), split.port or port))
            except ValueError:
                self.complain(name, f"must list IP addresses such as 192.0.2.1 or 192.0.2.1:5353; {part!r} is none.")
        return places

    def path(self, name: str, default: Path) -> Path:
        return Path(self.text(name, str(default))).expanduser().absolute()

    def origin(self, name: str, default: str) -> str:
        """`http(s)://host[:port]`, without a slash at the end."""
        value = self.text(name, default).rstrip("/")
        if not _is_origin(value):
            self.complain(name, "must be a URL of the form https://pki.example.com or http://host:port, with no path.")
            return default
        return value

    def page_origins(self, name: str) -> list[str]:
        """Origins of pages, separated by commas, as browsers write them; https, except on this machine itself."""
        origins = []
        for part in filter(None, map(str.strip, self.text(name).split(","))):
            value = part.rstrip("/")
            if _is_origin(value) and (value.lower().startswith("https:") or _is_loopback(value)):
                origins.append(_as_browsers_write(value))
            else:
                self.complain(name, f"must list origins such as https://app.example.com; {part!r} is none.")
        return origins

    def key(self, name: str) -> Secret | None:
        """32 random bytes, written as 64 hex digits or in base64; None where the variable is not set."""
        value = self.text(name)
        if not value:
            return None
        key = _decode_key(value)
        if key is None:
            self.complain(name, f"must be {KEY_SIZE} bytes in base64 or hex; `openssl rand -hex {KEY_SIZE}` makes one.")
        elif len(set(key)) < _FEWEST_DIFFERENT_BYTES:
            self.complain(name, f"is not random; `openssl rand -hex {KEY_SIZE}` makes a key.")
        else:
            return Secret(key)
        return None

    def given(self, name: str) -> bool:
        """Whether `name` or `name_FILE` is set, to whatever."""
        return bool(self._values.get(name) or self._values.get(name + _FILE))

    def _content(self, name: str, path: Path) -> str:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            self.complain(name, f"names {path}, which cannot be read: {reason}.")
            return ""

    def _unknown_names(self) -> Iterator[str]:
        for name in sorted(self._values.keys() - self._known - _NAMES_OF_CLIENTS):
            if name.startswith(_OUR_PREFIX):
                near = difflib.get_close_matches(name, sorted(self._known), n=1)
                hint = f"; {near[0]} is meant?" if near else "."
                yield f"{name} is not a setting of Chancery{hint}"


def _is_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        return False
    host = parts.hostname or ""
    written = f"[{host}]" if ":" in host else host
    rest = parts.path + parts.query + parts.fragment
    return (
        parts.scheme in ("http", "https")
        and port_is_good
        and _HOST.fullmatch(written) is not None
        and not host.startswith(".")
        and not rest
        and parts.username is None
    )


def _is_loopback(origin: str) -> bool:
    host = urlsplit(origin).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _as_browsers_write(origin: str) -> str:
    """In small letters, without the scheme's own port (RFC 6454 section 6.1)."""
    parts = urlsplit(origin.lower())
    return f"{parts.scheme}://{parts.netloc.removesuffix(':443' if parts.scheme == 'https' else ':80')}"


def _decode_key(value: str) -> bytes | None:
    if re.fullmatch(rf"[0-9A-Fa-f]{{{2 * KEY_SIZE}}}", value):
        return bytes.fromhex(value)
    try:
        key = base64.b64decode(value.translate(str.maketrans("-_", "+/")) + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_SIZE else None
