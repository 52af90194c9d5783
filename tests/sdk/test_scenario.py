"""One scenario, which every SDK plays against a running server: sdk/scenario/README.md."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sdk.conftest import Office
from tests.sdk.faults import faulty_proxy
from tests.sdk.workshop import SDK, go, python, run

SCENARIO = SDK / "scenario" / "scenario.json"
Ended = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Player:
    """How a language plays: what its requests say who they are, and the command."""

    name: str
    agent: str
    play: Callable[..., Ended]


def _python(*arguments: str) -> Callable[..., Ended]:
    return lambda _request, **settings: python(
        Path(__file__).with_name("player.py"), *arguments, folder=SDK, **settings
    )


def _go(_request: pytest.FixtureRequest, **settings: str) -> Ended:
    return go("test", "-count=1", "-run", "^TestScenario$", "-v", ".", **settings)


def _typescript(request: pytest.FixtureRequest, **settings: str) -> Ended:
    package = request.getfixturevalue("typescript").package
    return run(["node", "test/scenario.mjs"], package, **settings)


PLAYERS = [
    pytest.param(Player("python", "chancery-client-python/", _python()), id="python"),
    pytest.param(Player("python async", "chancery-client-python/", _python("async")), id="python-async"),
    pytest.param(Player("go", "chancery-client-go/", _go), id="go", marks=pytest.mark.needs("go")),
    pytest.param(
        Player("typescript", "chancery-client-typescript/", _typescript),
        id="typescript",
        marks=pytest.mark.needs("node", "tsc"),
    ),
]


def played(player: Player, office: Office, request: pytest.FixtureRequest) -> Ended:
    """The scenario in an organization of its own."""
    with faulty_proxy(office.running.port) as proxy:
        told = {
            "scenario": str(SCENARIO),
            "url": proxy.url,
            "keys": office.credentials(player.name),
            "values": {"agent": player.agent},
        }
        return player.play(request, SCENARIO=json.dumps(told))


@pytest.mark.row("P37")
@pytest.mark.row("P80")
@pytest.mark.parametrize("player", PLAYERS)
def test_the_scenario_is_played_to_its_end(player: Player, office: Office, request: pytest.FixtureRequest) -> None:
    steps = json.loads(SCENARIO.read_text())["steps"]
    ended = played(player, office, request)
    assert ended.returncode == 0, ended.stdout
    assert f"played {len(steps)} steps" in ended.stdout
