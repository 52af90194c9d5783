"""Options that several commands share, with one wording each. Typer reads the annotations at run time."""

import os
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from chancery_client.cli import profiles
from chancery_client.cli.failures import WrongUsage
from chancery_client.cli.output import Shape, printable

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def flag(*names: str, **about: Any) -> Any:
    """An option without a value, which should not look as if it took one."""
    return typer.Option(*names, metavar="", **about)


def _profile_names(incomplete: str) -> list[str]:
    return [name for name in profiles.names() if name.startswith(incomplete)]


ProfileOption = Annotated[
    Optional[str],
    typer.Option(
        "--profile",
        "-p",
        metavar="NAME",
        envvar="CHANCERY_PROFILE",
        help="Work with this profile in place of the current one.",
        autocompletion=_profile_names,
        rich_help_panel="Connection",
    ),
]
JsonOption = Annotated[bool, flag("--json", help="Write JSON, for programs.")]
FormatOption = Annotated[Optional[Shape], typer.Option("--format", metavar="FORMAT", help="table, json or csv.")]
ForceOption = Annotated[bool, flag("--force", help="Overwrite files that are there already.")]
TemplateOption = Annotated[
    Optional[str],
    typer.Option(
        "--template",
        "-t",
        metavar="CODE",
        help="What to issue from (see: chancery templates list). Needed where there are several.",
    ),
]
SanOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--san", "-s", metavar="NAME", help="A name, address or URI that it is for. Can be given several times."
    ),
]
CommonNameOption = Annotated[
    Optional[str],
    typer.Option("--common-name", "--cn", metavar="NAME", help="The common name. By default the first --san."),
]
SubjectOption = Annotated[
    Optional[str],
    typer.Option(metavar="NAME", help="A whole subject in place of --common-name: CN=www.example.com,O=Example,C=DE."),
]
KeyTypeOption = Annotated[
    Optional[str],
    typer.Option(
        "--key-type",
        "-k",
        metavar="TYPE",
        help="ecdsa-p256, ecdsa-p384, ed25519, rsa-3072 … By default that of the template, or of the old key.",
    ),
]
ValidityOption = Annotated[
    Optional[str],
    typer.Option(metavar="TIME", help="For how long: 90d, 12h, 4w. By default as the template says."),
]
TagOption = Annotated[
    Optional[list[str]], typer.Option("--tag", metavar="WORD", help="A tag. Can be given several times.")
]
DescriptionOption = Annotated[Optional[str], typer.Option(metavar="TEXT", help="What it is for, for people.")]
PassphraseOption = Annotated[
    bool, flag("--ask-passphrase", help="Ask for the passphrase of the CA's key, where it has one.")
]
WaitOption = Annotated[bool, flag("--wait", help="Where somebody has to approve it: wait until that is decided.")]
TimeoutOption = Annotated[str, typer.Option("--timeout", metavar="TIME", help="How long --wait waits at most.")]
CertificateArgument = Annotated[
    str,
    typer.Argument(
        metavar="CERTIFICATE", help="Its id, its serial number, or a file that it is in.", show_default=False
    ),
]
FileOption = Annotated[
    Optional[Path], typer.Option("--out", "-o", metavar="FILE", help="The file to write; - is standard output.")
]

LimitOption = Annotated[int, typer.Option("--limit", "-n", metavar="NUMBER", min=1, help="How many at most.")]
AllOption = Annotated[bool, flag("--all", help="All of them, however many.")]
YesOption = Annotated[bool, flag("--yes", "-y", help="Do not ask whether it is meant.")]


def read_length(text: str, *, option: str) -> timedelta:
    """A length of time such as `30d` or `12h`. Raises WrongUsage."""
    found = re.fullmatch(r"([0-9]{1,6})([mhdw])", text.strip())
    if not found:
        raise WrongUsage(f"{option} '{text}' is not a length of time: write 30d, 12h, 45m or 4w.")
    return int(found[1]) * _UNITS[found[2]]


def ask_secret(question: str) -> str:
    """From the terminal without showing it, else the first line of standard input: never from the command's own words,
    which others can see. Raises WrongUsage where nothing comes.
    """
    answer: str = typer.prompt(question, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    secret = answer.strip("\r\n")
    if not secret.strip():
        raise WrongUsage(f"{question}: nothing was given.")
    return secret


def ask_passphrase(wanted: bool) -> Optional[str]:
    """The CA's passphrase, where it is wanted."""
    return ask_secret("Passphrase of the CA") if wanted else None


def is_standard_output(path: Optional[Path]) -> bool:
    return path is not None and os.fspath(path) == "-"


def confirm(question: str, yes: bool) -> None:
    """Asks a person; where nobody can be asked, a script has to say --yes. Raises WrongUsage, typer.Abort."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongUsage("Nobody can be asked here whether this is meant: add --yes.")
    typer.confirm(printable(question), abort=True, err=True)
