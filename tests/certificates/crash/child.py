"""A process of its own at the test's database, which stops, or is killed, exactly where it was told to.

    python -m tests.certificates.crash.child FOLDER die PERSON TEMPLATE POINT…
    python -m tests.certificates.crash.child FOLDER issue-until-refused PERSON TEMPLATE PROCESSES
    python -m tests.certificates.crash.child FOLDER publish SCOPE POINT
    python -m tests.certificates.crash.child FOLDER publish-often SCOPE TIMES PROCESSES

To stop is to make the file `reached` in the folder and to wait for the file `go`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django

django.setup()

from accounts.models import User  # noqa: E402
from accounts.services.people import actor_for_user  # noqa: E402
from audit import services as audit  # noqa: E402
from cas.models import Template  # noqa: E402
from certificates.models import CrlScope  # noqa: E402
from certificates.services import crl, issuance, minting  # noqa: E402
from kernel.actor import SYSTEM, Actor  # noqa: E402
from kernel.errors import Unavailable  # noqa: E402
from tests.forks import Point, act_at, forked, tell, wait_for  # noqa: E402
from tests.forks import die as die_here  # noqa: E402
from tests.office import order_for  # noqa: E402

PATIENCE_SECONDS = 240.0

# Where a process can be told to end.
POINTS: dict[str, Point] = {
    "before-lock": (minting, "lock_chain", False),
    "before-reserving": (minting, "reserve_leaf_serials", False),
    "after-reserving": (minting, "reserve_leaf_serials", True),
    "before-signing": (minting, "sign_certificate", False),
    "after-signing": (minting, "sign_certificate", True),
    "before-audit": (audit, "record", False),
    "after-audit": (audit, "record", True),
    "after-claim": (crl, "_claim", True),
    "after-reading": (crl, "_read", True),
    "before-keeping": (crl, "_keep", False),
}


def main(folder: Path, work: str, *arguments: str) -> None:
    WORKS[work](folder, *arguments)


def die(folder: Path, person: str, template: str, *points: str) -> None:
    """Issue once for each point, each in a process that is killed there; its log goes to a file of the point's name."""
    for point in points:
        (end,) = forked([lambda point=point: _issue_and_die(folder / point, person, template, point)])
        tell(point, end)


def _issue_and_die(log: Path, person: str, template: str, point: str) -> None:
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 2)
    if point in POINTS:
        act_at(POINTS[point], die_here)
    order = order_for(Template.objects.get(pk=template), f"{point}.acme.test")
    issuance.issue_certificate(actor=_actor(person), order=order)
    if point == "after-commit":
        die_here()


def issue_until_refused(folder: Path, person: str, template: str, processes: str) -> None:
    """Issue in several processes until the CA is out of service; each prints the serial numbers that it was given."""
    ends = forked([lambda: _issue_until_refused(folder, person, template)] * int(processes))
    assert not any(ends), ends


def _issue_until_refused(folder: Path, person: str, template: str) -> None:
    actor, row = _actor(person), Template.objects.get(pk=template)
    deadline = time.monotonic() + PATIENCE_SECONDS
    number = 0
    while time.monotonic() < deadline:
        number += 1
        order = order_for(row, f"{os.getpid()}-{number}.acme.test")
        try:
            issued = issuance.issue_certificate(actor=actor, order=order)
        except Unavailable:
            return
        tell(issued.certificate.serial)
        (folder / f"issuing-{os.getpid()}").touch()
    raise TimeoutError("nobody took the CA out of service")


def publish(folder: Path, scope: str, point: str) -> None:
    """Publish one CRL, with a stop at the point; print its number, or `None` where it was left to another."""
    act_at(POINTS[point], lambda: _stop(folder))
    made = crl.publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(pk=scope))
    tell(made and made.number)


def publish_often(folder: Path, scope: str, times: str, processes: str) -> None:
    """Publish again and again in several processes; each prints the numbers of the CRLs that it kept, in its order."""
    ends = forked([lambda: _publish_often(scope, int(times))] * int(processes))
    assert not any(ends), ends


def _publish_often(scope: str, times: int) -> None:
    for _time in range(times):
        made = crl.publish_crl(actor=SYSTEM, scope=CrlScope.objects.get(pk=scope))
        if made is not None:
            tell(made.number)


def _actor(person: str) -> Actor:
    return actor_for_user(User.objects.get(pk=person))


def _stop(folder: Path) -> None:
    (folder / "reached").touch()
    wait_for((folder / "go").exists, PATIENCE_SECONDS)


WORKS: dict[str, Callable[..., None]] = {
    "die": die,
    "issue-until-refused": issue_until_refused,
    "publish": publish,
    "publish-often": publish_often,
}

if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
