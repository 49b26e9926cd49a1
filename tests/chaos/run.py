"""One run: load and faults side by side, then everything up, settled, and judged."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.cli.target import Target
from deploy.demo.clients import Clients, Office
from deploy.local.system import MUENSTER, SERVICES, tokens
from shared.city import load_city
from shared.contracts.topics.notices import Notice
from shared.messaging.asking import never_make_topics
from shared.messaging.fetching import read_every_record
from tests.chaos.evidence import collect
from tests.chaos.faults import schedule
from tests.chaos.ground import Ground, ground
from tests.chaos.inflict import Inflictor
from tests.chaos.town import OVER_HTTP, Town
from tests.chaos.verdict import judge
from tests.system.one_notice import settled, target_of
from tests.waiting import eventually

SETTLE_S = 300.0
EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Options:
    """How long, from which seed, on how many nodes (0: the embedded broker), how many suits a second, how often a fault."""

    seconds: float
    seed: int
    nodes: int
    rate: float
    every_s: float


async def chaos(data: Path, options: Options) -> dict[str, Any]:
    """Run it. The summary's `ok` says whether every promise held; `settle_s` is None where something stood still for good.

    Raises NoKafkaError.
    """
    never_make_topics()
    read_every_record()
    city = load_city(MUENSTER)
    town = Town(city, random.Random(f"town {options.seed}"))  # noqa: S311  a town, no secret
    async with ground(data, options.nodes) as place:
        system = target_of(place.local)
        began = time.monotonic()
        log = _log_since(began)
        offices = {OVER_HTTP: Office(system.pages["intake"], tokens(data)["partner-sozialamt"])}
        inflictor = Inflictor(place, town, random.Random(f"hand {options.seed}"), log)  # noqa: S311  as above
        async with Clients(system.bootstrap, city, offices, town) as clients:
            async with asyncio.TaskGroup() as both:
                both.create_task(_load(town, clients, options, began))
                both.create_task(_faults(inflictor, place, options, began))
            ended = time.monotonic()
            log("the faults are over")
            await inflictor.everything_up()
            log("everything is up")
            try:
                await settle(town, clients, system, began)
                settle_s = round(time.monotonic() - ended, 1)
            except AssertionError as error:
                settle_s = None
                log(f"NOT SETTLED {error}")
        log("judging")
        evidence = await collect(system, city)
        verdict = judge(town.history, evidence)
    for word, found in (("LOST", verdict.lost), ("DOUBLED", verdict.doubled), ("OUT OF ORDER", verdict.out_of_order)):
        for each in found[:EXAMPLES]:
            log(f"{word} {each}")
    for each in evidence.broken:
        log(f"BROKEN {each}")
    return {
        "ok": settle_s is not None and not (verdict.lost or verdict.doubled or verdict.out_of_order or evidence.broken),
        "seed": options.seed,
        "minutes": round(options.seconds / 60, 2),
        "nodes": options.nodes,
        "faults": dict(sorted(inflictor.counts.items())),
        "notices": sum(isinstance(letter.data, Notice) for letter in town.history.sent.values()),
        "messages": len(town.history.sent),
        "events": sum(map(len, evidence.journals.values())),
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "out_of_order": len(verdict.out_of_order),
        "broken": len(evidence.broken),
        "settle_s": settle_s,
    }


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
