"""Three nodes of Apache Kafka held against the catalogue: what is not as it should be is named, with what to do."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from deploy.cli import cluster as cluster_command
from deploy.cli.cluster import specs
from deploy.cli.doctor import Finding, _broker
from deploy.cli.target import Target
from deploy.kafka.admin import administrating
from deploy.kafka.apply import SettingsRefusedError, apply_topics
from deploy.kafka.compare import APPLY, Deviation, deviations, look
from deploy.local.supervisor import Local
from deploy.local.system import MUENSTER
from shared.city import load_city
from shared.messaging.topics import TopicSpec
from tests.kafka.clusters import kafka_of
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(300)

CITY = load_city(MUENSTER)
ALL = specs(CITY)
SOME = {name: ALL[name] for name in ("cases", "visits", "households", "figures", "offers.caritas", "replies.caritas")}


@pytest.fixture(scope="module")
def three() -> Iterator[Local]:
    with kafka_of("a cluster against the catalogue", nodes=3) as local:
        yield local


@pytest.fixture
async def admin(three: Local) -> AsyncIterator[AIOKafkaAdminClient]:
    clients = {"bootstrap_servers": three.running.bootstrap}

    async def all_run() -> bool:
        try:
            async with administrating(clients) as asking:
                return len((await asking.describe_cluster())["brokers"]) == 3
        except Exception:  # noqa: BLE001  still starting, in whatever way
            return False

    await eventually(all_run, within_s=60)
    async with administrating(clients) as asking:

        async def all_applied() -> bool:
            await apply_topics(clients, SOME)  # a node may not know yet what the test before has deleted
            return await nothing_deviates(asking)

        await eventually(all_applied, within_s=60)
        yield asking


async def found_on(admin: AIOKafkaAdminClient, topics: dict[str, TopicSpec] = SOME) -> list[Deviation]:
    return deviations(await look(admin), topics, [], [])


async def nothing_deviates(admin: AIOKafkaAdminClient) -> bool:
    return not await found_on(admin)


async def test_topics_are_made_with_three_copies_of_which_two_must_be_in_step(admin: AIOKafkaAdminClient) -> None:
    seen = await look(admin)
    assert {(topic.copies, topic.config["min.insync.replicas"]) for topic in seen.topics.values()} == {(3, "2")}
    assert {name: seen.topics[name].partitions for name in SOME} == {name: each.partitions for name, each in SOME.items()}
    assert seen.topics["households"].config["cleanup.policy"] == "compact"
    assert seen.topics["cases"].config["retention.ms"] == ALL["cases"].config["retention.ms"]


async def test_each_kind_of_deviation_is_named_and_what_may_be_put_right_is(admin: AIOKafkaAdminClient, three: Local) -> None:
    await admin.delete_topics(["offers.caritas", "replies.caritas"])
    await eventually(lambda: gone(admin, "replies.caritas"))
    await admin.create_topics(
        [
            NewTopic("replies.stray", 1, 1),
            NewTopic("invoices", 1, 1),
            NewTopic("replies.caritas", ALL["replies.caritas"].partitions, 1),
        ]
    )
    await admin.create_partitions({"visits": NewPartitions(ALL["visits"].partitions + 1)})
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "cases", configs={"retention.ms": "1000"})])

    wanted = {
        "topic offers.caritas is missing",
        "topic replies.stray is not in the catalogue",
        f"topic visits has {ALL['visits'].partitions + 1} partitions, not {ALL['visits'].partitions}",
        "topic replies.caritas is kept 1 times, not 3",
        "topic replies.caritas has retention.ms=604800000, not 1209600000",
        "topic cases has retention.ms=1000, not 34560000000",
    }
    found = await eventually(lambda: all_named(admin, wanted), within_s=30)
    assert all(each.advice for each in found)

    await apply_topics({"bootstrap_servers": three.running.bootstrap}, SOME)
    left = await eventually(lambda: nothing_left_to_apply(admin), within_s=30)
    assert {each.what for each in left} == {what for what in wanted if "partitions" in what or "kept" in what or "stray" in what}
    await admin.delete_topics(["replies.stray", "invoices", "visits", "replies.caritas"])
    for topic in ("replies.stray", "invoices", "visits", "replies.caritas"):
        await eventually(functools.partial(gone, admin, topic))


async def all_named(admin: AIOKafkaAdminClient, wanted: set[str]) -> list[Deviation] | None:
    found = await found_on(admin)
    return found if wanted <= {each.what for each in found} else None


async def nothing_left_to_apply(admin: AIOKafkaAdminClient) -> list[Deviation] | None:
    found = await found_on(admin)
    return found if not any(APPLY in each.advice for each in found if "partitions" not in each.what) else None


async def test_settings_that_the_cluster_refuses_are_named_and_the_others_are_set(
    admin: AIOKafkaAdminClient, three: Local
) -> None:
    clients = {"bootstrap_servers": three.running.bootstrap}
    wrong = replace(ALL["cases"], config={**ALL["cases"].config, "cleanup.policy": "shred"})
    longer = replace(ALL["visits"], config={**ALL["visits"].config, "retention.ms": "1234567890"})
    with pytest.raises(SettingsRefusedError, match=r"topic cases \(InvalidConfigurationError\): .*shred"):
        await apply_topics(clients, {"cases": wrong, "visits": longer})
    await eventually(lambda: kept_for(admin, "visits", "1234567890"))
    await apply_topics(clients, SOME)
    await eventually(lambda: nothing_deviates(admin))


async def kept_for(admin: AIOKafkaAdminClient, topic: str, milliseconds: str) -> bool:
    return (await look(admin)).topics[topic].config["retention.ms"] == milliseconds


async def gone(admin: AIOKafkaAdminClient, topic: str) -> bool:
    return topic not in await admin.list_topics()


@pytest.mark.usefixtures("admin")
async def test_a_broker_that_is_down_is_named_by_what_it_kept(three: Local) -> None:
    three.kill("kafka-3", restart=False)
    try:
        found = await eventually(lambda: all_out_of_step(three), within_s=60)
        assert found == {f"topic {name} has 2 of 3 copies in step" for name in SOME}, "two nodes are no reason for fewer copies"
    finally:
        three.resume("kafka-3")


async def all_out_of_step(three: Local) -> set[str]:
    """What deviates, as soon as every topic has lost a copy."""
    try:
        async with administrating({"bootstrap_servers": three.running.bootstrap}) as admin:
            found = {each.what for each in await found_on(admin)}
    except KafkaError:  # we asked the dead one, before the others knew
        return set()
    return found if sum("in step" in what for what in found) == len(SOME) else set()


@pytest.mark.usefixtures("admin")
async def test_the_doctor_finds_each_deviation_and_the_command_mends_them(
    three: Local, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = Target({}, str(three.running.bootstrap), {}, None)
    before = await _broker(target)
    assert [each.word.partition(":")[0] for each in before if "assessments" in each.word] == ["topic assessments is missing"]
    assert not any(each.well for each in before)
    monkeypatch.setenv("BLEIBE_BOOTSTRAP_SERVERS", target.bootstrap)
    await cluster_command._apply(None)
    assert capsys.readouterr().out == f"{len(ALL)} topics\n"
    after = await eventually(lambda: well(target), within_s=60)
    assert after == [Finding("broker", well=True, word=f"{len(ALL)} topics")]


async def well(target: Target) -> list[Finding] | None:
    findings = await _broker(target)
    return findings if all(each.well for each in findings) else None
