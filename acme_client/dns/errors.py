"""Why DNS could not be asked or changed."""

from __future__ import annotations

from kernel.text import Text


class DnsError(Exception):
    """DNS says nothing usable, or was not changed. `text` says why, with no secret in it."""

    def __init__(self, template: str, /, **facts: object) -> None:
        self.text = Text(template, facts)
        super().__init__(str(self.text))
