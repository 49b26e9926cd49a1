"""Merging cases, as a person decided: what moves, what goes by another id, what is said; splitting.py takes apart. Pure.

docs/decisions/0018-merge-and-split.md says why it is told as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.intake import alike
from services.intake.deriving import Household, case_of, derive, lay_down
from services.intake.desk import Desk
from services.intake.snapshot import CaseState, HouseholdState, as_told, same
from shared.contracts.catalogue import CASES, HOUSEHOLDS
from shared.contracts.codes import CaseChange
from shared.contracts.topics.cases import CaseMerged, Replaced
from shared.messaging.model import Rejected, Said


def merge(desk: Desk, one: UUID, other: UUID) -> tuple[UUID, UUID, list[Said]]:
    """Merge two cases and their households into the case that was heard of first.

    Returns the surviving case, the absorbed one, and what is said. Everything of both households is on the desk.

    Raises:
        Rejected: a case is not known, or the two are one already.
    """
    into, absorbed = sorted((case_named(desk, one), case_named(desk, other)), key=_received)
    if into.id == absorbed.id:
        raise Rejected("case", "same_case")
    before, gone = desk.households[into.household_id], desk.households[absorbed.household_id]
    ids = _united(desk, before, gone, into, absorbed)
    desk.keep([replace(one, case_id=into.id, came_with=(*one.came_with, absorbed.id)) for one in desk.said_in(absorbed.id)])
    _settle(desk, into.id, absorbed.id)
    _alias(desk, into, absorbed)
    moved = [each.id for each in desk.cases_of(gone.id)] if gone.id != before.id else []
    for each in desk.all_cases_of(gone.id):
        desk.change_case(each.model_copy(update={"household_id": before.id}))
    if gone.id != before.id:
        desk.give_up(gone.id, before.id)
    household = derive(desk, before.model_copy(update={"ids": ids}), desk.cases_of(before.id), {})
    said = lay_down(desk, household)
    replaced = _replaced(gone.ids, household, absorbed.id, into.id)
    own = _replaced(before.ids, household, into.id, into.id)
    ended = CaseMerged(
        case_id=absorbed.id,
        household_id=gone.id,
        into_case_id=into.id,
        into_household_id=before.id,
        merged_on=desk.today,
        absorbed=absorbed.absorbed,
        replaced=replaced,
    )
    told = [Said(CASES.name, str(absorbed.id), ended)]
    for each in desk.cases_of(before.id):
        if each.id == into.id:
            told += tell(desk, household, each.id, own, CaseChange.MERGED)
        else:
            told += tell(desk, household, each.id, replaced if each.id in moved else ())
    if gone.id != before.id:
        told.append(Said(HOUSEHOLDS.name, str(gone.id), None))
    return into.id, absorbed.id, said + told


def case_named(desk: Desk, case_id: UUID) -> CaseState:
    """The case that an id means. Raises Rejected where there is none."""
    case = desk.living(case_id)
    if case is None:
        raise Rejected("case", "unknown_case")
    return case


def _received(case: CaseState) -> tuple[object, UUID]:
    assert case.last is not None
    return case.last.received_on, case.id


def _alias(desk: Desk, into: CaseState, absorbed: CaseState) -> None:
    """The absorbed case, and what it had absorbed, become aliases."""
    ended = None if absorbed.household_id == into.household_id else absorbed.household_id
    gone = absorbed.model_copy(update={"last": None, "doubtful": False, "household_before": ended})
    earlier = (each for each in desk.all_cases_of(absorbed.household_id) if each.merged_into == absorbed.id)
    for each in (gone, *earlier):
        desk.change_case(each.model_copy(update={"merged_into": into.id, "came_with": (*each.came_with, absorbed.id)}))
    desk.change_case(
        desk.cases[into.id].model_copy(
            update={
                "closed": into.closed and absorbed.closed,
                "absorbed": (*into.absorbed, absorbed.id, *absorbed.absorbed),
                "split_off": (*into.split_off, *absorbed.split_off),
            }
        )
    )


def _settle(desk: Desk, into: UUID, absorbed: UUID) -> None:
    """Questions about the absorbed case are about the surviving one now; what is one household needs no question.

    Who decided is noted by the caller on those that are SAME.
    """
    household = [each for one in {desk.cases[each].household_id for each in (into, absorbed)} for each in desk.cases_of(one)]
    mine = {each.id for each in household}
    asked = {each.partner(into) for each in desk.questions_of(into)}
    for each in {one.id: one for case in household for one in desk.questions_of(case.id)}.values():
        if {each.one, each.other} <= mine:
            desk.change_question(replace(each, state="SAME"))
        elif absorbed in (each.one, each.other):
            one, other = sorted((into, each.partner(absorbed)))
            again = each.partner(absorbed) in asked
            desk.change_question(replace(each, state="DROPPED") if again else replace(each, one=one, other=other))
    doubtful = {each.id for each in household if each.doubtful}
    if absorbed in doubtful:
        doubtful.add(into)
    for case in household:
        still = case.id in doubtful and bool(desk.questions_of(case.id))
        desk.change_case(case.model_copy(update={"doubtful": still}))


def _united(desk: Desk, into: HouseholdState, gone: HouseholdState, case: CaseState, absorbed: CaseState) -> dict[str, UUID]:
    """The ids of both households as those of one: who and what is the same goes by the surviving household's id."""
    same: dict[UUID, UUID] = {}
    ids = dict(into.ids)
    if into.id != gone.id:
        for key, known in gone.ids.items():
            if key.startswith(("person|", "address|")) and key in ids:
                same.setdefault(known, ids[key])
        for known, now in alike.same_people(desk.people.get(gone.id, {}), desk.people.get(into.id, {})).items():
            if now not in same.values():
                same.setdefault(known, now)
        mine, theirs = (each.record.addresses if each.record else () for each in (into, gone))
        for one in theirs:
            known_here = next((each.address_id for each in mine if alike.same_house(each.address, one.address)), None)
            if known_here is not None:
                same.setdefault(one.address_id, known_here)
    for key, known in gone.ids.items():
        ids.setdefault(moved_key(key, absorbed.id, case.id), same.get(known, known))
    return ids | {f"was|{known}": now for known, now in same.items() if known != now}


def moved_key(key: str, was: UUID, now: UUID) -> str:
    """The key of what belongs to a case (a termination, an eviction date) under another case."""
    return key.replace(str(was), str(now)) if key.startswith(("termination|", "eviction|", "suit|seen|")) else key


def _replaced(before: Mapping[str, UUID], household: Household, was_case: UUID, now_case: UUID) -> tuple[Replaced, ...]:
    """Which ids of `before` go by another one now.

    What still goes by its own is not among them: of a person's keys one may lead to another person now.
    """
    alive = {each.proceeding_id for one in household.cases.values() if one.file for each in one.file.proceedings}
    if (record := household.state.record) is not None:
        alive |= {each.person_id for each in record.members} | {each.address_id for each in record.addresses}
    found: dict[UUID, UUID] = {}
    for key, was in before.items():
        now = household.ids.known.get(moved_key(key, was_case, now_case), was)
        if now != was and was not in alive:
            found.setdefault(was, now)
    return tuple(Replaced(was=was, now=now) for was, now in sorted(found.items()))


def tell(desk: Desk, household: Household, case_id: UUID, replaced: Sequence[Replaced], *more: CaseChange) -> list[Said]:
    """The case's newest state, where a reader learns something."""
    case, event, changed = case_of(desk, household, case_id)
    if same(case.last, event) and not replaced:
        return []
    desk.change_case(case.model_copy(update={"last": event}))
    told = as_told(event, [*changed, *more])
    return [Said(CASES.name, str(case_id), told.model_copy(update={"replaced": tuple(replaced)}))]
