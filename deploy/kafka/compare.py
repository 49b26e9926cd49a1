"""A cluster held against the catalogue: what deviates, and what to do about it. Pure but for `look`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import SecurityDisabled

from deploy.kafka.admin import Acl, acl, acls, users
from deploy.kafka.ownership import foreign, former, reaches, surplus
from deploy.kafka.wanted import Grant, is_outsider
from shared.messaging.topics import TopicSpec, config_of

COPIES = 3
"""So many brokers hold each record, where there are as many."""
INTERNAL = "__"
APPLY = "`bleibe cluster apply` puts that right"


@dataclass(frozen=True, slots=True)
class Deviation:
    """What is not as the catalogue has it, and what to do."""

    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A topic on the cluster: partitions, and of its worst partition the copies and those in step; its settings."""

    partitions: int
    copies: int
    in_sync: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster has. `brokers` are those that answer and those that a copy is kept on, also while they are away.

    `grants` and `users` are None where it asks nobody for a name.
    """

    brokers: int
    topics: Mapping[str, Seen]
    grants: Collection[Acl] | None
    users: Collection[str] | None

    @property
    def copies(self) -> int:
        """How many copies there should be of each record."""
        return min(COPIES, self.brokers)


async def look(admin: AIOKafkaAdminClient, *, embedded: bool = False) -> Cluster:
    """Ask a cluster what it has. The embedded broker is not asked for users: it hangs up. Raises KafkaError."""
    found = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
    here = {broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]}
    brokers = len(here.union(*(each["replicas"] for partitions in found.values() for each in partitions)))
    config = await _configs(admin, [name for name in found if not name.startswith(INTERNAL)])
    topics = {
        name: Seen(
            len(found[name]),
            min(len(each["replicas"]) for each in found[name]),
            min(len(each["isr"]) for each in found[name]),
            config[name],
        )
        for name in config
    }
    if embedded:
        return Cluster(brokers, topics, None, None)
    try:
        return Cluster(brokers, topics, await acls(admin), await users(admin))
    except SecurityDisabled:
        return Cluster(brokers, topics, None, None)


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    return {
        name: {row[0]: row[1] for row in rows} for answer in answers for _error, _message, _kind, name, rows in answer.resources
    }


def deviations(
    cluster: Cluster, topics: Mapping[str, TopicSpec], grants: Collection[Grant], principals: Collection[str]
) -> list[Deviation]:
    """All that is not as it should be, topics first. Where the cluster asks nobody for a name, grants are not compared."""
    found = [*_presence(cluster, topics)]
    for name in sorted(topics.keys() & cluster.topics.keys()):
        found += _topic(cluster.topics[name], topics[name], cluster.copies)
    if cluster.grants is not None and cluster.users is not None:
        found += _users(cluster.users, cluster.grants, principals)
        found += _grants(cluster.grants, grants, principals)
    return found


def _presence(cluster: Cluster, topics: Mapping[str, TopicSpec]) -> Iterator[Deviation]:
    for name in sorted(topics.keys() - cluster.topics.keys()):
        yield Deviation(f"topic {name} is missing", f"{APPLY}; the service that writes it fills it from its journal")
    families = {name.partition(".")[0] for name in topics}
    for name in sorted(cluster.topics.keys() - topics.keys()):
        if name.partition(".")[0] in families:  # any other is somebody else's on a cluster that is shared
            yield Deviation(
                f"topic {name} is not in the catalogue",
                "nothing here bounds how long it keeps what is on it: find out who writes it, then delete it",
            )


def _topic(seen: Seen, wanted: TopicSpec, copies: int) -> Iterator[Deviation]:
    if seen.partitions != wanted.partitions:
        yield Deviation(
            f"topic {wanted.name} has {seen.partitions} partitions, not {wanted.partitions}",
            "a key's order rests on that number: stop the services, delete the topic, `bleibe cluster apply`, start them again; "
            "its writer fills it from its journal, outside senders repeat what was not answered",
        )
    if seen.copies < copies:
        yield Deviation(
            f"topic {wanted.name} is kept {seen.copies} times, not {copies}",
            "move it to more brokers with Kafka's own kafka-reassign-partitions.sh",
        )
    elif seen.in_sync < seen.copies:
        yield Deviation(
            f"topic {wanted.name} has {seen.in_sync} of {seen.copies} copies in step",
            "a broker is down or behind: look at it before another one fails",
        )
    for setting, value in config_of(wanted, copies).items():
        if (is_set := seen.config.get(setting)) != value:
            yield Deviation(f"topic {wanted.name} has {setting}={is_set}, not {value}", APPLY)


def _users(seen: Collection[str], granted: Collection[Acl], principals: Collection[str]) -> Iterator[Deviation]:
    for missing in sorted(set(principals) - set(seen)):
        yield Deviation(f"user {missing} cannot sign in", APPLY)
    ours = former(granted, principals)
    for stale in sorted(each for each in set(seen) - set(principals) if is_outsider(each)):
        by_hand = (
            "unless somebody else uses it: kafka-configs.sh --alter --delete-config SCRAM-SHA-512 --entity-type users "
            f"--entity-name {stale}"
        )
        advice = f"{APPLY}, deleting it" if stale in ours else by_hand
        yield Deviation(f"user {stale} can sign in and is not in the catalogue", advice)


def _grants(seen: Collection[Acl], wanted: Collection[Grant], principals: Collection[str]) -> Iterator[Deviation]:
    by_acl = {acl(grant): grant for grant in wanted}
    for missing in sorted(by_acl.keys() - set(seen)):
        yield Deviation(f"not granted: {by_acl[missing]}", APPLY)
    for extra in sorted(surplus(seen, wanted, principals)):
        yield Deviation(f"granted, and not in the catalogue: {describe(extra)}", f"{APPLY}, taking it away")
    for other in sorted(each for each in foreign(seen, wanted, principals) if reaches(each, wanted)):
        yield Deviation(f"somebody else's, and it reaches what is ours: {describe(other)}", "have its owner narrow it")


def describe(entry: Acl) -> str:
    """A grant or denial that is none of ours, in Kafka's own terms."""
    kind, name, pattern, principal, host, operation, permission = entry
    return (
        f"{principal} from {host}: operation {operation} on resource type {kind} {name} (pattern type {pattern}, permission "
        f"type {permission})"
    )
