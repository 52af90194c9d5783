"""Who one is, and where: login, logout, whoami, profiles."""

import os
import re
import sys
import webbrowser
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Optional
from urllib.parse import urlsplit

import typer

from chancery_client import ChanceryError
from chancery_client.cli import oauth, profiles
from chancery_client.cli.browser import by_browser
from chancery_client.cli.failures import Failure, WrongUsage
from chancery_client.cli.options import JsonOption, ProfileOption, ask_secret, flag
from chancery_client.cli.output import note, say, show_facts, show_json, show_rows
from chancery_client.cli.profiles import Profile, Tokens
from chancery_client.cli.session import client_of
from chancery_client.cli.transport import open_http
from chancery_client.models import Whoami


def login(
    url: Annotated[
        Optional[str],
        typer.Argument(metavar="URL", help="Where Chancery is. Needed the first time.", show_default=False),
    ] = None,
    browser: Annotated[bool, flag("--browser", help="Sign in with a browser on this machine.")] = False,
    device: Annotated[
        bool, flag("--device", help="Sign in with a browser on any machine, where you type a code.")
    ] = False,
    api_key: Annotated[
        bool, flag("--api-key", help="Sign in with an API key, which is asked for or read from standard input.")
    ] = False,
    client_cert: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="Sign in with this client certificate (PEM, with its chain).")
    ] = None,
    client_key: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="The private key of --client-cert.")
    ] = None,
    ca_bundle: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="The CAs that may have issued the server's certificate.")
    ] = None,
    scope: Annotated[
        str,
        typer.Option(
            metavar="WORDS", help="OAuth scopes to ask for; by default what is needed to read, issue and revoke."
        ),
    ] = "",
    profile: ProfileOption = None,
) -> None:
    """Sign in to a Chancery, and remember it.

    With a browser (--browser, or --device where the browser is on another machine) you choose there what this
    program may do, and can withdraw it under Account, Applications. For machines use an API key or a client
    certificate. Keys and tokens are kept in a file that only you can read.

    Examples:
      chancery login https://pki.example.com
      chancery login https://pki.example.com --device
      chancery login https://pki.example.com --api-key < key.txt
      chancery login https://pki.example.com --client-cert me.pem --client-key me.key --profile robot
    """
    ways = [name for name, is_wanted in _ways(browser, device, api_key, client_cert).items() if is_wanted]
    if len(ways) > 1:
        raise WrongUsage(f"Choose one of {' and '.join(ways)}.")
    if client_key and not client_cert:
        raise WrongUsage("--client-key is for --client-cert, which is missing.")
    name = profiles.checked_name(profile) if profile else _usual_name(url)
    before = profiles.find(name)
    begun = Profile(name, _address(url, before), ca_bundle=_place(ca_bundle) or (before.ca_bundle if before else ""))
    if api_key:
        made = replace(begun, api_key=ask_secret("API key").strip())
    elif client_cert:
        made = replace(begun, client_cert=_place(client_cert), client_key=_place(client_key))
    else:
        made = replace(begun, tokens=_consent(begun, scope, by_device=device or not (browser or _has_browser())))
    who = _identity(made)
    profiles.store(made)
    profiles.make_current(name)
    if before and before.tokens:
        _give_back(before)
    say(f"Signed in to {made.url} as {_who(who)} (profile {name}).")
    if made.tokens and not scope and not _may_issue(who):
        note("It may not issue anything: to let it, sign in once more, and tick Issue in the browser.")


def logout(profile: ProfileOption = None) -> None:
    """Sign out: withdraw what was allowed in the browser, and forget the profile.

    An API key is forgotten here, and stays good: it is revoked in Chancery itself.

    Examples:
      chancery logout
      chancery logout --profile robot
    """
    name = profiles.checked_name(profile or profiles.current_name())
    try:
        known = profiles.find(name)
    except Failure:
        known = None  # what cannot be read can still be forgotten
    is_withdrawn = known is None or known.tokens is None or _give_back(known)
    if not profiles.forget(name):
        raise profiles.missing(name)
    if not is_withdrawn:
        note("The server could not be told: withdraw it there, under Account, Applications.")
    say(f"Signed out: the profile {name} is forgotten.")
    if profiles.names():
        say(f"The current profile is {profiles.current_name()}.")


def whoami(as_json: JsonOption = False, profile: ProfileOption = None) -> None:
    """Show who you are there, and what you may do now.

    For an application that a person lets act for him, that is what he has ticked, as far as he still may.
    """
    chosen = profiles.chosen(profile)
    who = _identity(chosen)
    if as_json:
        show_json({"profile": chosen.name or None, "url": chosen.url, **who.to_dict()})
        return
    at_single_cas = {f"May at {each['pki_name']}": each["permissions"] for each in who.grants or []}
    show_facts(
        {
            "Server": chosen.url,
            "Profile": chosen.name if chosen.is_stored else "from the environment",
            "Signed in with": chosen.method,
            "Person": who.user.email if who.user else None,
            "Organization": who.organization.name if who.organization else None,
            "Credential": who.credential.name,
            # An access token is renewed by itself.
            "Good until": None if chosen.tokens else who.credential.expires_at,
            **(at_single_cas or {"May": who.permissions}),
        }
    )


def list_profiles(as_json: JsonOption = False) -> None:
    """List the profiles; the current one is marked."""
    current, rows = profiles.current_name(), []
    for name in profiles.names():
        try:
            found = profiles.find(name)
        except Failure:
            found = None
        method, url = (found.method, found.url) if found else ("cannot be read", "")
        rows.append({"name": name, "is_current": name == current, "url": url, "method": method})
    if as_json:
        show_json(rows)
        return
    marked = [["*" if row["is_current"] else "", row["name"], row["url"], row["method"]] for row in rows]
    show_rows(["current", "name", "url", "signed in with"], marked)
    if not rows:
        note("There are none yet. Make one with: chancery login https://pki.example.com")


def use_profile(name: Annotated[str, typer.Argument(metavar="NAME", help="Of the profile.")]) -> None:
    """Work with this profile from now on, where no other is named."""
    if profiles.checked_name(name) not in profiles.names():
        raise profiles.missing(name)
    profiles.make_current(name)
    say(f"The current profile is {name}.")


def _ways(browser: bool, device: bool, api_key: bool, client_cert: Optional[Path]) -> dict[str, bool]:
    return {"--browser": browser, "--device": device, "--api-key": api_key, "--client-cert": client_cert is not None}


def _usual_name(url: Optional[str]) -> str:
    """The current profile, unless that is for another server: then one called after the server's address."""
    current = profiles.current_name()
    known = profiles.find(current)
    if known is None or url is None or profiles.checked_url(url) == known.url:
        return current
    parts = urlsplit(profiles.checked_url(url))
    # The brackets of an IPv6 address are left out, and a name begins with a letter or a digit.
    place = re.sub(r"[\[\]]", "", parts.netloc + parts.path)
    return re.sub(r"[^A-Za-z0-9.-]", "-", place).lstrip(".-")[:64] or profiles.DEFAULT


def _address(url: Optional[str], before: Optional[Profile]) -> str:
    given = url or os.environ.get("CHANCERY_URL") or (before.url if before else "")
    if not given:
        raise WrongUsage("Where is Chancery?", hint="Say it: chancery login https://pki.example.com")
    return profiles.checked_url(given)


def _place(path: Optional[Path]) -> str:
    """Absolute, for the profile is used from other folders, too."""
    return str(path.expanduser().resolve()) if path else ""


def _has_browser() -> bool:
    """Whether a person at this machine would see one."""
    if "SSH_CONNECTION" in os.environ:
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _consent(begun: Profile, scope: str, *, by_device: bool) -> Tokens:
    with open_http(ca_bundle=begun.ca_bundle) as http:
        server = oauth.discover(http, begun.url)
        client_id = oauth.register(http, server)
        if by_device:
            return oauth.by_device(http, server, client_id, scope=scope, show=_show_code)
        return by_browser(http, server, client_id, scope=scope, open_page=_open_page)


def _show_code(device: oauth.Device) -> None:
    note(f"Open {device.address} in any browser, sign in, and type this code:\n\n    {device.user_code}\n")
    note(f"Or open {device.complete_address}")
    note(f"The code is good for {device.minutes} minutes. Waiting …")


def _open_page(address: str) -> None:
    note(f"Opening a browser. If none appears, open this address on this machine:\n\n    {address}\n")
    note("Waiting for your answer there …")
    try:
        webbrowser.open(address)
    except webbrowser.Error:
        note("There is no browser here. With one on another machine, use: chancery login --device")


def _identity(profile: Profile) -> Whoami:
    with client_of(profile) as client:
        return client.whoami.get()


def _who(who: Whoami) -> str:
    person = who.user.email if who.user else who.credential.name
    return f"{person} in {who.organization.name}" if who.organization else person


def _may_issue(who: Whoami) -> bool:
    permissions = [each for grant in who.grants or [] for each in grant["permissions"]] or who.permissions
    return "certificates:issue" in permissions


def _give_back(known: Profile) -> bool:
    """Whether the consent has ended. That the server is out of reach keeps nobody from signing out."""
    try:
        with profiles.alone_with(known.name), open_http(ca_bundle=known.ca_bundle) as http:
            return known.tokens is None or oauth.give_back(http, known.tokens)
    except (Failure, ChanceryError):
        return False
