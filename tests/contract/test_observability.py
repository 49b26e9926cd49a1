"""What operations watch, as far as files tell: every alert proven both ways, every name known, every runbook written."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.cli.target import SERVICES
from shared.runtime.metrics import Name
from tests.compose_file import ROOT, compose
from tests.watching import DASHBOARDS, PROMETHEUS, expressions

OBSERVABILITY = ROOT / "deploy" / "observability"
CONTAINERS = compose()["services"]
RULES = [rule for group in yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"] for rule in group["rules"]]
PROOFS = yaml.safe_load((PROMETHEUS / "rules.test.yml").read_text())["tests"]
PROMETHEUS_OWN = {"up", "process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total"}


@pytest.mark.parametrize(
    "check", [["check", "config", "prometheus.yml"], ["check", "rules", "rules.yml"], ["test", "rules", "rules.test.yml"]]
)
def test_prometheus_takes_its_files_and_every_alert_fires_when_it_should(check: list[str]) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("NOT CHECKED: the alert rules against Prometheus itself, because promtool is not on this machine")
    done = subprocess.run(["promtool", *check], cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_is_shown_firing_and_silent_beside_the_numbers_it_watches(rule: dict[str, Any]) -> None:
    firing, silent = 0, 0
    for proof in PROOFS:
        told = {name for series in proof["input_series"] for name in names_in(series["series"])}
        asked = [each["exp_alerts"] for each in proof["alert_rule_test"] if each["alertname"] == rule["alert"]]
        if told & names_in(rule["expr"]):
            firing += sum(len(alerts) for alerts in asked)
            # fewer alerts than there are series of the kind: some of them must not fire
            series = [each for each in proof["input_series"] if names_in(each["series"]) & names_in(rule["expr"])]
            silent += sum(len(alerts) < len(series) for alerts in asked)
    assert firing, "never shown firing"
    assert silent, "never shown silent"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_leads_to_what_somebody_on_call_does(rule: dict[str, Any]) -> None:
    page, _, section = rule["annotations"]["runbook"].partition("#")
    sections = re.findall(r"^## (\w+)\n(.+?)(?=^## |\Z)", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    written = {title.lower(): text for title, text in sections}
    assert section == rule["alert"].lower()
    assert [part for part in ("**Means**", "**Look**", "**Do**") if part not in written[section]] == []
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_the_on_call_page_has_no_section_without_an_alert() -> None:
    titles = re.findall(r"^## (\w+)$", (ROOT / "docs" / "operations" / "alerts.md").read_text(), re.MULTILINE)
    assert sorted(titles) == sorted(rule["alert"] for rule in RULES)


def test_rules_and_dashboards_name_numbers_that_there_are() -> None:
    known = {*map(str, Name), *PROMETHEUS_OWN}
    known |= {f"{name}_{part}" for name in Name for part in ("bucket", "sum", "count")}
    asked = {name: where for where, expression in expressions() for name in names_in(expression)}
    assert {name: where for name, where in asked.items() if name not in known} == {}
    unwatched = {str(name) for name in Name} - {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert unwatched == set(), "a number that nobody looks at"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_can_be_drawn(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & cells, f"{panel['title']} lies upon another panel"
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["title"]
        assert panel["description"]
    sources = yaml.safe_load((OBSERVABILITY / "grafana/provisioning/datasources/datasources.yml").read_text())["datasources"]
    used = {target["datasource"]["uid"] for panel in panels for target in panel["targets"]}
    assert used <= {source["uid"] for source in sources}


def test_grafana_finds_its_dashboards_and_sources() -> None:
    mounts = dict(volume.split(":")[:2] for volume in CONTAINERS["grafana"]["volumes"])
    (provider,) = yaml.safe_load((OBSERVABILITY / "grafana/provisioning/dashboards/dashboards.yml").read_text())["providers"]
    folders = {inside: ROOT / outside for outside, inside in mounts.items() if outside.startswith("./")}
    assert set(folders[provider["options"]["path"]].glob("*.json")) == set(DASHBOARDS)
    home = Path(CONTAINERS["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (folders[str(home.parent)] / home.name).is_file()
    assert (folders["/etc/grafana/provisioning"] / "datasources" / "datasources.yml").is_file()
    sources = yaml.safe_load((folders["/etc/grafana/provisioning"] / "datasources" / "datasources.yml").read_text())
    for source in sources["datasources"]:
        host = re.fullmatch(r"http://([a-z]+):\d+", source["url"])
        assert host
        assert host[1] in CONTAINERS


def test_spans_go_from_the_services_over_the_collector_to_jaeger() -> None:
    (folder,) = (volume.split(":")[0] for volume in CONTAINERS["collector"]["volumes"])
    config = yaml.safe_load((ROOT / folder / "config.yml").read_text())
    assert CONTAINERS["collector"]["command"] == ["--config=/etc/otelcol/config.yml"]
    port = config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]
    for service in SERVICES:
        assert CONTAINERS[service]["environment"]["BLEIBE_OTLP_ENDPOINT"] == f"http://collector:{port}"
    assert config["exporters"]["otlp"]["endpoint"] == "jaeger:4317"
    (pipeline,) = config["service"]["pipelines"].values()
    for part, names in pipeline.items():
        assert set(names) == set(config[part])


def names_in(expression: str) -> set[str]:
    """The metrics that a PromQL expression or a series names."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", "", bare)
    return set(re.findall(r"\b(?:bleibe|process)_\w+\b|\bup\b", bare))
