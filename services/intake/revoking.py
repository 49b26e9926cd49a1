"""What goes with revoked notices that two persons agreed to erase, and what stays. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.intake.facts import Statement, StatementKey
from services.intake.snapshot import CaseState, HouseholdState
from shared.contracts.topics.notices import Notice, NoticeRevoked


@dataclass(frozen=True, slots=True)
class Rest:
    """A household without the erased notices: their keys, the cases that rested on nothing else, what is left of it.

    An alias goes with the case that it is part of.
    """

    gone: frozenset[StatementKey]
    emptied: tuple[CaseState, ...]
    household: HouseholdState
    nothing: bool


def rest_of(
    household: HouseholdState, cases: Sequence[CaseState], statements: Sequence[Statement], agreed: Collection[StatementKey]
) -> Rest:
    """What erasing these revoked notices leaves. One that was not revoked by its own source stays, whoever agreed."""
    gone = frozenset(revoked_with(statements, agreed))
    left = [each for each in statements if each.key not in gone]
    supported = {each.case_id for each in left if isinstance(each.content, Notice)}
    supported |= {each.id for each in cases if each.merged_into in supported}
    emptied = tuple(case for case in cases if case.id not in supported)
    living = [case for case in cases if case.id in supported]
    told = "".join(
        ([household.record.model_dump_json()] if household.record else [])
        + [case.last.model_dump_json() for case in living if case.last]
    )
    ids = {key: known for key, known in household.ids.items() if str(known) in told}
    return Rest(gone, emptied, household.model_copy(update={"ids": ids}), nothing=not living)


def revoked_with(statements: Sequence[Statement], agreed: Collection[StatementKey]) -> set[StatementKey]:
    """The agreed notices that are revoked, and all that corrects or revokes them."""
    revoked = {(each.source, each.refers_to) for each in statements if isinstance(each.content, NoticeRevoked)}
    there = {each.key for each in statements}
    gone = {key for key in agreed if key in revoked and key in there}
    while more := {
        each.key
        for each in statements
        if each.key not in gone and each.refers_to is not None and (each.source, each.refers_to) in gone
    }:
        gone |= more
    return gone
