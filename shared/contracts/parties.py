"""Who writes and who reads a topic, as one list of names: the services and the kinds of outside parties."""

from __future__ import annotations

import re
import sys

from shared.contracts.catalogue import CATALOGUE, Family, Topic

OUTSIDE: dict[str, str] = {
    Family.PARTNER.value: "Court, bailiff, landlord or authority that tells the city of a household in danger",
    Family.TEAM.value: "The tool of a team of caseworkers",
    Family.PROVIDER.value: "Provider of help, or authority that decides on an application",
    "named-consumer": "Reporting consumer named in the city's registry",
    "public": "Anyone",
}
_NAMES = {
    "that team": ("team",),
    "that provider": ("provider",),
    "named consumers": ("named-consumer",),
    "anyone": ("public",),
}
_SENDERS = ("partner", "team", "provider")


def services() -> tuple[str, ...]:
    """The services, in the order in which the catalogue names them."""
    named = [name for topic in CATALOGUE for name in (topic.writer, *topic.readers)]
    known = {*Family, *_NAMES, "that sender", "the service that read it"}
    return tuple(dict.fromkeys(str(name) for name in named if name not in known))


def writers(topic: Topic) -> tuple[str, ...]:
    """Who writes to a topic: receipts come from each service that hears outside senders."""
    if topic.family is Family.SENDER:
        return tuple(reader for other in CATALOGUE if other.foreign for reader in other.readers)
    return (str(topic.writer),)


def readers(topic: Topic) -> tuple[str, ...]:
    """Who reads a topic."""
    if topic.family is Family.SENDER:
        return _SENDERS
    return tuple(name for reader in topic.readers for name in _NAMES.get(reader, (reader,)))


def purpose(topic: Topic) -> str:
    """What a topic is for: the first sentence of its module, without the topic's name."""
    text = sys.modules[topic.events[0].__module__].__doc__ or ""
    said = re.split(r"(?<=[.?])\s", text.partition(": ")[2], maxsplit=1)[0].strip()
    return said[:1].upper() + said[1:]
