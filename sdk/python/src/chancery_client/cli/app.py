"""The commands under one roof."""

import platform
from typing import Annotated

import typer

from chancery_client import __version__
from chancery_client.cli.commands import (
    authorities,
    completion,
    issuing,
    policy,
    register,
    renewing,
    requests,
    signing_in,
)
from chancery_client.cli.groups import Root, add, group
from chancery_client.cli.options import JsonOption, flag
from chancery_client.cli.output import say, show_json

_NAME = "chancery"
_HELP = """Certificates from Chancery.

First sign in, once:
  chancery login https://pki.example.com

Then, for example:
  chancery templates list
  chancery issue --san www.example.com --out www
  chancery list --expires-within 30d
  chancery renew --file www.pem --key www.key --if-expiring-within 30d

Each command has a --help of its own."""
_EPILOG = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not signed in or not allowed, 4 not found, 5 waiting for approval, "
    "6 nothing to do, 7 try again later."
)
_SIGN_IN, _CERTIFICATES, _AUTHORITIES, _OTHERS = "Signing in", "Certificates", "CAs and templates", "This program"

app = typer.Typer(
    name=_NAME,
    cls=Root,
    help=_HELP,
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


VersionOption = Annotated[
    bool, flag("--version", help="Show the version of this program.", is_eager=True, callback=_tell_version)
]


@app.callback()
def root(show_version: VersionOption = False) -> None:
    """All commands; what they have in common is in the profile."""


def version(as_json: JsonOption = False) -> None:
    """Show the version of this program."""
    if as_json:
        show_json({"version": __version__, "python": platform.python_version()})
        return
    say(f"{_NAME} {__version__} (Python {platform.python_version()})")


def run() -> None:
    """The command that was typed; ends the process."""
    completion.prepare()
    app(prog_name=_NAME)


_profiles = group("The servers and sign-ins that this machine knows.")
add(_profiles, "list", signing_in.list_profiles)
add(_profiles, "use", signing_in.use_profile, needs_words=True)

_requests = group("What somebody has to approve before it is issued.")
add(_requests, "list", requests.list_requests)
add(_requests, "show", requests.show_request, needs_words=True)
add(_requests, "approve", requests.approve, needs_words=True)
add(_requests, "reject", requests.reject, needs_words=True)
add(_requests, "cancel", requests.cancel, needs_words=True)
add(_requests, "collect", requests.collect, needs_words=True)

_templates = group("What certificates can be issued from.")
add(_templates, "list", policy.list_templates)

_cas = group("The certificate authorities.")
add(_cas, "list", authorities.list_authorities)
add(_cas, "show", authorities.show_authority, needs_words=True)
add(_cas, "chain", authorities.show_chain, needs_words=True)

_trust_store = group("Which roots this organization trusts.")
add(_trust_store, "export", authorities.export_trust_store)

_completion = group("Completion of commands and options by the Tab key.")
add(_completion, "install", completion.install_completion, needs_words=True)
add(_completion, "show", completion.show_completion, needs_words=True)

add(app, "login", signing_in.login, panel=_SIGN_IN)
add(app, "logout", signing_in.logout, panel=_SIGN_IN)
add(app, "whoami", signing_in.whoami, panel=_SIGN_IN)
app.add_typer(_profiles, name="profiles", rich_help_panel=_SIGN_IN)

add(app, "issue", issuing.issue, panel=_CERTIFICATES, needs_words=True)
add(app, "sign", issuing.sign, panel=_CERTIFICATES, needs_words=True)
add(app, "renew", renewing.renew, panel=_CERTIFICATES, needs_words=True)
add(app, "revoke", register.revoke, panel=_CERTIFICATES, needs_words=True)
add(app, "release", register.release, panel=_CERTIFICATES, needs_words=True)
add(app, "list", register.list_certificates, panel=_CERTIFICATES)
add(app, "show", register.show, panel=_CERTIFICATES, needs_words=True)
add(app, "download", register.download, panel=_CERTIFICATES, needs_words=True)
app.add_typer(_requests, name="requests", rich_help_panel=_CERTIFICATES)

app.add_typer(_templates, name="templates", rich_help_panel=_AUTHORITIES)
app.add_typer(_cas, name="cas", rich_help_panel=_AUTHORITIES)
add(app, "ca-bundle", authorities.ca_bundle, panel=_AUTHORITIES)
app.add_typer(_trust_store, name="trust-store", rich_help_panel=_AUTHORITIES)

app.add_typer(_completion, name="completion", rich_help_panel=_OTHERS)
add(app, "version", version, panel=_OTHERS)
