"""Whose is what on a cluster that others use, too: only what is unmistakably ours is taken away. Pure."""

from __future__ import annotations

from collections.abc import Collection

from deploy.kafka.admin import ALLOW, KINDS, LITERAL, Acl, acl
from deploy.kafka.wanted import Grant, Kind, Operation, is_outsider

PREFIXED = 4
ALL = "*"


def own_group(principal: str) -> Grant:
    """What each principal of ours gets, and nobody gives by chance: the group of its own name."""
    return Grant(principal, Kind.GROUP, principal, Operation.READ)


def former(seen: Collection[Acl], principals: Collection[str]) -> set[str]:
    """Who was in the catalogue once: called as only outsiders of ours are, and still with the group of its own name."""
    found = {principal.removeprefix("User:") for _, _, _, principal, _, _, _ in seen}
    return {each for each in found - set(principals) if is_outsider(each) and acl(own_group(each)) in seen}


def surplus(seen: Collection[Acl], grants: Collection[Grant], principals: Collection[str]) -> set[Acl]:
    """To be taken away: what the catalogue does not grant to principals of ours, present or former, or on topics of ours."""
    ours = {f"User:{each}" for each in {*principals, *former(seen, principals)}}
    topics = {(KINDS[grant.kind], grant.name, LITERAL) for grant in grants if grant.kind is Kind.TOPIC}
    return {entry for entry in _not_granted(seen, grants) if entry[3] in ours or entry[:3] in topics}


def foreign(seen: Collection[Acl], grants: Collection[Grant], principals: Collection[str]) -> set[Acl]:
    """What is somebody else's, and left alone."""
    return _not_granted(seen, grants) - surplus(seen, grants, principals)


def reaches(entry: Acl, grants: Collection[Grant]) -> bool:
    """Whether it allows something on a topic or group of ours, by a pattern."""
    kind, name, pattern, _, _, _, permission = entry
    names = [grant.name for grant in grants if KINDS[grant.kind] == kind]
    by_pattern = name == ALL or (pattern == PREFIXED and any(each.startswith(name) for each in names))
    return permission == ALLOW and bool(names) and by_pattern


def _not_granted(seen: Collection[Acl], grants: Collection[Grant]) -> set[Acl]:
    return set(seen) - {acl(grant) for grant in grants}
