"""How a command ends when it does not succeed: an exit code, and one sentence for a person."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What scripts can rely on; docs/command-line.md says the same."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    NOT_ALLOWED = 3
    NOT_FOUND = 4
    WAITING = 5
    NOTHING_TO_DO = 6
    TRY_LATER = 7
    INTERRUPTED = 130


class Failure(Exception):
    """A command cannot do what it was asked to.

    Attributes:
        sentence: what is wrong, for the person who typed the command.
        hint: what to do about it; may be empty.
        code: what the process ends with.
    """

    def __init__(self, sentence: str, *, hint: str = "", code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.code = code


class WrongUsage(Failure):
    """What was typed contradicts itself, or is not of the form that is asked for."""

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence, hint=hint, code=ExitCode.WRONG_USAGE)


class NotSignedIn(Failure):
    """There is no credential, or it is not good any more."""

    def __init__(self, sentence: str, *, hint: str = "Sign in with: chancery login") -> None:
        super().__init__(sentence, hint=hint, code=ExitCode.NOT_ALLOWED)


class NothingToDo(Failure):
    """All is as it should be already. This is no error: it is told on standard output."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, code=ExitCode.NOTHING_TO_DO)
