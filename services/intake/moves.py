"""Merging and splitting cases, as a person decided: what moves, what goes by another id, what is said. Pure.

docs/decisions/0018-merge-and-split.md says why it is told as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.intake import alike, matching
from services.intake.deriving import Household, case_of, derive, lay_down
from services.intake.desk import Desk
from services.intake.facts import Statement, StatementKey, effective
from services.intake.matching import named
from services.intake.persons import Ids
from services.intake.proceedings import Suit, suits
from services.intake.snapshot import CaseState, HouseholdState, as_told, same
from shared.contracts.catalogue import CASES, HOUSEHOLDS
from shared.contracts.codes import CaseChange
from shared.contracts.fields import Event
from shared.contracts.topics.cases import CaseEvent, CaseMerged, CaseSplit, Replaced
from shared.contracts.topics.notices import Notice
from shared.messaging.model import Rejected, Said


def merge(desk: Desk, one: UUID, other: UUID) -> tuple[UUID, UUID, list[Said]]:
    """Merge two cases and their households into the case that was heard of first.

    Returns the surviving case, the absorbed one, and what is said. Everything of both households is on the desk.

    Raises:
        Rejected: a case is not known, or the two are one already.
    """
    into, absorbed = sorted((_case(desk, one), _case(desk, other)), key=_received)
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
            told += _tell(desk, household, each.id, own, CaseChange.MERGED)
        else:
            told += _tell(desk, household, each.id, replaced if each.id in moved else ())
    if gone.id != before.id:
        told.append(Said(HOUSEHOLDS.name, str(gone.id), None))
    return into.id, absorbed.id, said + told


def _case(desk: Desk, case_id: UUID) -> CaseState:
    case = desk.living(case_id)
    if case is None:
        raise Rejected("case", "unknown_case")
    return case


def _received(case: CaseState) -> tuple[object, UUID]:
    assert case.last is not None
    return case.last.received_on, case.id


def _alias(desk: Desk, into: CaseState, absorbed: CaseState) -> None:
    """The absorbed case, and what it had absorbed, become aliases."""
    for each in desk.all_cases_of(absorbed.household_id):
        if each.id == absorbed.id:
            desk.change_case(each.model_copy(update={"merged_into": into.id, "last": None, "doubtful": False}))
        elif each.merged_into == absorbed.id:
            desk.change_case(each.model_copy(update={"merged_into": into.id}))
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
        ids.setdefault(_about(key, absorbed.id, case.id), same.get(known, known))
    return ids | {f"was|{known}": now for known, now in same.items() if known != now}


def _about(key: str, was: UUID, now: UUID) -> str:
    """The key of what belongs to a case (a termination, an eviction date) under another case."""
    return key.replace(str(was), str(now)) if key.startswith(("termination|", "eviction|", "suit|seen|")) else key


def _replaced(before: Mapping[str, UUID], household: Household, was_case: UUID, now_case: UUID) -> tuple[Replaced, ...]:
    """Which ids of `before` go by another one now. What still goes by its own is not among them."""
    alive = {each.proceeding_id for one in household.cases.values() if one.file for each in one.file.proceedings}
    found: dict[UUID, UUID] = {}
    for key, was in before.items():
        now = household.ids.known.get(_about(key, was_case, now_case), was)
        if now != was and was not in alive:
            found.setdefault(was, now)
    return tuple(Replaced(was=was, now=now) for was, now in sorted(found.items()))


def _tell(desk: Desk, household: Household, case_id: UUID, replaced: Sequence[Replaced], *more: CaseChange) -> list[Said]:
    """The case's newest state, where a reader learns something."""
    case, event, changed = case_of(desk, household, case_id)
    if same(case.last, event) and not replaced:
        return []
    desk.change_case(case.model_copy(update={"last": event}))
    told = as_told(event, [*changed, *more])
    return [Said(CASES.name, str(case_id), told.model_copy(update={"replaced": tuple(replaced)}))]


def split(desk: Desk, case_id: UUID, chosen: Collection[StatementKey]) -> tuple[UUID, UUID, list[Said]]:
    """Take notices into a new case of a new household. Where they are what came with an absorbed case, that merge is undone.

    Returns the case, the new case, and what is said. Corrections and revocations go with what they refer to, legal facts with
    their suit.

    Raises:
        Rejected: the notices cannot be taken out by themselves.
    """
    case = _case(desk, case_id)
    before = desk.households[case.household_id]
    moving, undone, whole = _moving(desk, case, before, set(chosen))
    new_household = HouseholdState(id=desk.new_id())
    closed = undone is not None and desk.cases[undone].closed
    new = CaseState(id=desk.new_id(), household_id=new_household.id, split_from=case.id, closed=closed)
    ids, fresh = _divided(desk, before, case.id, new.id, moving, whole)
    for said in moving:
        at = said.came_with.index(undone) if undone in said.came_with else 0
        desk.keep([replace(said, case_id=new.id, came_with=said.came_with[:at])])
    desk.change_case(case.model_copy(update={"split_off": (*case.split_off, new.id)}))
    stays = {key: known for key, known in before.ids.items() if known not in whole}
    rest = derive(desk, before.model_copy(update={"ids": stays}), desk.cases_of(before.id), {})
    told = lay_down(desk, rest)
    desk.put_case(new)
    part = derive(desk, new_household.model_copy(update={"ids": ids}), [new], {})
    new, event, changed = case_of(desk, part, new.id)
    told += lay_down(desk, part)
    replaced = tuple(Replaced(was=was, now=now) for was, now in sorted(fresh.items()) if _tells(event, part, now))
    desk.change_case(new.model_copy(update={"last": event}))
    opened = CaseSplit.model_validate(
        {**dict(event), "changes": (*changed, CaseChange.SPLIT), "split_from": case.id, "undoes": undone, "replaced": replaced}
    )
    desk.apart.add(frozenset((before.id, new_household.id)))
    told.append(Said(CASES.name, str(new.id), opened))
    for each in desk.cases_of(before.id):
        told += _tell(desk, rest, each.id, (), *([CaseChange.SPLIT] if each.id == case.id else []))
    return case.id, new.id, told


def _moving(
    desk: Desk, case: CaseState, household: HouseholdState, chosen: set[StatementKey]
) -> tuple[list[Statement], UUID | None, set[UUID]]:
    """The statements that go, the absorbed case that they came with, and the suits that go with them."""
    said = {each.key: each for each in desk.said_in(case.id)}
    if not chosen:
        raise Rejected("notices", "nothing_chosen")
    if not chosen <= said.keys():
        raise Rejected("notices", "not_of_this_case")
    going = {each.key for key in chosen for each in desk.connected(said[key]) if each.key in said}
    undone = next((each for each in case.absorbed if came_with(said.values(), each) == _notices(said, going)), None)
    if undone is not None:
        going |= {each.key for each in said.values() if undone in each.came_with}
    found = suits(effective(said.values()), Ids(household.ids, desk.new_id))
    whole = {suit.id for suit in found if suit.id is not None and _wholly(suit, going)}
    going |= {each.key for suit in found if suit.id in whole for each in suit.statements if not isinstance(each.content, Notice)}
    stay = effective(each for key, each in said.items() if key not in going)
    go = effective(each for key, each in said.items() if key in going)
    if _dockets(stay) & _dockets(go):
        raise Rejected("notices", "court_file_apart")
    for side, rule in ((stay, "nobody_stays"), (go, "nobody_goes")):
        if not any(any(named(each.content)) for each in side):
            raise Rejected("notices", rule)
    return [said[key] for key in sorted(going)], undone, whole


def came_with(said: Iterable[Statement], absorbed: UUID) -> set[StatementKey]:
    """The notices that came with an absorbed case."""
    return {each.key for each in said if absorbed in each.came_with and isinstance(each.content, Notice)}


def _notices(said: Mapping[StatementKey, Statement], keys: Iterable[StatementKey]) -> set[StatementKey]:
    return {key for key in keys if isinstance(said[key].content, Notice)}


def _dockets(statements: Iterable[Statement]) -> set[str]:
    return {docket for each in statements if (docket := matching.docket_of(each.content)) is not None}


def _wholly(suit: Suit, going: set[StatementKey]) -> bool:
    """Whether a suit goes: all that names its court file; of one without, all that was said of it."""
    said = [each for each in suit.statements if isinstance(each.content, Notice)]
    if suit.docket is not None:
        said = [each for each in said if matching.docket_of(each.content) == suit.docket]
    return all(each.key in going for each in said or suit.statements)


def _divided(
    desk: Desk, household: HouseholdState, case_id: UUID, new_case: UUID, moving: Sequence[Statement], whole: set[UUID]
) -> tuple[dict[str, UUID], dict[UUID, UUID]]:
    """The ids of the new household: its suits keep theirs, people, addresses and all else get new ones; which by which."""
    contents: list[Event] = [each.content for each in effective(moving)]
    mine = {f"person|{name}" for each in contents for name, _ in named(each)}
    mine |= {f"address|{desk.atlas.key(address)}" for each in contents for address in matching.addresses(each)}
    ids = {_about(key, case_id, new_case): known for key, known in household.ids.items() if known in whole}
    fresh: dict[UUID, UUID] = {}
    for key, known in household.ids.items():
        if key in mine or key.startswith((f"termination|{case_id}", f"eviction|{case_id}")):
            ids[_about(key, case_id, new_case)] = fresh.setdefault(known, desk.new_id())
    earlier = {key: fresh[known] for key, known in household.ids.items() if key.startswith("was|") and known in fresh}
    return ids | earlier | {f"was|{was}": now for was, now in fresh.items()}, fresh


def _tells(event: CaseEvent, household: Household, known: UUID) -> bool:
    """Whether an id is told of at all."""
    record = household.state.record
    return str(known) in event.model_dump_json() or (record is not None and str(known) in record.model_dump_json())
