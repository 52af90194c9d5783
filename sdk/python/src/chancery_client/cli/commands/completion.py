"""Completion of commands and options by the Tab key."""

import os
from enum import Enum
from typing import Annotated

import typer
import typer.completion

from chancery_client.cli.output import say

_PROGRAM = "chancery"
_VARIABLE = "_CHANCERY_COMPLETE"


class Shell(str, Enum):
    """Those that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"


ShellArgument = Annotated[
    Shell, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.", show_default=False)
]


def prepare() -> None:
    """Makes the shells known to typer, before anything is completed."""
    typer.completion.completion_init()  # type: ignore[attr-defined, unused-ignore]


def install_completion(shell: ShellArgument) -> None:
    """Let this shell complete, from the next time on that it starts.

    A script is put where the shell looks for it.

    Example:
      chancery completion install bash
    """
    install = typer.completion.install  # type: ignore[attr-defined, unused-ignore]
    _name, path = install(shell=shell.value, prog_name=_PROGRAM, complete_var=_VARIABLE)
    say(f"Completion for {shell.value} is in {path}: it works in every new shell.")


def show_completion(ctx: typer.Context, shell: ShellArgument) -> None:
    """Print the script that lets a shell complete.

    For those who put it into its place themselves.

    Example:
      chancery completion show zsh > ~/.zfunc/_chancery
    """
    prepare()
    os.environ[_VARIABLE] = f"source_{shell.value}"
    try:
        ctx.find_root().command.main(args=[], prog_name=_PROGRAM)
    finally:
        del os.environ[_VARIABLE]
