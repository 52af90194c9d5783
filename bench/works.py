"""What is measured on the wire: who takes turns with whom, what they send, and what is wanted of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any
from urllib.parse import urlencode

from cryptography import x509

from bench import wire
from bench.load import fetch
from bench.measure import Contender, Target
from bench.signing import make_csr
from bench.stage import Stage

CSRS = 64
# So many revocations make one round: enough for a 99th percentile.
REVOCATIONS = 400
# "The same", where two p99 of a busy machine are compared.
SAME = 1.25


def issue(stage: Stage) -> list[Contender]:
    """Certificates from CSRs and with managed keys, over `POST /api/v2/certificates`."""
    token, linted, unlinted = (stage.office[name] for name in ("token", "linted", "unlinted"))
    csrs = [make_csr(f"www-{number}.acme.test") for number in range(CSRS)]

    def orders(**order: Any) -> bytes:
        return wire.post_json("/api/v2/certificates", token, order)

    def from_csr(template: str) -> list[bytes]:
        return [orders(template_code=template, csr=csr) for csr in csrs]

    floor, plain = "floor: a bare view signs, inserts, commits", "issue from CSR, lint off"
    names = (f"managed-{number}.acme.test" for number in count())
    managed = [orders(template_code=unlinted, common_name=next(names)) for _ in csrs]
    return [
        Contender(
            floor,
            stage,
            shared([wire.post_json("/issue", "", {"csr": csr}) for csr in csrs]),
            201,
            is_floor=True,
            by_bare_django=True,
        ),
        Contender(plain, stage, shared(from_csr(unlinted)), 201, targets=_at_least(0.5, of=floor)),
        Contender("issue from CSR, lint block", stage, shared(from_csr(linted)), 201, targets=_at_least(0.3, of=floor)),
        Contender("managed P-256 key, lint off", stage, shared(managed), 201, targets=_at_least(0.9, of=plain)),
    ]


def ocsp(stage: Stage) -> list[Contender]:
    """Answers that are cached, for certificates spread over the register."""
    issuer = x509.load_pem_x509_certificate(stage.office["issuer"].encode())
    questions = [wire.ocsp_request(issuer, sample["serial"]) for sample in stage.office["samples"]]
    path = "/" + stage.office["ocsp_path"]
    floor = "floor: a bare view returns stored bytes"
    stored = [wire.get(f"/stored/{number}") for number in range(1, len(questions) + 1)]
    target = _at_least(0.7, of=floor)
    return [
        Contender(floor, stage, shared(stored), is_floor=True, by_bare_django=True),
        Contender("OCSP, POST", stage, shared([wire.post_ocsp(path, each) for each in questions]), targets=target),
        Contender("OCSP, GET", stage, shared([wire.get_ocsp(path, each) for each in questions]), targets=target),
    ]


def lists(stage: Stage) -> list[Contender]:
    """Pages of the register, and what is found in it: 50 rows at most, over `GET /api/v2/certificates`."""
    token, samples = stage.office["token"], stage.office["samples"]
    middle = samples[len(samples) // 2]

    def page(**parameters: str) -> bytes:
        return wire.get(f"/api/v2/certificates?{urlencode(parameters)}", token)

    def found(parameters: Callable[[dict[str, Any]], str]) -> Callable[[int], Sequence[Sequence[bytes]]]:
        return shared([page(filter=parameters(sample)) for sample in samples])

    one = [wire.get(f"/api/v1/certificates/{sample['pk']}", token) for sample in samples]
    first = "first page"
    within_30, within_100 = _at_most("p50_ms", 30.0), _at_most("p50_ms", 100.0)
    deep = (*within_30, *_at_most("p50_ms", 1.5, of=first))
    host, _dot, zone = middle["common_name"].partition(".")
    return [
        Contender("floor: one certificate by its primary key", stage, shared(one), is_floor=True),
        Contender(first, stage, shared([page()]), targets=within_30),
        Contender("a page in the middle", stage, shared([page(cursor=_cursor_to_the_middle(stage))]), targets=deep),
        Contender("by serial", stage, found(lambda sample: f"serial:{sample['serial']}"), targets=within_30),
        Contender("by SAN", stage, found(lambda sample: f"san:{sample['common_name']}"), targets=within_30),
        Contender("CN begins with, ten found", stage, shared([page(filter=f"cn:{host[:-1]}*")]), targets=within_100),
        Contender(
            "CN ends with, one of a hundred found", stage, shared([page(filter=f"cn:*.{zone}")]), targets=within_100
        ),
    ]


def pages(stage: Stage) -> list[Contender]:
    """What an owner has in his browser, each page whole. A p50 with one client is the server's time."""
    cookie = stage.register.run("bench.session", stage.office["owner"])["cookie"]
    sample = stage.office["samples"][len(stage.office["samples"]) // 2]
    host, _dot, zone = sample["common_name"].partition(".")

    def page(path: str, **parameters: str) -> Callable[[int], Sequence[Sequence[bytes]]]:
        return shared([wire.get_page(f"{path}?{urlencode(parameters)}" if parameters else path, cookie)])

    within_100, within_300 = _at_most("p50_ms", 100.0), _at_most("p50_ms", 300.0)
    return [
        Contender("the list", stage, page("/certificates/"), targets=within_100),
        Contender("the list, by name", stage, page("/certificates/", filter=f"cn:*.{zone}"), targets=within_100),
        Contender("the list, revoked", stage, page("/certificates/", filter="status:revoked"), targets=within_100),
        Contender("a record", stage, page(f"/certificates/{sample['public_id']}/"), targets=within_100),
        Contender("the overview", stage, page("/"), targets=within_100),
        Contender("authorities", stage, page("/authorities/"), targets=within_100),
        Contender("the audit log", stage, page("/audit/"), targets=within_100),
        Contender("search", stage, page("/search/", q=host), targets=within_300),
    ]


def revoke(few: Stage, many: Stage) -> list[Contender]:
    """Revocations beside a few and beside many others of the same CA."""
    names = {id(stage): f"revoke, {stage.office['revoked']:,} revoked before" for stage in (few, many)}
    same = _at_most("p99_ms", SAME, of=names[id(few)])
    return [
        Contender(names[id(few)], few, _each_once(few), once=True),
        Contender(names[id(many)], many, _each_once(many), once=True, targets=same),
    ]


def shared(requests: list[bytes]) -> Callable[[int], Sequence[Sequence[bytes]]]:
    """All clients send all of them, each beginning at another place."""
    return lambda clients: [
        requests[start:] + requests[:start] for start in (len(requests) * each // clients for each in range(clients))
    ]


def _each_once(stage: Stage) -> Callable[[int], Sequence[Sequence[bytes]]]:
    """Certificates that are still in force, each for one client and one time."""
    left: Iterator[str] = iter(stage.office["live"])

    def requests(clients: int) -> Sequence[Sequence[bytes]]:
        return [[revocation(next(left)) for _ in range(REVOCATIONS // clients)] for _client in range(clients)]

    def revocation(public_id: str) -> bytes:
        path = f"/api/v2/certificates/{public_id}/revoke"
        return wire.post_json(path, stage.office["token"], {"reason": "superseded"})

    return requests


def _cursor_to_the_middle(stage: Stage) -> str:
    """The cursor that stands half the register deep, got as a reader of the first version gets one."""
    path = f"/api/v1/certificates?limit=1&offset={stage.office['rows'] // 2}"
    answer = fetch(stage.chancery.port, wire.get(path, stage.office["token"]))
    cursor: str = answer["pagination"]["next_cursor"]
    return cursor


def _at_least(limit: float, *, of: str) -> tuple[Target, ...]:
    return (Target("per_second", at_least=limit, of=of, clients=8),)


def _at_most(measure: str, limit: float, *, of: str = "") -> tuple[Target, ...]:
    return (Target(measure, at_most=limit, of=of, clients=None if measure == "p99_ms" else 1),)
