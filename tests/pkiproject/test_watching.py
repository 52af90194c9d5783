"""The files for Prometheus and Grafana speak of metrics that there are."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
import yaml
from django.utils import timezone

from pkiproject.metrics import facts
from pkiproject.metrics.requests import SECONDS
from tests.processes import ROOT

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "chancery.json"


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text())["panels"])


def expressions() -> list[str]:
    return [rule["expr"] for rule in rules()] + [target["expr"] for each in panels() for target in each["targets"]]


@pytest.mark.django_db
def test_every_metric_that_is_asked_for_is_told() -> None:
    families = [family for source in (*facts.QUICK, *facts.SLOW) for family in source(timezone.now())]
    counters = {f"{each.name}_total" for each in families if each.type == "counter"}
    gauges = {each.name for each in families if each.type == "gauge"}
    (times,) = SECONDS.collect()
    known = counters | gauges | {f"{times.name}_count", f"{times.name}_bucket", "chancery_database_up"}
    asked = {name for each in expressions() for name in re.findall(r"chancery_\w+", each)}
    assert asked <= known
    assert len(asked) > 10


def test_every_alert_says_what_is_wrong() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith(".")


def test_panels_have_places_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for each in panels():
        at = each["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, each["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({each["id"] for each in panels()}) == len(panels())


@pytest.mark.needs("promtool")
def test_prometheus_takes_the_rules() -> None:
    checked = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
