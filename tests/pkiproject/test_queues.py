"""The queue without Redis hands over whole messages, and never ends a worker."""

from __future__ import annotations

from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection

from pkiproject.queues import Channel

OURS = "pkiproject.queues:Transport"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def channel(folder: Path) -> Channel:
    options = {"data_folder_in": str(folder), "data_folder_out": str(folder), "control_folder": str(folder / "control")}
    connection = Connection("filesystem://localhost/", transport=OURS, transport_options=options)
    channel = connection.channel()
    assert isinstance(channel, Channel)
    return channel


def test_messages_come_out_as_they_went_in(channel: Channel, folder: Path) -> None:
    channel._put("celery", {"body": "first"})
    channel._put("other", {"body": "not for celery"})
    assert channel._get("celery") == {"body": "first"}
    with pytest.raises(Empty):
        channel._get("celery")
    assert len(list(folder.iterdir())) == 1


def test_a_message_is_not_there_before_it_is_written(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    class Watched:
        def __json__(self) -> str:
            takes_nothing()
            return "whole"

    def takes_nothing() -> None:
        with pytest.raises(Empty):
            channel._get("celery")

    def written(path: Path, text: str, *arguments: Any) -> int:
        size = write(path, text[: len(text) // 2])
        takes_nothing()
        return size + write(path, text)

    write = Path.write_text
    monkeypatch.setattr(Path, "write_text", written)
    channel._put("celery", {"body": Watched()})
    assert channel._get("celery") == {"body": "whole"}


@pytest.mark.parametrize("content", [b"", b'{"body": "ha', b"\xff\x00"], ids=["empty", "half", "no text"])
def test_what_cannot_be_read_is_left_out(channel: Channel, folder: Path, content: bytes) -> None:
    (folder / "0_lost.celery.msg").write_bytes(content)
    channel._put("celery", {"body": "next"})
    assert channel._get("celery") == {"body": "next"}
    with pytest.raises(Empty):
        channel._get("celery")


def test_it_is_what_the_worker_without_redis_uses() -> None:
    from pkiproject import settings

    if settings.REDIS_URL:
        pytest.skip("Redis carries the queue here")
    assert settings.CELERY_BROKER_TRANSPORT == OURS
