"""Over TLS, each under its own name: a whole system with no more rights than the catalogue gives; others are refused."""

from __future__ import annotations

import asyncio
import dataclasses
import ssl
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from deploy.cli.cluster import specs
from deploy.kafka.admin import administrating
from deploy.kafka.apply import apply_access, apply_topics, passwords_in
from deploy.kafka.wanted import grants, principals
from deploy.local.kafka import ADMIN
from deploy.local.secured import secured
from deploy.local.supervisor import Local
from deploy.local.system import MUENSTER, start_system
from shared.city import load_city
from shared.contracts.catalogue import ASSIGNMENTS, RECEIPTS, topic_of
from shared.contracts.codes import Answer
from shared.contracts.topics.assignments import AssignmentCreated
from shared.contracts.topics.receipts import ReceiptIssued
from shared.messaging.wire import Raw
from shared.runtime.settings import KafkaSettings
from tests.kafka.certificates import Authority, Signed, authority
from tests.kafka.clusters import kafka_of
from tests.kafka.postgres_tls import in_front_of
from tests.system.one_notice import COURT, cases_of, events, header, message, suit, target_of
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(300)

CITY = load_city(MUENSTER)
SECRET = "for this run alone"


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tls") / "trusted")


@pytest.fixture(scope="module")
async def encrypted(trusted: Authority, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Local]:
    """A Kafka that speaks TLS alone and asks for names, set up as for Münster; PostgreSQL behind TLS, too."""
    signed = trusted.sign("127.0.0.1")
    settings = secured(SECRET, (signed.both, trusted.certificate))
    with kafka_of("TLS", settings=settings, administrator=SECRET) as local:
        folder = tmp_path_factory.mktemp("secrets") / "kafka"
        passwords = passwords_in(folder, principals(CITY))
        (folder / ADMIN).write_text(SECRET)
        local.running.kafka_passwords, local.running.kafka_ca = str(folder), str(trusted.certificate)
        clients = as_user(local, ADMIN)
        await eventually(lambda: signs_in(clients), within_s=30)
        await apply_topics(clients, specs(CITY))
        await apply_access(clients, grants(CITY), passwords)
        async with in_front_of(lambda: local.running.postgres_port, as_server(signed)) as port:
            over_tls(local, port, trusted.certificate)
            yield local


def as_server(signed: Signed) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(signed.certificate, signed.key)
    return context


def over_tls(local: Local, port: int, root: Path) -> None:
    """Have the services reach their databases by this port, and only if it is who it says."""
    direct = local.ensure_databases

    def verified(services: Iterable[str]) -> dict[str, str]:
        for service, dsn in direct(services).items():
            address = dsn.replace(f":{local.running.postgres_port}/", f":{port}/")
            local.running.databases[service] = f"{address}?sslmode=verify-full&sslrootcert={root}"
        return dict(local.running.databases)

    local.ensure_databases = verified  # type: ignore[method-assign]  # of this one alone


def as_user(local: Local, user: str, ca: Path | None = None) -> dict[str, Any]:
    """Connection settings as a process of ours would have them from its environment."""
    assert local.running.kafka_passwords
    return KafkaSettings(
        bootstrap_servers=str(local.running.bootstrap),
        kafka_user=user,
        kafka_password_file=Path(local.running.kafka_passwords) / user,
        kafka_ca_file=ca or Path(str(local.running.kafka_ca)),
    ).kafka_clients()


async def signs_in(clients: dict[str, Any]) -> bool:
    try:
        async with administrating(clients):
            return True
    except Exception:  # noqa: BLE001  still starting, in whatever way
        return False


async def test_a_notice_goes_all_the_way_and_a_foreign_source_goes_nowhere(encrypted: Local) -> None:
    running = await asyncio.to_thread(start_system, encrypted)
    assert all("sslmode=verify-full" in dsn for dsn in running.databases.values())
    court = as_user(encrypted, "partner.ag-muenster")
    good, borrowed = message(COURT, suit(1)), message(COURT, suit(2))
    others = {**dict(borrowed.headers), "ce_source": b"urn:bleibe:partner:jobcenter"}
    borrowed = dataclasses.replace(borrowed, headers=tuple(others.items()))
    async with AIOKafkaProducer(**court, acks="all", enable_idempotence=True) as producer:
        for raw in (good, borrowed):
            await producer.send_and_wait(raw.topic, raw.value, raw.key, headers=list(raw.headers))

    async def answers() -> dict[UUID, ReceiptIssued] | None:
        found = events(await read_as(court, RECEIPTS.of("ag-muenster")), ReceiptIssued)
        return {each.message_id: each for each in found} if len(found) == 2 else None

    receipts = await eventually(answers, within_s=60)
    accepted, refused = (UUID(header(each, "ce_id")) for each in (good, borrowed))
    assert receipts[accepted].answer is Answer.ACCEPTED
    told = receipts[refused]
    assert (told.answer, told.field, told.rule) == (Answer.REJECTED, "source", "not_the_owner")
    assert (await cases_of(target_of(encrypted), [accepted, refused])).keys() == {accepted}
    assert len(await eventually(lambda: assignments(encrypted), within_s=60)) == 1


async def assignments(local: Local) -> list[AssignmentCreated]:
    """What each team reads under its own name."""
    raws = [await read_as(as_user(local, f"team.{team.id}"), ASSIGNMENTS.of(team.id)) for team in CITY.teams]
    return [created for each in raws for created in events(each, AssignmentCreated)]


async def read_as(clients: dict[str, Any], topic: str) -> list[Raw]:
    """All that a topic holds now, read as this user."""
    async with AIOKafkaConsumer(**clients, enable_auto_commit=False) as consumer:
        partitions = [TopicPartition(topic, number) for number in range(topic_of(topic).partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[Raw] = []
        async with asyncio.timeout(30):
            while [each for each in partitions if await consumer.position(each) < ends[each]]:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [Raw(one.topic, one.key, one.value, tuple(one.headers)) for one in records]
    return found


async def test_who_trusts_another_authority_or_speaks_in_clear_gets_no_answer(
    encrypted: Local, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    impostors = authority(tmp_path / "impostors")
    with pytest.raises(KafkaConnectionError):  # aiokafka says why only in its log
        async with administrating(as_user(encrypted, ADMIN, impostors.certificate)):
            pass
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
    with pytest.raises(KafkaConnectionError):
        async with administrating({"bootstrap_servers": encrypted.running.bootstrap, "request_timeout_ms": 2000}):
            pass


@pytest.fixture
async def postgres(admin_dsn: str, trusted: Authority) -> AsyncIterator[str]:
    """PostgreSQL's address where it speaks TLS: the embedded one was built without, so that TLS ends right in front of it."""
    behind = urlsplit(admin_dsn)
    async with in_front_of(lambda: behind.port, as_server(trusted.sign("127.0.0.1"))) as port:
        yield admin_dsn.replace(f":{behind.port}/", f":{port}/")


async def test_the_database_is_spoken_to_only_when_it_is_who_it_says(postgres: str, trusted: Authority, tmp_path: Path) -> None:
    verified = f"{postgres}?sslmode=verify-full&sslrootcert="
    connection = await asyncpg.connect(verified + str(trusted.certificate))
    try:
        assert await connection.fetchval("select 1") == 1
    finally:
        await connection.close()
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        await asyncpg.connect(verified + str(authority(tmp_path / "impostors").certificate))
    with pytest.raises(ssl.SSLCertVerificationError, match="localhost"):
        await asyncpg.connect(verified.replace("127.0.0.1", "localhost") + str(trusted.certificate))
    with pytest.raises((ConnectionError, asyncpg.PostgresError, TimeoutError)):
        await asyncpg.connect(f"{postgres}?sslmode=disable", timeout=5)
