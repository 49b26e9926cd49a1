"""What the catalogue asks of a city's cluster: its topics, who is known to it by name, and what each may do. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from shared.city import City
from shared.contracts.catalogue import CATALOGUE, Family, Topic
from shared.contracts.parties import readers, services, writers

EVERYONE = "*"
CONSUMER = "consumer"
OUTSIDE = tuple(f"{family}." for family in (Family.PARTNER, Family.TEAM, Family.PROVIDER, CONSUMER))


class Kind(StrEnum):
    """What a grant is about."""

    TOPIC = "topic"
    GROUP = "group"


class Operation(StrEnum):
    """What is granted. Either includes to know that the thing exists, and to write includes to do so without repetition."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A principal, by the name it signs in with, may do something to a topic or with a consumer group of that name."""

    principal: str
    kind: Kind
    name: str
    operation: Operation

    def __str__(self) -> str:
        return f"{self.principal} may {self.operation} {self.kind} {self.name}"


def principals(city: City) -> list[str]:
    """All who sign in: services by their name, outsiders as `partner.ag-muenster`, `team.mitte`, `consumer.<id>`."""
    outside = [f"{family}.{member}" for family, member in _members(city)]
    return [*services(), *outside, *_consumers(city)]


def is_outsider(principal: str) -> bool:
    """Whether it is called as we call outsiders, in the catalogue or not."""
    return principal.startswith(OUTSIDE)


def is_topic(name: str) -> bool:
    """Whether it is called as a topic of ours: as the catalogue has it or, of a family, for any member."""
    return any(name.startswith(f"{topic.name}.") if topic.family else name == topic.name for topic in CATALOGUE)


def topics(city: City) -> dict[str, Topic]:
    """Every topic by its name on the wire."""
    return {name: topic for name, topic, _, _ in _named(city)}


def grants(city: City) -> set[Grant]:
    """All that is allowed; a service also reads what it writes, to tell whether the cluster forgot it.

    A consumer group is its principal's own and bears its name.
    """
    found = {Grant(principal, Kind.GROUP, principal, Operation.READ) for principal in principals(city)}
    for name, topic, family, member in _named(city):
        writing = _writers(topic, family, member)
        found |= {Grant(each, Kind.TOPIC, name, Operation.WRITE) for each in writing}
        reading = {*_readers(topic, family, member, city), *(each for each in writing if each in services())}
        found |= {Grant(each, Kind.TOPIC, name, Operation.READ) for each in reading}
    return found


def _members(city: City) -> Iterator[tuple[Family, str]]:
    yield from ((Family.PARTNER, partner.id) for partner in city.partners)
    yield from ((Family.TEAM, team.id) for team in city.teams)
    yield from ((Family.PROVIDER, provider.id) for provider in city.providers)


def _consumers(city: City) -> list[str]:
    return [f"{CONSUMER}.{consumer.id}" for consumer in city.consumers]


def _named(city: City) -> Iterator[tuple[str, Topic, Family | None, str]]:
    """Topics by name, those of families with the member they are named for."""
    for topic in CATALOGUE:
        if topic.family is None:
            yield topic.name, topic, None, ""
        for family, member in _members(city) if topic.family is not None else ():
            if topic.family in {family, Family.SENDER}:
                yield topic.of(member), topic, family, member


def _writers(topic: Topic, family: Family | None, member: str) -> list[str]:
    if topic.foreign:
        return [f"{family}.{member}"]
    if topic.family is Family.SENDER:  # the sender is answered by whoever reads what it sends
        return [reader for other in CATALOGUE if other.foreign and other.family is family for reader in other.readers]
    return list(writers(topic))


def _readers(topic: Topic, family: Family | None, member: str, city: City) -> list[str]:
    found: list[str] = []
    for party in readers(topic):
        if party in services():
            found.append(party)
        elif party == family:
            found.append(f"{family}.{member}")
        elif party == "named-consumer":
            found += _consumers(city)
        elif party == "public":
            found.append(EVERYONE)
    return found
