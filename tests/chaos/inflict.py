"""Faults done to a running system, one at a time to each part of it; every one is logged with its time."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

from aiokafka.errors import KafkaError

from deploy.local.supervisor import StartError
from deploy.local.system import SERVICES, start_another
from shared.contracts.catalogue import CASES
from shared.contracts.codes import Answer
from shared.messaging.wire import Raw
from tests.chaos.faults import Fault, Kind
from tests.chaos.ground import Ground
from tests.chaos.town import COURT, Town
from tests.system.one_notice import message, suit, write

READY_S = 180.0


@dataclass(slots=True)
class Inflictor:
    """Inflicts faults on `ground` and counts them by kind."""

    ground: Ground
    town: Town
    chance: Random
    log: Callable[[str], None]
    counts: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)
    _busy: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def inflict(self, fault: Fault) -> None:
        """One fault, from its beginning to its end."""
        part = "broker" if fault.victim in self.ground.brokers else str(fault.victim)
        async with self._busy[part]:
            self.log(f"{fault.kind} {fault.victim or 'the load'} {fault.lasts_s:.1f} s")
            self.counts[fault.kind] += 1
            await self._how(fault)

    def _how(self, fault: Fault) -> Awaitable[None]:
        on_load = {Kind.DUPLICATES: self._duplicates, Kind.REORDERED: self._reordered, Kind.POISON: self._poison}
        on_part = {
            Kind.KILL: self._kill,
            Kind.FREEZE: self._freeze,
            Kind.REFUSE_WRITES: self._refuse_writes,
            Kind.CUT: self._cut,
            Kind.DELAY: self._delay,
            Kind.SCALE: self._scale,
        }
        return on_load[fault.kind]() if fault.victim is None else on_part[fault.kind](fault.victim, fault.lasts_s)

    async def everything_up(self) -> None:
        """Wait until every part says it is ready again. Raises TimeoutError."""
        for name in ("postgres", *self.ground.brokers, *SERVICES):
            await asyncio.to_thread(self.ground.local.wait_ready, name, READY_S)

    async def _kill(self, victim: str, _: float) -> None:
        await asyncio.to_thread(self.ground.local.kill, victim)
        if victim not in SERVICES:  # with it away nothing can be ready; a service that starts may be hit by the next fault
            await asyncio.to_thread(self.ground.local.wait_ready, victim, READY_S)

    async def _freeze(self, victim: str, lasts_s: float) -> None:
        local = self.ground.local
        local.kill(victim, signal.SIGSTOP)
        try:
            await asyncio.sleep(lasts_s)
        finally:
            local.kill(victim, signal.SIGCONT)

    async def _refuse_writes(self, _: str, lasts_s: float) -> None:
        """As a server does that became a standby, or ran out of disk."""
        await self._configure("alter system set default_transaction_read_only = on")
        try:
            await asyncio.sleep(lasts_s)
        finally:
            await self._configure("alter system reset default_transaction_read_only")

    async def _configure(self, statement: str) -> None:
        await self.ground.admin(statement)
        await self.ground.admin("select pg_reload_conf()")

    async def _cut(self, victim: str, lasts_s: float) -> None:
        self.ground.ways[victim].cut()
        await asyncio.sleep(lasts_s)
        self.ground.ways[victim].mend()

    async def _delay(self, victim: str, lasts_s: float) -> None:
        self.ground.ways[victim].delay_s = self.chance.uniform(0.02, 0.2)
        await asyncio.sleep(lasts_s)
        self.ground.ways[victim].mend()

    async def _scale(self, service: str, lasts_s: float) -> None:
        """From one process to three, one of them killed in the middle, and back to one."""
        local, others = self.ground.local, []
        try:
            for _ in range(2):
                with contextlib.suppress(StartError):  # another fault hit what it needs to start
                    others.append(await asyncio.to_thread(start_another, local, service))
            await asyncio.sleep(lasts_s / 2)
            local.kill(service)
            await asyncio.sleep(lasts_s / 2)
        finally:
            for name in others:
                local.kill(name, signal.SIGTERM, restart=False)

    async def _duplicates(self) -> None:
        """Messages sent again long after they were answered, and one whose content is another one's."""
        answered = [each for each, answer in self.town.history.answers.items() if answer is Answer.ACCEPTED]
        again = [self.town.history.sent[each] for each in self.chance.sample(answered, min(20, len(answered)))]
        raws = [message(each.topic, each.data, key=each.key, message_id=each.id) for each in again]
        await self._write(*raws, *(message(each.topic, suit(1), key=each.key, message_id=each.id) for each in again[:1]))

    async def _reordered(self) -> None:
        """What was said of many suits arrives backwards."""
        for _ in range(5):
            self.town.sued()
        self.town.turn_round()

    async def _poison(self) -> None:
        """What nobody can read, and what no rule allows, before, between and after good messages."""
        good = message(COURT, suit(1))
        nul = (good.value or b"").replace(b"geschaeftsstelle", b"a\\u0000b")
        bad = [
            _bad(good, value=b"{"),
            _bad(good, value=b"[]"),
            _bad(good, value=None),
            _bad(good, value=nul),
            _bad(good, key=None),
            _bad(good, key=b"\xff", ce_id=b"\xff\xfe"),
            _bad(good, ce_source=b"\xff"),
            _bad(good, ce_id=None),
            _bad(good, ce_type=b"de.bleibe.unheard-of.v1"),
            Raw(COURT, b"k", good.value, ()),
            Raw(CASES.name, b"k", b"\xff{", (("ce_source", b"\xff"),)),
        ]
        self.chance.shuffle(bad)
        await self._write(*bad)

    async def _write(self, *raws: Raw) -> None:
        """Once; where the broker is away, that was it."""
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            await write(str(self.ground.local.running.bootstrap), raws)


def _bad(good: Raw, **changes: bytes | None) -> Raw:
    """A good message under another id, with its key, its value or some of its headers spoiled."""
    headers = {**dict(good.headers), "ce_id": str(uuid4()).encode(), **changes}
    key, value = headers.pop("key", b"k"), headers.pop("value", good.value)
    return Raw(good.topic, key, value, tuple(headers.items()))
