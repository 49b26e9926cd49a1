"""One run: load and faults side by side, then everything up, settled, and judged."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.cli.target import Target
from deploy.demo.clients import Clients, Office
from deploy.local.kafka import NoKafkaError
from deploy.local.system import MUENSTER, SERVICES, tokens
from shared.city import load_city
from shared.contracts.topics.notices import Notice
from shared.messaging.asking import never_make_topics
from shared.messaging.fetching import read_every_record
from tests.chaos.evidence import collect, keep_tables
from tests.chaos.faults import schedule
from tests.chaos.ground import Ground, ground
from tests.chaos.inflict import Inflictor
from tests.chaos.town import OVER_HTTP, Town
from tests.chaos.verdict import judge
from tests.system.one_notice import settled, target_of
from tests.waiting import eventually

SETTLE_S = 300.0
EXAMPLES = 20
KEPT = "logs"
FOUND = ("lost", "doubled", "out_of_order", "broken")


@dataclass(frozen=True, slots=True)
class Options:
    """How long, from which seed, on how many nodes (0: the embedded broker), how many suits a second, how often a fault."""

    seconds: float
    seed: int
    nodes: int
    rate: float
    every_s: float


@dataclass(slots=True)
class Course:
    """How a run went, as far as it came.

    `found`: what is wrong, None where that was not judged; `failed`: what stood still for good, or raised.
    """

    options: Options
    town: Town
    counts: Counter[str] = field(default_factory=Counter)
    settle_s: float | None = None
    events: int = 0
    found: dict[str, Sequence[str] | None] = field(default_factory=lambda: dict.fromkeys(FOUND))
    failed: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """For the last line."""
        counted = {name: None if each is None else len(each) for name, each in self.found.items()}
        return {
            "ok": not self.failed and all(each == 0 for each in counted.values()),
            "seed": self.options.seed,
            "minutes": round(self.options.seconds / 60, 2),
            "nodes": self.options.nodes,
            "faults": dict(sorted(self.counts.items())),
            "notices": sum(isinstance(letter.data, Notice) for letter in self.town.history.sent.values()),
            "messages": len(self.town.history.sent),
            "events": self.events,
            **counted,
            "settle_s": self.settle_s,
            "failed": self.failed,
        }


async def chaos(data: Path, options: Options) -> dict[str, Any]:
    """Run it, and sum it up whatever happens. The summary's `ok` says whether every promise held.

    Raises NoKafkaError.
    """
    never_make_topics()
    read_every_record()
    course = Course(options, Town(load_city(MUENSTER), random.Random(f"town {options.seed}")))  # noqa: S311  a town, no secret
    try:
        await _run(data, course)
    except NoKafkaError:
        raise
    except Exception as error:  # noqa: BLE001  whatever it was, the last line says so
        course.failed += _words(error)
    for each in course.failed:
        print(f"FAILED {each}", flush=True)
    return course.summary()


async def _run(data: Path, course: Course) -> None:
    options, town = course.options, course.town
    async with ground(data, options.nodes) as place:
        system = target_of(place.local)
        began = time.monotonic()
        log = _log_since(began)
        offices = {OVER_HTTP: Office(system.pages["intake"], tokens(data)["partner-sozialamt"])}
        chance = random.Random(f"hand {options.seed}")  # noqa: S311  as above
        inflictor = Inflictor(place, town, chance, log, course.counts)
        async with Clients(system.bootstrap, town.city, offices, town) as clients:
            async with asyncio.TaskGroup() as both:
                both.create_task(_load(town, clients, options, began))
                both.create_task(_faults(inflictor, place, options, began))
            ended = time.monotonic()
            log("the faults are over")
            await inflictor.everything_up()
            log("everything is up")
            try:
                await settle(town, clients, system, began)
                course.settle_s = round(time.monotonic() - ended, 1)
            except AssertionError as error:  # what is there can be judged all the same
                course.failed += _words(error)
        log("judging")
        try:
            await _judge(course, system, log)
        finally:
            if not course.summary()["ok"]:
                await keep_tables(system, data / KEPT)


async def _judge(course: Course, system: Target, log: Callable[[str], None]) -> None:
    evidence = await collect(system, course.town.city)
    course.events = sum(map(len, evidence.journals.values()))
    verdict = judge(course.town.history, evidence)
    course.found = dict(zip(FOUND, (verdict.lost, verdict.doubled, verdict.out_of_order, evidence.broken), strict=True))
    for name, found in course.found.items():
        for each in (found or ())[:EXAMPLES]:
            log(f"{name.upper()} {each}")


def _words(error: BaseException) -> list[str]:
    """What failed; of several things at once each."""
    if isinstance(error, BaseExceptionGroup):
        return [words for each in error.exceptions for words in _words(each)]
    return [f"{type(error).__name__}: {error}"[:500]]


async def _load(town: Town, clients: Clients, options: Options, began: float) -> None:
    """So many suits a second, and whatever follows from them."""
    filed = 0
    while (now := time.monotonic() - began) < options.seconds:
        town.now = now
        while filed < now * options.rate:
            town.sued()
            filed += 1
        await speak(town, clients)
        await asyncio.sleep(0.2)


async def speak(town: Town, clients: Clients) -> None:
    """What is due is sent, and what comes is heard."""
    await clients.send(town.due())
    clients.listen_to(SERVICES)


async def _faults(inflictor: Inflictor, place: Ground, options: Options, began: float) -> None:
    """Each at its time, overlapping with others that hit other parts."""
    async with asyncio.TaskGroup() as going_on:
        for fault in schedule(options.seed, options.seconds, options.every_s, place.brokers, durable=place.durable):
            await asyncio.sleep(max(0.0, fault.at - (time.monotonic() - began)))
            going_on.create_task(inflictor.inflict(fault))


async def settle(town: Town, clients: Clients, system: Target, began: float) -> None:
    """Until nobody has anything left to say, to answer, to send or to read.

    Raises AssertionError after `SETTLE_S`; what stands still is then in its message.
    """

    async def silent() -> bool:
        town.now = time.monotonic() - began
        await speak(town, clients)
        return not town.busy and not clients.unanswered

    await eventually(silent, SETTLE_S)
    await settled(system, SETTLE_S)
    await eventually(silent, SETTLE_S)
    await settled(system, SETTLE_S)


def _log_since(began: float) -> Callable[[str], None]:
    def log(words: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {words}", flush=True)

    return log
