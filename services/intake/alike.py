"""The people of notices and households as likeness compares them, and who of them may be one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from services.intake.likeness import (
    HouseholdComparison,
    Match,
    Normal,
    Record,
    Verdict,
    compare_households,
    keys,
    normal,
    packed,
    stored,
    unpacked,
)
from services.intake.likeness.levels import GOOD, Level
from services.intake.likeness.places import house_agreement, normal_place, postcode_agreement, street_agreement
from services.intake.matching import address_of, named
from services.intake.questions import Reason, reason
from shared.contracts.fields import Event
from shared.contracts.topics.notices import Party
from shared.contracts.topics.parts import Address


class Form(NamedTuple):
    """A person at an address: the normal form as text, as it is compared, and its keys as they are stored."""

    text: str
    normal: Normal
    keys: tuple[int, ...]


People = Mapping[UUID, frozenset[Form]]
"""The people of a household by id, each with all spellings and addresses."""


def form(record: Record) -> Form:
    """The form of a record."""
    made = normal(record)
    return Form(packed(made), made, _keys(made))


def read(text: str) -> Form:
    """The form that was stored as this text."""
    made = unpacked(text)
    return Form(text, made, _keys(made))


def _keys(made: Normal) -> tuple[int, ...]:
    return tuple(stored(key) for key in keys(made))


def records(content: Event) -> Iterator[tuple[str, Record]]:
    """The people of a notice who have an address, each by their key of matching.named."""
    for name, party in named(content):
        if (address := address_of(content, party)) is not None:
            yield name, _record(party, address)


def _record(party: Party, address: Address) -> Record:
    return Record(
        party.family_name,
        party.given_name or "",
        address.street,
        address.house_number,
        address.addition,
        address.postcode,
        address.place,
    )


def compared(arrived: Sequence[Form], known: People) -> HouseholdComparison:
    """Who of these people is who of a household; `known` of a match counts the household's people in their order."""
    spelled = [sorted(forms) for forms in known.values()]
    return compare_households([[each.normal] for each in arrived], [[each.normal for each in forms] for forms in spelled])


def recognised(arrived: Sequence[tuple[str, Form]], known: People) -> dict[str, UUID]:
    """Whose ids people of a notice have in their household: those alone who are certainly known there."""
    found = compared([each for _, each in arrived], known)
    ids = list(known)
    return {arrived[each.arrived][0]: ids[each.known] for each in found.matches if each.why.verdict is Verdict.CERTAIN}


def one_person(match: Match) -> bool:
    """Whether two people of what somebody called one household are one person: relatives share home and family name only."""
    names = {each.field: each.level for each in match.why.features if each.field in ("family_name", "given_name")}
    return match.why.verdict is Verdict.CERTAIN or Level.DIFFERENT not in names.values()


def same_people(one: People, other: People) -> dict[UUID, UUID]:
    """Who of one household is who of the other, each person at most once, once the two are known to be one household."""
    ones, others = list(one), list(other)
    found = compare_households(*([[each.normal for each in sorted(forms)] for forms in side.values()] for side in (one, other)))
    return {ones[each.arrived]: others[each.known] for each in found.matches if one_person(each)}


def same_house(a: Address, b: Address) -> bool:
    """Whether two addresses mean one house, in spite of a slip in the street or a letter behind the number."""
    one, other = (normal_place(each.street, each.house_number, each.addition, each.postcode, each.place) for each in (a, b))
    elsewhere = postcode_agreement(one, other) is Level.DIFFERENT
    return not elsewhere and street_agreement(one, other) in GOOD and house_agreement(one.house, other.house) in GOOD


def reasons(found: HouseholdComparison, known: Iterable[UUID], arrived: Callable[[int], UUID | None]) -> tuple[Reason, ...]:
    """Why two households are alike, as it is kept."""
    ids = list(known)
    return tuple(reason(each, arrived(each.arrived), ids[each.known]) for each in found.matches)
