"""The queue of an installation without Redis: a folder of messages."""

from __future__ import annotations

import logging
from pathlib import Path
from time import monotonic
from typing import Any, Final
from uuid import uuid4

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

_log: Final = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """kombu's, which shows a message before it is written: who takes it at that moment cannot read it, and ends."""

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Raises ChannelError where the folder takes no file."""
        path = Path(self.data_folder_out) / f"{round(monotonic() * 1000)}_{uuid4()}.{queue}.msg"
        unfinished = path.with_suffix(".part")
        text = dumps(message)
        try:
            unfinished.write_text(text)
            unfinished.replace(path)
        except OSError as error:
            raise ChannelError(f"{path} cannot be written") from error

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """The oldest message that can be read; one that lost its content with the power is left out.

        Raises queue.Empty where there is none.
        """
        while True:
            try:
                return super()._get(queue)
            except ValueError:
                _log.warning("A message of the queue %s cannot be read; what it asked for is asked for again.", queue)


class Transport(filesystem.Transport):
    Channel = Channel
