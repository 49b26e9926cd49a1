"""What Prometheus and Grafana are told to ask for."""

from __future__ import annotations

import json
from collections.abc import Iterator

import yaml

from tests.compose_file import ROOT

PROMETHEUS = ROOT / "deploy" / "observability" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "observability" / "grafana" / "dashboards").glob("*.json"))


def expressions() -> Iterator[tuple[str, str]]:
    """Every PromQL expression of rules and dashboards, with where it stands."""
    for group in yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]:
        yield from ((rule["alert"], rule["expr"]) for rule in group["rules"])
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            yield from ((f"{path.stem}: {panel['title']} {target['refId']}", target["expr"]) for target in panel["targets"])
