"""One service process: what it hears, decides, says and serves, put together in one place.

Start: database, migrations, topics, relay, jobs, consumer, HTTP. Stop, each step within its time (`stopping.py`):
HTTP, consumer (finish the batch, commit, leave the group), relay, pool, traces.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import asyncpg
import structlog
import uvloop

from shared.city import load_city
from shared.contracts.catalogue import EVENT_TYPES, NOTICES
from shared.messaging import parking
from shared.messaging.asking import never_make_topics
from shared.messaging.consumer import Consumer
from shared.messaging.fetching import read_every_record
from shared.messaging.memory import DatabaseBehindTopics
from shared.messaging.migrate import CORE, migrate
from shared.messaging.pipeline import BY_KEYS, Pipeline, StopTheLine, transient
from shared.messaging.relay import Relay
from shared.messaging.rereading import read_again
from shared.messaging.topics import ensure_topics
from shared.runtime.clock import clock_from
from shared.runtime.collecting import collect_seldom
from shared.runtime.health import Health
from shared.runtime.logs import configure_logging
from shared.runtime.metrics import Metrics, ParkedReason
from shared.runtime.pages import Pages
from shared.runtime.service import (
    Context,
    Job,
    Running,
    Service,
    concerning,
    kafka_clients,
    reader_for,
    receipt,
    topic_specs,
    written_topics,
)
from shared.runtime.serving import serving
from shared.runtime.settings import ServiceSettings
from shared.runtime.stopping import (
    HUNG,
    POOL_STOP_S,
    RELAY_STOP_S,
    TRACES_STOP_S,
    StoppedEarlyError,
    begin_to_stop,
    finish_s,
    unless_stopped,
)
from shared.runtime.telemetry import configure_tracing, shutdown_tracing

log = structlog.get_logger()

GAP_ALARM_S = 60
AGAIN_S = 0.5
OUTBOX_YOUNG_S = 60


def run(build: Callable[[Context], Service]) -> None:
    """Run a service until SIGTERM or SIGINT."""
    settings = ServiceSettings()
    try:
        uvloop.run(_serve(build, settings))
    except DatabaseBehindTopics as behind:
        raise SystemExit(str(behind)) from None  # it says what to do; the log tells only where
    except StopTheLine as stop:  # the consumer waits and shows it as `line`; before it there is only the reading again
        raise SystemExit(f"Reading again after `bleibe recover`: {stop}") from None


async def _serve(build: Callable[[Context], Service], settings: ServiceSettings) -> None:
    city = load_city(settings.city)
    context = Context(settings, city, clock_from(settings.clock), Metrics(EVENT_TYPES, [partner.id for partner in city.partners]))
    service = build(context)
    configure_logging(service.name, as_json=settings.log_json)
    configure_tracing(service.name, settings)
    never_make_topics()
    read_every_record()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, begin_to_stop, stop, settings.grace_s)
    try:
        async with contextlib.AsyncExitStack() as stack:
            system = await unless_stopped(stop, _start(stack, service, context))
            collect_seldom()
            log.info("started", service=service.name)
            await _until(stop, system)
    except StoppedEarlyError:
        log.info("stopped_early", service=service.name)
    finally:
        shutdown_tracing(TRACES_STOP_S)
        log.info("stopped", service=service.name)


async def _start(stack: contextlib.AsyncExitStack, service: Service, context: Context) -> Running:
    system = await stack.enter_async_context(running(service, context))
    await stack.enter_async_context(serving(service, system))
    return system


async def _until(stop: asyncio.Event, system: Running) -> None:
    """Wait for the signal; a loop that hangs for good ends the process, so that its supervisor starts a new one."""
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1)
        if not system.health.alive():
            log.error("no_progress", where=",".join(system.health.stuck()))
            begin_to_stop(stop, system.context.settings.grace_s)  # whoever hangs may hang on its way out, too
            raise SystemExit(HUNG)


@contextlib.asynccontextmanager
async def running(service: Service, context: Context) -> AsyncIterator[Running]:
    """The service without its HTTP side, from the database's migrations to the first batch; stops in reverse order."""
    settings = context.settings
    dsn = settings.dsn()
    await migrate(dsn, [CORE, service.migrations])
    health = Health(loops=("pipeline", "jobs"), conditions=("assigned", "database", "line", "outbox_young"))
    health.holds("database", now=True)
    health.holds("line", now=True)
    specs = topic_specs([*written_topics(service, context.city), *service.hears])

    async def topics() -> None:
        await ensure_topics(kafka_clients(settings), specs, settings.kafka_replication, afresh=not settings.kafka_idempotent)

    relay = Relay(
        service.name, f"urn:bleibe:service:{service.name}", dsn, kafka_clients(settings), topics, context.metrics,
        poll_s=settings.relay_poll_ms / 1000, idempotent=settings.kafka_idempotent,
        writes=written_topics(service, context.city),
    )  # fmt: skip
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=4, timeout=10, command_timeout=60)
    # What pages read never keeps the pipeline waiting for a connection.
    deciding = await asyncpg.create_pool(
        dsn, min_size=1, max_size=6, timeout=10, command_timeout=60, reset=_nothing_to_reset, server_settings=BY_KEYS
    )
    pipeline = Pipeline(
        service.name,
        service.room,
        reader_for(service.hears),
        deciding,
        context.clock,
        context.metrics,
        receipt,
        relay.wake.set,
        stop_at=context.city.parked_limit,
        about=concerning,
        secret=settings.data_key(),
    )
    system = Running(service, context, pool, pipeline, relay, health, Pages(service.templates))
    consumer = Consumer(
        pipeline,
        health,
        bootstrap=settings.bootstrap_servers,
        security=settings.kafka_security(),
        group=service.name,
        topics=service.hears,
        max_records=settings.batch_max_records,
        batch_timeout_ms=settings.batch_timeout_ms,
        session_timeout_ms=settings.kafka_session_timeout_ms,
        fetch_wait_ms=settings.kafka_fetch_wait_ms,
        instance=settings.instance,
        finish_s=finish_s(settings.grace_s),
        rest_s=service.rest_s,
    )
    await _patiently(topics)
    sending = asyncio.create_task(relay.run())
    await _before_anything(relay, sending)
    await read_again(pool, pipeline, kafka_clients(settings), service.hears)
    for loop in ("pipeline", "jobs"):
        health.turned(loop)  # waiting for all that was no standing still
    background = [sending, asyncio.create_task(_periodic(system, consumer))]
    for task in background:
        task.add_done_callback(_end_of_process)
    try:
        await _patiently(consumer.start)
        yield system
    finally:
        await consumer.stop(settings.grace_s)
        for task in background:
            task.remove_done_callback(_end_of_process)
            task.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*background, return_exceptions=True), RELAY_STOP_S)
        try:
            await asyncio.wait_for(asyncio.gather(pool.close(), deciding.close()), POOL_STOP_S)
        except TimeoutError:
            pool.terminate()
            deciding.terminate()


async def _nothing_to_reset(_: object) -> None:
    """The pipeline leaves nothing behind in a session: its locks and settings end with their transaction."""


async def _before_anything(relay: Relay, sending: asyncio.Task[None]) -> None:
    """Wait until the topics were compared with the database. Raises DatabaseBehindTopics."""
    looked = asyncio.create_task(relay.looked.wait())
    await asyncio.wait({looked, sending}, return_when=asyncio.FIRST_COMPLETED)
    looked.cancel()
    if sending.done():
        sending.result()


def _end_of_process(task: asyncio.Task[None]) -> None:
    """A background task never ends by itself, in whatever way: say how, and end the process rather than limp on."""
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    how = "returned" if error is None else type(error).__name__
    log.error("background_ended", error=how)
    structlog.get_logger().critical("stopping", reason=how)
    signal.raise_signal(signal.SIGTERM)


async def _patiently(attempt: Callable[[], Awaitable[None]]) -> None:
    """A broker that is not there yet is waited for."""
    for pause in (0.2, 0.5, 1, 2, 4, 8, 16):
        try:
            await attempt()
        except Exception as error:  # noqa: BLE001  the broker is away, in whatever way
            log.warning("broker_awaited", error=type(error).__name__)
            await asyncio.sleep(pause)
        else:
            return
    await attempt()


@dataclass(slots=True)
class Step:
    """Something to be done again and again. One that fails is tried again later and keeps no other from its turn."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[object]]
    early: Callable[[], bool] = lambda: False
    due: float = 0.0
    rests_until: float = 0.0

    async def turn(self) -> None:
        """Run it if it is due."""
        now = time.monotonic()
        if now < self.rests_until or (now < self.due and not self.early()):
            return
        try:
            await self.run()
        except Exception as error:
            log.exception("periodic_again", step=self.name, error=type(error).__name__)
            self.rests_until = time.monotonic() + AGAIN_S
        else:
            self.due = now + self.every_s


async def _periodic(system: Running, consumer: Consumer) -> None:
    """Jobs, put-back records, and what operations watch."""

    def job_step(job: Job) -> Step:
        return Step(
            job.name, job.every_s, partial(system.run_job, job), lambda: system.ran_on.get(job.name) != system.clock.today()
        )

    async def idle() -> None:
        if not consumer.assigned() or not any(consumer.lag().values()):
            system.health.turned("pipeline")

    steps = [job_step(job) for job in system.service.jobs]
    steps += [
        Step("resume", 0.5, system.pipeline.resume),
        Step("idle", 0.5, idle),
        Step("observe", 2, partial(_observe, system, consumer)),
    ]
    while True:
        for step in steps:
            await step.turn()
        system.health.turned("jobs")
        await asyncio.sleep(0.02)


async def _observe(system: Running, consumer: Consumer) -> None:
    try:
        await _look(system, consumer)
    except Exception as error:
        system.health.holds("database", now=not transient(error))
        raise
    system.health.holds("database", now=True)


async def _look(system: Running, consumer: Consumer) -> None:
    metrics = system.metrics
    async with system.pool.acquire() as connection:
        outbox = await connection.fetchrow(
            """
            select count(*) as depth, coalesce(extract(epoch from clock_timestamp() - min(queued_at)), 0)::float as age
            from outbox
            """
        )
        assert outbox is not None
        metrics.outbox(outbox["depth"], outbox["age"])
        counts = await connection.fetch("select reason, count(*) as times from parked group by reason")
        gaps = await parking.gaps(connection, GAP_ALARM_S)
        heard = await connection.fetch(
            """
            select heard.topic, coalesce(newest.at, (select min(applied_at) from migrations)) as at
            from unnest($1::text[]) as heard(topic)
            cross join lateral (select max(i.recorded_at) as at from inbound i where i.topic = heard.topic) newest
            """,
            [topic for topic in system.service.hears if topic.startswith(f"{NOTICES.name}.")],
        )
    known = {reason.value for reason in ParkedReason}
    metrics.parked({ParkedReason(row["reason"]): row["times"] for row in counts if row["reason"] in known})
    metrics.gap_alarms(gaps)
    if gaps:
        log.error("gap", count=gaps)
    metrics.lag(consumer.lag())
    for row in heard:
        metrics.heard_from(row["topic"].partition(".")[2], row["at"])
    system.health.holds("assigned", now=consumer.assigned())
    system.health.holds("outbox_young", now=outbox["age"] < OUTBOX_YOUNG_S)
