"""Faults done to a running system, one at a time to each part of it; every one is logged with its time.

Only what was inflicted counts: where another fault had taken away what one needs, that is logged, and nothing more.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

import psutil
from aiokafka.errors import KafkaError

from deploy.local.supervisor import StartError
from deploy.local.system import SERVICES, start_another
from shared.contracts.catalogue import CASES
from shared.contracts.codes import Answer
from shared.messaging.wire import Raw
from tests.chaos.faults import LEADER, Fault, Kind
from tests.chaos.ground import Ground
from tests.chaos.town import COURT, Town
from tests.system.one_notice import message, suit, write
from tests.waiting import eventually

READY_S = 180.0
LEADER_S = 30.0


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
        part = "broker" if fault.victim in (LEADER, *self.ground.brokers) else str(fault.victim)
        async with self._busy[part]:
            self.log(f"{fault.kind} {fault.victim or 'the load'} {fault.lasts_s:.1f} s")
            inflicted = await self._how(fault)
            self.counts[fault.kind] += inflicted
            if not inflicted:
                self.log(f"{fault.kind} {fault.victim or 'the load'} could not be inflicted")

    def _how(self, fault: Fault) -> Awaitable[bool]:
        """Each says whether anything was done."""
        on_load = {Kind.DUPLICATES: self._duplicates, Kind.REORDERED: self._reordered, Kind.POISON: self._poison}
        on_part = {
            Kind.KILL: self._kill,
            Kind.KILL_LEADER: self._kill_leader,
            Kind.FREEZE: self._freeze,
            Kind.FREEZE_BROKER: self._freeze,
            Kind.FREEZE_POSTGRES: self._freeze,
            Kind.REFUSE_WRITES: self._refuse_writes,
            Kind.CUT: self._cut,
            Kind.DELAY: self._delay,
            Kind.SWALLOW: self._swallow,
            Kind.SCALE: self._scale,
        }
        return on_load[fault.kind]() if fault.victim is None else on_part[fault.kind](fault.victim, fault.lasts_s)

    async def everything_up(self) -> None:
        """Wait until every part says it is ready again. Raises TimeoutError."""
        for name in ("postgres", *self.ground.brokers, *SERVICES):
            await asyncio.to_thread(self.ground.local.wait_ready, name, READY_S)

    async def _kill(self, victim: str, _: float) -> bool:
        if self._process(victim) is None:
            return False
        await asyncio.to_thread(self.ground.local.kill, victim)
        if victim not in SERVICES:  # with it away nothing can be ready; a service that starts may be hit by the next fault
            await asyncio.to_thread(self.ground.local.wait_ready, victim, READY_S)
        return True

    async def _kill_leader(self, _: str, lasts_s: float) -> bool:
        """The node that leads a partition of a topic that everybody reads."""
        partition = self.chance.randrange(CASES.partitions)
        try:
            leader = await eventually(functools.partial(self.ground.leader, CASES.name, partition), LEADER_S)
        except AssertionError:
            return False
        self.log(f"{leader} leads {CASES.name} {partition}")
        return await self._kill(leader, lasts_s)

    async def _freeze(self, victim: str, lasts_s: float) -> bool:
        """The process, and then those it has made (PostgreSQL one for each connection): frozen, it makes no more."""
        process = self._process(victim)
        if process is None:
            return False
        frozen: list[psutil.Process] = []
        try:
            process.suspend()
            frozen.append(process)
            for child in process.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.suspend()
                    frozen.append(child)
            await asyncio.sleep(lasts_s)
        except psutil.NoSuchProcess:  # it has just ended by itself
            return False
        finally:
            for each in frozen:
                with contextlib.suppress(psutil.NoSuchProcess):
                    each.resume()
        return True

    def _process(self, name: str) -> psutil.Process | None:
        """None while it is dead and not yet started again."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.ground.local.pid(name))
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        return None

    async def _refuse_writes(self, _: str, lasts_s: float) -> bool:
        """As a server does that became a standby, or ran out of disk."""
        await self._configure("alter system set default_transaction_read_only = on")
        try:
            await asyncio.sleep(lasts_s)
        finally:
            await self._configure("alter system reset default_transaction_read_only")
        return True

    async def _configure(self, statement: str) -> None:
        await self.ground.admin(statement)
        await self.ground.admin("select pg_reload_conf()")

    async def _cut(self, victim: str, lasts_s: float) -> bool:
        self.ground.ways[victim].cut()
        await asyncio.sleep(lasts_s)
        self.ground.ways[victim].mend()
        return True

    async def _delay(self, victim: str, lasts_s: float) -> bool:
        self.ground.ways[victim].delay_s = self.chance.uniform(0.02, 0.2)
        await asyncio.sleep(lasts_s)
        self.ground.ways[victim].mend()
        return True

    async def _swallow(self, victim: str, lasts_s: float) -> bool:
        way = self.ground.ways[victim]
        before = way.swallowed
        way.swallow()
        await asyncio.sleep(lasts_s)
        way.mend()
        return way.swallowed > before

    async def _scale(self, service: str, lasts_s: float) -> bool:
        """From one process to three, one of them killed in the middle, and back to one."""
        local, others = self.ground.local, list[str]()
        try:
            with contextlib.suppress(StartError):  # another fault hit what it needs to start
                while len(others) < 2:
                    others.append(await asyncio.to_thread(start_another, local, service))
            if len(others) < 2:
                return False
            await asyncio.sleep(lasts_s / 2)
            local.kill(service)
            await asyncio.sleep(lasts_s / 2)
        finally:
            for name in others:
                local.kill(name, signal.SIGTERM, restart=False)
        return True

    async def _duplicates(self) -> bool:
        """Messages sent again long after they were answered, and one whose content is another one's."""
        history = self.town.history
        answered = [each for each, answer in history.answers.items() if answer is Answer.ACCEPTED]
        again = [history.sent[each] for each in self.chance.sample(answered, min(20, len(answered)))]
        raws = [message(each.topic, each.data, key=each.key, message_id=each.id) for each in again]
        reused = [message(each.topic, suit(1), key=each.key, message_id=each.id) for each in again[:1]]
        written = bool(again) and await self._write(*raws, *reused)
        if written:
            history.reused.add(again[0].id)
        return written

    async def _reordered(self) -> bool:
        """What was said of many suits arrives backwards."""
        for _ in range(5):
            self.town.sued()
        self.town.turn_round()
        return True

    async def _poison(self) -> bool:
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
            Raw(CASES.name, good.key, b"\xff{", (("ce_source", b"\xff"),)),
        ]
        self.chance.shuffle(bad)
        written = await self._write(*bad)
        if written:
            self.town.history.poison += bad
        return written

    async def _write(self, *raws: Raw) -> bool:
        """Once; where the broker is away, that was it, though some may have arrived. Whether all did."""
        try:
            await write(str(self.ground.local.running.bootstrap), raws)
        except (KafkaError, OSError, TimeoutError):
            return False
        return True


def _bad(good: Raw, **changes: bytes | None) -> Raw:
    """A good message under another id, with its key, its value or some of its headers spoiled."""
    headers = {**dict(good.headers), "ce_id": str(uuid4()).encode(), **changes}
    key, value = headers.pop("key", b"k"), headers.pop("value", good.value)
    return Raw(good.topic, key, value, tuple(headers.items()))
