"""Metrics: names in one place, labels bounded."""

import re
from datetime import UTC, datetime
from pathlib import Path

from shared.runtime import metrics as module
from shared.runtime.metrics import Metrics, Name, Outcome, ParkedReason, Slack

ROOT = Path(__file__).parents[2]
ALL_NAMES = re.compile(r"\"bleibe_[a-z_]+\"")


def test_every_metric_name_is_declared_in_one_place() -> None:
    assert module.__file__ is not None
    declared = Path(module.__file__)
    assert set(ALL_NAMES.findall(declared.read_text())) == {f'"{name}"' for name in Name}
    for folder in ("shared", "services"):
        for path in (ROOT / folder).rglob("*.py"):
            makes_one = re.search(r"prometheus_client", path.read_text()) and path != declared
            assert not makes_one, f"{path} makes metrics of its own; declare them in {declared.name}"


def test_every_declared_metric_is_shown() -> None:
    metrics = Metrics(["de.bleibe.case.opened.v1"], ["urn:court"])
    metrics.handled("notices.court", "de.bleibe.case.opened.v1", Outcome.EFFECTIVE, 3)
    metrics.batch(records=500, statements=12, seconds=0.03)
    metrics.outbox(events=7, oldest_s=0.5)
    metrics.parked({ParkedReason.GAP: 2})
    metrics.lag({"notices.court": 4})
    metrics.heard_from("urn:court", datetime(2026, 11, 23, tzinfo=UTC))
    metrics.hop("notices.court", 0.004)
    metrics.health({"line": False}, {"jobs": 1.5})
    metrics.open_visits({Slack.NONE: 1})
    body, kind = metrics.page()
    assert kind.startswith("text/plain")
    for name in Name:
        assert re.search(rf"^{name}(_bucket)?[ {{]", body.decode(), re.MULTILINE), name
    assert 'bleibe_events_handled_total{outcome="effective",topic="notices",type="de.bleibe.case.opened.v1"} 3.0' in body.decode()
    assert metrics.registry.get_sample_value(Name.PARKED_EVENTS, {"reason": "gap"}) == 2
    assert metrics.registry.get_sample_value(Name.PARKED_EVENTS, {"reason": "failed"}) == 0


def test_labels_from_outside_are_bounded() -> None:
    metrics = Metrics(["known"], ["urn:court"])
    metrics.handled("notices.honeyname", "honeytype", Outcome.PARKED)
    metrics.heard_from("urn:honeyname", datetime(2026, 11, 23, tzinfo=UTC))
    metrics.handled("notices.court", None, Outcome.PARKED)
    assert b"honey" not in metrics.page()[0]
    labels = {"topic": "notices", "type": "unknown", "outcome": "parked"}
    assert metrics.registry.get_sample_value(Name.EVENTS_HANDLED, labels) == 2


def test_a_topic_no_longer_read_loses_its_lag() -> None:
    metrics = Metrics([])
    metrics.lag({"cases": 5, "visits": 1})
    metrics.lag({"cases": 0})
    assert metrics.registry.get_sample_value(Name.LAG_RECORDS, {"topic": "cases"}) == 0
    assert metrics.registry.get_sample_value(Name.LAG_RECORDS, {"topic": "visits"}) is None
