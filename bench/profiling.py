"""Where the time of one request goes: the same requests as the bench sends, in one process, under cProfile.

    python -m bench.profiling issue|ocsp|lists|pages [--databases sqlite] [--rows 10k]

For each contender that is ours: queries, time in them, and the functions that cost most, alone and with all that
they call.
"""

from __future__ import annotations

import cProfile
import io
import json
import pstats
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import works
from bench.options import read_options
from bench.stage import house, run

_WORKS = {"issue": works.issue, "ocsp": works.ocsp, "lists": works.lists, "pages": works.pages}
_TIMES, _WARM_UP, _LINES = 200, 20, 45


def main(arguments: list[str]) -> None:
    options = read_options(arguments)
    plan = options.plans[0]
    rows = plan.rows[0]
    with (
        house(options.folder, (plan.database,)) as filled,
        filled.stage(plan.database, rows, rows // 10) as stage,
        tempfile.TemporaryDirectory() as folder,
    ):
        for contender in _WORKS[options.works[0]](stage):
            if contender.by_bare_django:
                continue
            file = Path(folder) / "requests.json"
            texts = [request.decode("latin-1") for request in contender.requests(1)[0]]
            file.write_text(json.dumps({"requests": texts, "status": contender.status}))
            print(f"## {contender.name}\n")
            print(run(stage.register.environment, "bench.profiling", "--inside", file), flush=True)


def profile(requests: list[bytes], status: int) -> None:
    from django.db import connection

    from pkiproject.wsgi import application

    answers: set[str] = set()
    queries: list[float] = []

    def ask(number: int) -> None:
        request = _environ(requests[number % len(requests)])
        b"".join(application(request, lambda line, _headers: answers.add(line)))

    def timed(execute: Any, *arguments: Any) -> Any:
        begin = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            queries.append(time.perf_counter() - begin)

    for number in range(_WARM_UP):
        ask(number)
    with connection.execute_wrapper(timed):
        begin = time.process_time()
        for number in range(_TIMES):
            ask(number)
        used = time.process_time() - begin
    # CPU time: waiting for a busy machine, or for the database, is nobody's work here.
    profiler = cProfile.Profile(time.process_time)
    for number in range(_TIMES):
        profiler.runcall(ask, number)
    per_request = 1000 / _TIMES
    print(f"answers: {', '.join(answers)} (wanted: {status})")
    print(f"CPU of this process: {used * per_request:.2f} ms a request, without the profiler")
    print(f"queries: {len(queries) / _TIMES:.1f} a request, {sum(queries) * per_request:.2f} ms in them")
    for order in ("cumulative", "tottime"):
        text = io.StringIO()
        pstats.Stats(profiler, stream=text).strip_dirs().sort_stats(order).print_stats(_LINES)
        print(text.getvalue())


def _environ(request: bytes) -> dict[str, Any]:
    """What a web server would make of it (PEP 3333)."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, protocol = first.split(" ")
    path, _question, query = target.partition("?")
    headers = dict(line.split(": ", 1) for line in lines)
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": protocol,
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        job = json.loads(Path(sys.argv[2]).read_text())
        profile([text.encode("latin-1") for text in job["requests"]], job["status"])
    else:
        main(sys.argv[1:])
