"""Whose is what on a cluster that others use, too: only what is unmistakably ours is taken away. Pure."""

from __future__ import annotations

from collections.abc import Collection

from deploy.kafka.admin import KINDS, LITERAL, Acl, acl
from deploy.kafka.wanted import Grant, Kind, Operation, is_outsider, is_topic

PREFIXED = 4
CLUSTER = 4
ALL = "*"


def own_group(principal: str) -> Grant:
    """What each principal of ours gets, and nobody gives by chance: the group of its own name."""
    return Grant(principal, Kind.GROUP, principal, Operation.READ)


def former(seen: Collection[Acl], principals: Collection[str]) -> set[str]:
    """Who was in the catalogue once: called as our outsiders are, with the group of its own name and with topics of ours alone.

    Another tenant may call its users so, too, and their groups after them.
    """
    found = {principal.removeprefix("User:") for _, _, _, principal, _, _, _ in seen}
    return {
        each
        for each in found - set(principals)
        if is_outsider(each) and acl(own_group(each)) in seen and _has_our_topics_alone(each, seen)
    }


def _has_our_topics_alone(user: str, seen: Collection[Acl]) -> bool:
    topics = [entry for entry in seen if entry[0] == KINDS[Kind.TOPIC] and entry[3] == f"User:{user}"]
    return bool(topics) and all(pattern == LITERAL and is_topic(name) for _, name, pattern, *_ in topics)


def surplus(seen: Collection[Acl], grants: Collection[Grant], principals: Collection[str]) -> set[Acl]:
    """To be taken away: what the catalogue does not grant to principals of ours, present or former, or on topics of ours."""
    ours = {f"User:{each}" for each in {*principals, *former(seen, principals)}}
    topics = {(KINDS[grant.kind], grant.name, LITERAL) for grant in grants if grant.kind is Kind.TOPIC}
    return {entry for entry in _not_granted(seen, grants) if entry[3] in ours or entry[:3] in topics}


def foreign(seen: Collection[Acl], grants: Collection[Grant], principals: Collection[str]) -> set[Acl]:
    """What is somebody else's, and left alone."""
    return _not_granted(seen, grants) - surplus(seen, grants, principals)


def reaches(entry: Acl, grants: Collection[Grant]) -> bool:
    """Whether it allows or denies something on a topic or group of ours, or on the whole cluster."""
    kind, name, pattern, *_ = entry
    names = {grant.name for grant in grants if KINDS[grant.kind] == kind}
    by_pattern = name == ALL or (pattern == PREFIXED and any(each.startswith(name) for each in names))
    return kind == CLUSTER or name in names or (bool(names) and by_pattern)


def _not_granted(seen: Collection[Acl], grants: Collection[Grant]) -> set[Acl]:
    return set(seen) - {acl(grant) for grant in grants}
