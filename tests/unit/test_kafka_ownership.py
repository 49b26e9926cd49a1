"""Whose is what on a cluster that others use, too."""

from __future__ import annotations

import pytest

from deploy.kafka.admin import LITERAL, Acl, acl
from deploy.kafka.compare import Cluster, deviations
from deploy.kafka.ownership import ALL, CLUSTER, PREFIXED, former, own_group, surplus
from deploy.kafka.wanted import Grant, Kind, Operation

TOPIC, GROUP = 2, 3
DENY, ALLOW = 2, 3
READ, ALTER, EVERYTHING = 3, 7, 2
OURS = [own_group("intake"), Grant("intake", Kind.TOPIC, "cases", Operation.WRITE)]


def reading(user: str, topic: str, pattern: int = LITERAL) -> Acl:
    return TOPIC, topic, pattern, f"User:{user}", "*", READ, ALLOW


@pytest.mark.parametrize("topic", ["outcomes", "receipts.old", "offers.old"])
def test_who_has_topics_of_ours_alone_was_ours_once(topic: str) -> None:
    seen = {acl(own_group("consumer.old")), reading("consumer.old", topic)}
    assert former(seen, ["intake"]) == {"consumer.old"}
    assert surplus(seen, OURS, ["intake"]) == seen


@pytest.mark.parametrize(
    "theirs",
    [
        {reading("consumer.payments", "payments")},
        {reading("consumer.payments", "payments"), reading("consumer.payments", "receipts.old")},
        {reading("consumer.payments", "offersheets")},
        {reading("consumer.payments", "receipts.", PREFIXED)},
        set(),
    ],
)
def test_another_tenants_user_is_left_alone_although_it_is_called_as_ours_are(theirs: set[Acl]) -> None:
    seen = {acl(own_group("consumer.payments")), *theirs}
    assert former(seen, ["intake"]) == set()
    assert surplus(seen, OURS, ["intake"]) == set()


@pytest.mark.parametrize(
    "entry",
    [
        (TOPIC, "ca", PREFIXED, "User:*", "*", READ, DENY),
        (TOPIC, ALL, LITERAL, "User:*", "*", EVERYTHING, DENY),
        (GROUP, "int", PREFIXED, "User:billing", "*", READ, ALLOW),
        (GROUP, "intake", LITERAL, "User:*", "*", READ, DENY),
        (CLUSTER, "kafka-cluster", LITERAL, "User:billing", "*", ALTER, ALLOW),
        (CLUSTER, "kafka-cluster", LITERAL, "User:billing", "*", EVERYTHING, ALLOW),
    ],
)
def test_what_is_somebody_elses_and_reaches_ours_is_named(entry: Acl) -> None:
    (found,) = named(entry)
    assert found.startswith(f"somebody else's, and it reaches what is ours: {entry[3]}")


@pytest.mark.parametrize("name", ["invoices", "cas", "casesheets"])
def test_what_does_not_reach_ours_is_not_named(name: str) -> None:
    assert named(reading("billing", name)) == []


def named(entry: Acl) -> list[str]:
    """What the comparison says of a cluster that is as wanted but for this entry."""
    cluster = Cluster(1, {}, {entry, *map(acl, OURS)}, ["intake"])
    return [each.what for each in deviations(cluster, {}, OURS, ["intake"])]
