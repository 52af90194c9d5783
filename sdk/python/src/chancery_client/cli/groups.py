"""How commands are shown, and how each of them ends: in a sentence and an exit code, never in a traceback."""

import os
import re
import sys
from collections.abc import Callable
from typing import Any, Optional

import typer
from typer.core import TyperCommand, TyperGroup

from chancery_client import ChanceryError
from chancery_client.cli.explain import as_failure, tell
from chancery_client.cli.failures import ExitCode, Failure
from chancery_client.cli.output import note


class Command(TyperCommand):
    """One command."""

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, which takes no value and should not look as if it did."""
        return _without_value(super().get_help_option(ctx))


class Group(TyperGroup):
    """Commands under one word."""

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, which takes no value and should not look as if it did."""
        return _without_value(super().get_help_option(ctx))


class Root(Group):
    """All of them. What a command raises ends here."""

    def invoke(self, ctx: Any) -> Any:
        """Raises typer.Exit with the code of what went wrong."""
        try:
            return super().invoke(ctx)
        except (Failure, ChanceryError) as error:
            failure = error if isinstance(error, Failure) else as_failure(error)
            tell(failure)
            raise typer.Exit(failure.code) from None
        except KeyboardInterrupt:
            note("Interrupted.")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except typer.Abort as error:
            # What typer makes of Ctrl-C at a question; with Ctrl-D, or a no, nobody has interrupted anything.
            if not isinstance(error.__context__, KeyboardInterrupt):
                raise
            note("Interrupted.")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except BrokenPipeError:
            # Whoever reads the output has seen enough of it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(ExitCode.DONE) from None
        except OSError as error:
            tell(Failure(f"{error.filename or 'A file'}: {error.strerror or error}."))
            raise typer.Exit(ExitCode.FAILED) from None
        except Exception as error:
            if _is_typers(error) or "CHANCERY_DEBUG" in os.environ:
                raise
            tell(Failure(f"This program has a fault: {type(error).__name__}.", hint="CHANCERY_DEBUG=1 shows where."))
            raise typer.Exit(ExitCode.FAILED) from None


def group(help_text: str) -> typer.Typer:
    """Commands under one word, which alone shows its help."""
    return typer.Typer(cls=Group, help=help_text, no_args_is_help=True, rich_markup_mode="rich")


def add(
    to: typer.Typer, name: str, function: Callable[..., None], *, panel: Optional[str] = None, needs_words: bool = False
) -> None:
    """A command of this name. One that `needs_words` shows its help where nothing stands behind it."""
    text = help_of(function.__doc__ or "")
    to.command(name, cls=Command, help=text, rich_help_panel=panel, no_args_is_help=needs_words)(function)


def help_of(docstring: str) -> str:
    """Paragraphs as one line each, to be broken where the terminal ends; examples, which are indented, as they are."""
    paragraphs = re.sub(r"^ {4}", "", docstring.strip(), flags=re.MULTILINE).split("\n\n")
    return "\n\n".join(each if "\n  " in each else each.replace("\n", " ") for each in paragraphs)


def _is_typers(error: Exception) -> bool:
    """What typer itself ends a command with: wrong usage, an exit, a question that was not answered."""
    return isinstance(error, (typer.Exit, typer.Abort)) or hasattr(error, "exit_code")


def _without_value(option: Any) -> Any:
    if option is not None:
        option.metavar = ""
    return option
