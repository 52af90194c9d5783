"""One client: a process with one connection that is kept open, busy with one request at a time. Nothing but stdlib.

It reads a job (one line of JSON) and says `ready`; at the line `go` it works until its time or its requests are over,
and answers with one line of JSON. It runs as a file (`python -I -S bench/client.py`), so that many of them start fast.
"""

from __future__ import annotations

import json
import resource
import socket
import sys
import time

# No answer may keep a client for longer than this.
PATIENCE_SECONDS = 240.0
_HEAD_END, _LAST_CHUNK = b"\r\n\r\n", b"0\r\n\r\n"


def main() -> None:
    job = json.loads(sys.stdin.readline())
    requests = [text.encode("latin-1") for text in job["requests"]]
    with socket.create_connection(("127.0.0.1", job["port"]), timeout=PATIENCE_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print("ready", flush=True)
        sys.stdin.readline()
        report = work(connection, requests, job["status"], job["seconds"], once=job["once"])
    print(json.dumps(report), flush=True)


def work(
    connection: socket.socket, requests: list[bytes], status: int, seconds: float, *, once: bool
) -> dict[str, object]:
    """Send one request after the other, round and round, or each `once`; a failure is an answer with another status."""
    good = b"HTTP/1.1 %d" % status
    latencies: list[float] = []
    failures, first_failure, number = 0, "", 0
    cpu = _cpu_seconds()
    begin = now = time.monotonic()
    while now < begin + seconds and (not once or number < len(requests)):
        connection.sendall(requests[number % len(requests)])
        answer = receive(connection)
        before, now = now, time.monotonic()
        latencies.append(now - before)
        number += 1
        if not answer.startswith(good):
            failures += 1
            first_failure = first_failure or _summary(answer)
    return {
        "begin": begin,
        "end": now,
        "latencies": latencies,
        "failures": failures,
        "first_failure": first_failure,
        "cpu_seconds": _cpu_seconds() - cpu,
    }


def receive(connection: socket.socket) -> bytes:
    """One whole answer, as it came. Raises ConnectionError where the server hangs up in the middle of it."""
    answer = bytearray()
    while (end_of_head := answer.find(_HEAD_END)) < 0:
        answer += _some(connection)
    head = bytes(answer[:end_of_head]).lower()
    while not _is_whole(head, answer, end_of_head + len(_HEAD_END)):
        answer += _some(connection)
    return bytes(answer)


def _summary(answer: bytes) -> str:
    """The status line and the beginning of the body, for people."""
    head, _, body = answer.partition(_HEAD_END)
    return (head.partition(b"\r\n")[0] + b": " + body[:500]).decode("latin-1")


def _is_whole(head: bytes, answer: bytearray, begin: int) -> bool:
    """By Content-Length, or by the last chunk (RFC 9112, 6.3)."""
    for line in head.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(answer) - begin >= int(line.partition(b":")[2])
    return answer.endswith(_LAST_CHUNK)


def _some(connection: socket.socket) -> bytes:
    chunk = connection.recv(262_144)
    if not chunk:
        raise ConnectionError("the server closed the connection")
    return chunk


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
