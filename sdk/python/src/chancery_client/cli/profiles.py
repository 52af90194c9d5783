"""Where Chancery is and who one is there: profiles in the user's configuration folder, and the environment.

A profile is a JSON file of mode 0600, for it holds an API key or tokens. What the environment says is never written.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer

from chancery_client.cli.failures import Failure, NotSignedIn, WrongUsage
from chancery_client.cli.files import PRIVATE, locked, write_file

DEFAULT = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LOOPBACK_NAME = "localhost"


@dataclass(frozen=True)
class Tokens:
    """What OAuth gave: where it is renewed and given back, and until when (seconds since 1970) it is good."""

    client_id: str
    token_endpoint: str
    revocation_endpoint: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float


@dataclass(frozen=True)
class Profile:
    """One Chancery, and one credential for it."""

    name: str
    url: str
    api_key: str = field(default="", repr=False)
    tokens: Tokens | None = field(default=None, repr=False)
    client_cert: str = ""
    client_key: str = ""
    ca_bundle: str = ""
    is_stored: bool = True

    @property
    def method(self) -> str:
        """How one signs in with it, for people."""
        if self.tokens:
            return "OAuth"
        if self.api_key:
            return "API key"
        return "client certificate" if self.client_cert else "nothing"


def folder() -> Path:
    """`CHANCERY_CONFIG_DIR`, else the platform's folder for such files (`~/.config/chancery` on Linux)."""
    chosen = os.environ.get("CHANCERY_CONFIG_DIR")
    return Path(chosen) if chosen else Path(typer.get_app_dir("chancery"))


def checked_name(name: str) -> str:
    """Raises WrongUsage for what cannot be the name of a profile."""
    if not _NAME.fullmatch(name):
        raise WrongUsage(
            f"'{name}' cannot be the name of a profile: use letters, digits, dots, dashes and underscores."
        )
    return name


def checked_url(text: str) -> str:
    """The address without a slash at its end; a host without a scheme is taken to be https.

    Raises:
        WrongUsage: it is no address, or credentials would travel in the clear.
    """
    given = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(given.rstrip("/"))
        is_address = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_address = False
    if not is_address or parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
        raise WrongUsage(f"'{text}' is not the address of a server; it looks like https://pki.example.com.")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise WrongUsage(
            f"{given} is not encrypted: the address of a server that is not this machine begins with https://."
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def is_loopback(host: str) -> bool:
    if host == _LOOPBACK_NAME:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names() -> list[str]:
    """Of the profiles that are stored, in order."""
    return sorted(path.stem for path in _folder_of_profiles().glob("*.json"))


def current_name() -> str:
    """Of the profile that is used where none is named."""
    try:
        chosen = (folder() / "current").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return DEFAULT
    return chosen if _NAME.fullmatch(chosen) else DEFAULT


def make_current(name: str) -> None:
    write_file(folder() / "current", f"{checked_name(name)}\n".encode(), mode=PRIVATE)


def find(name: str) -> Profile | None:
    """The stored profile of this name.

    Raises:
        Failure: there is one, and it cannot be read.
    """
    path = _path(name)
    try:
        return _read(name, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        hint = f"Remove it with: chancery logout --profile {name}"
        raise Failure(f"The profile '{name}' in {path} cannot be read.", hint=hint) from error


def store(profile: Profile) -> None:
    """For this user's eyes only."""
    content = {key: value for key, value in asdict(profile).items() if value and key not in ("name", "is_stored")}
    _make_private_folder()
    write_file(_path(profile.name), (json.dumps(content, indent=2) + "\n").encode(), mode=PRIVATE)


def forget(name: str) -> bool:
    """Whether there was one."""
    path = _path(name)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Failure(f"{path} cannot be removed: {error.strerror or error}.") from error
    with contextlib.suppress(OSError):
        path.with_suffix(".lock").unlink()
    left = names()
    if left and name == current_name():
        make_current(DEFAULT if DEFAULT in left else left[0])
    return True


@contextlib.contextmanager
def alone_with(name: str) -> Iterator[None]:
    """No other process renews the tokens of this profile meanwhile."""
    _make_private_folder()
    with locked(_path(name).with_suffix(".lock")):
        yield


def chosen(named: str | None) -> Profile:
    """The profile that a command works with.

    One that is named (`--profile`, `CHANCERY_PROFILE`) is taken as it is stored. Else the environment says all of it
    where it has `CHANCERY_URL`: a stored credential never goes to another server than its own. Else it is the current
    profile, with what the environment has in its stead.

    Raises:
        NotSignedIn: there is none.
        WrongUsage: the environment contradicts itself.
    """
    if named:
        return _required(checked_name(named))
    url = os.environ.get("CHANCERY_URL")
    if url:
        return _with_environment(Profile(name="", url=checked_url(url), is_stored=False))
    return _with_environment(_required(current_name()))


def _required(name: str) -> Profile:
    profile = find(name)
    if profile is not None:
        return profile
    raise missing(name)


def missing(name: str) -> NotSignedIn:
    """What is raised where there is no such profile."""
    known = names()
    if not known:
        hint = "Sign in with: chancery login https://pki.example.com"
        return NotSignedIn("You are not signed in to any Chancery.", hint=hint)
    return NotSignedIn(
        f"There is no profile '{name}'.",
        hint=f"There are: {', '.join(known)}. Choose one with: chancery profiles use NAME",
    )


def _with_environment(profile: Profile) -> Profile:
    given = {
        key: os.environ.get(f"CHANCERY_{key.upper()}", "")
        for key in ("api_key", "client_cert", "client_key", "ca_bundle")
    }
    changed: dict[str, Any] = {}
    if given["ca_bundle"]:
        changed["ca_bundle"] = given["ca_bundle"]
    if given["client_key"] and not given["client_cert"]:
        raise WrongUsage("CHANCERY_CLIENT_KEY is set without CHANCERY_CLIENT_CERT.")
    if given["client_cert"]:
        changed |= {
            "client_cert": given["client_cert"],
            "client_key": given["client_key"],
            "api_key": "",
            "tokens": None,
        }
    if given["api_key"]:
        changed |= {"api_key": given["api_key"].strip(), "tokens": None}
    if changed.keys() - {"ca_bundle"}:
        changed["is_stored"] = False
    return replace(profile, **changed)


def _folder_of_profiles() -> Path:
    return folder() / "profiles"


def _make_private_folder() -> None:
    where = _folder_of_profiles()
    try:
        where.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Failure(f"{where} cannot be made: {error.strerror or error}.") from error


def _path(name: str) -> Path:
    return _folder_of_profiles() / f"{name}.json"


def _read(name: str, content: Mapping[str, Any]) -> Profile:
    tokens = content.get("tokens")
    texts: dict[str, Any] = {
        key: str(content[key]) for key in ("api_key", "client_cert", "client_key", "ca_bundle") if key in content
    }
    return Profile(name=name, url=str(content["url"]), tokens=Tokens(**tokens) if tokens else None, **texts)
