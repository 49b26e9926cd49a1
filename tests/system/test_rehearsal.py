"""What docker-compose.yml starts, started without Docker from the file itself, watched by what watches it, and stopped.

The tests stand in the order of a day: nothing runs after the last two.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.cli.target import SERVICES
from deploy.local.supervisor import Local
from shared.contracts.codes import Answer
from shared.runtime.metrics import Name
from tests.system.one_notice import COURT, Sender, message, settled, suit
from tests.system.rehearsal import PROM, Prometheus, ReceivedSpan, Receiver, Rehearsal, receiving, seconds
from tests.waiting import eventually
from tests.watching import expressions

pytestmark = pytest.mark.system

NOTICES = 3


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def rehearsal(receiver: Receiver) -> Iterator[Rehearsal]:
    with tempfile.TemporaryDirectory(prefix="bleibe-rehearsal-") as folder, Local(Path(folder), durable=False) as local:
        rehearsal = Rehearsal(local, receiver)
        rehearsal.start()
        yield rehearsal


@pytest.fixture(scope="module")
def prometheus(rehearsal: Rehearsal) -> Prometheus:
    if shutil.which(PROM) is None:
        pytest.skip("NOT CHECKED: a real Prometheus beside the running services, because prometheus is not on this machine")
    prometheus = Prometheus(rehearsal)
    prometheus.start()
    return prometheus


def test_every_service_is_healthy_by_its_own_check(rehearsal: Rehearsal) -> None:
    assert {service: rehearsal.health_check(service) for service in SERVICES} == dict.fromkeys(SERVICES, 0)


async def test_each_notice_is_one_trace_through_all_four_services(rehearsal: Rehearsal, receiver: Receiver) -> None:
    sender = Sender(rehearsal.target().bootstrap)
    ids = {str(each) for each in await sender.send(*(message(COURT, suit(n)) for n in range(NOTICES)))}
    await sender.until_answered()
    assert {answer.answer for answer in sender.answers.values()} == {Answer.ACCEPTED}
    await settled(rehearsal.target())

    def traces() -> dict[str, list[ReceivedSpan]]:
        by_trace: dict[str, list[ReceivedSpan]] = defaultdict(list)
        for span in list(receiver.spans):
            by_trace[span.trace].append(span)
        return {id_: spans for id_, spans in by_trace.items() if any(is_notice(span) for span in spans)}

    def complete() -> list[list[ReceivedSpan]] | None:
        """Each notice's trace, once it is whole: the services export every half second, each by itself."""
        found = list(traces().values())
        return found if len(found) == NOTICES and all(unbroken(spans) for spans in found) else None

    found = await eventually(complete)
    for spans in found:
        (root,) = (span for span in spans if not span.parent)
        assert is_notice(root)
    assert {span.attributes["bleibe.notice_id"] for spans in found for span in spans if is_notice(span)} == ids


def unbroken(spans: list[ReceivedSpan]) -> bool:
    """Whether all services are in the trace, and every span's parent."""
    known = {span.id for span in spans}
    return {span.service for span in spans} == set(SERVICES) and {span.parent for span in spans} <= {"", *known}


async def test_prometheus_has_every_series_and_can_evaluate_every_rule_and_panel(
    rehearsal: Rehearsal, prometheus: Prometheus
) -> None:
    sender = Sender(rehearsal.target().bootstrap)
    await sender.send(message(COURT, suit(1)))
    await sender.until_answered()
    await settled(rehearsal.target())

    def scraped() -> bool:
        up = {each["metric"]["service"]: each["value"][1] for each in prometheus.ask('up{job="bleibe"}')}
        return up == dict.fromkeys(SERVICES, "1")

    await eventually(scraped)

    def missing() -> set[str]:
        series = prometheus.ask('count by (__name__) ({__name__=~"bleibe_.*"})')
        there = {each["metric"]["__name__"] for each in series}
        return {str(name) for name in Name if not there & {name, f"{name}_bucket"}}

    await eventually(lambda: not missing())
    alerts = {rule["name"] for rule in prometheus.rules()}
    asked = dict(expressions())
    assert alerts <= asked.keys()

    def alarming() -> set[str]:
        """Alerts where all is well. Between a suit and its visit a defendant is uncovered, until reporting counts again."""
        return {where for where in alerts if prometheus.ask(asked[where])}

    await eventually(lambda: not alarming(), within_s=60)

    def silent() -> set[str]:
        """Panels without a line; a rate has one once there are two samples."""
        return {where for where in asked.keys() - alerts if not prometheus.ask(asked[where])}

    await eventually(lambda: silent() <= {"operations: Was daraus wurde A"})  # what came of messages, but for the effective ones
    hops = {
        (each["metric"]["service"], each["metric"]["topic"]): float(each["value"][1])
        for each in prometheus.ask("bleibe_hop_seconds_sum / bleibe_hop_seconds_count")
    }
    assert {("intake", "notices"), ("outreach", "cases"), ("reporting", "visits")} <= hops.keys()
    assert all(0 < took < 30 for took in hops.values())


def test_each_service_stops_by_itself_within_its_grace(rehearsal: Rehearsal) -> None:
    for service in SERVICES:
        since = time.monotonic()
        assert rehearsal.stop(service) == 0, f"{service} did not end by itself"
        assert time.monotonic() - since < seconds(rehearsal.file["services"][service]["stop_grace_period"])
        assert rehearsal.health_check(service) != 0


async def test_an_alert_awakes_for_services_that_are_gone(rehearsal: Rehearsal, prometheus: Prometheus) -> None:
    for service in SERVICES:
        rehearsal.stop(service)

    def down() -> set[str]:
        (rule,) = (rule for rule in prometheus.rules() if rule["name"] == "ServiceDown")
        return {alert["labels"]["service"] for alert in rule["alerts"]}

    await eventually(lambda: down() == set(SERVICES))
    assert {rule["health"] for rule in prometheus.rules()} == {"ok"}


def is_notice(span: ReceivedSpan) -> bool:
    return span.name == "process notices"
