"""Splitting a case, as a person decided, and undoing a merge: what goes, what goes by another id, what is said. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.intake import matching
from services.intake.deriving import Household, case_of, derive, lay_down
from services.intake.desk import Desk
from services.intake.facts import Statement, StatementKey, effective, stated
from services.intake.matching import named
from services.intake.moves import case_named, moved_key, tell
from services.intake.persons import Ids
from services.intake.proceedings import Suit, suits
from services.intake.snapshot import CaseState, HouseholdState
from shared.contracts.catalogue import CASES
from shared.contracts.codes import CaseChange
from shared.contracts.fields import Event
from shared.contracts.topics.cases import CaseEvent, CaseSplit, Replaced
from shared.contracts.topics.notices import Notice
from shared.contracts.topics.referrals import UndertakingSent
from shared.messaging.model import Rejected, Said


def split(desk: Desk, case_id: UUID, chosen: Collection[StatementKey]) -> tuple[UUID, UUID, list[Said]]:
    """Take notices into a new case of a new household. Where they are what came with an absorbed case, that merge is undone.

    Returns the case, the new case, and what is said. Corrections and revocations go with what they refer to, legal facts with
    their suit.

    Raises:
        Rejected: the notices cannot be taken out by themselves.
    """
    case = case_named(desk, case_id)
    before = desk.households[case.household_id]
    moving, undone, whole = _moving(desk, case, before, set(chosen))
    new_household = HouseholdState(id=desk.new_id())
    closed = undone is not None and desk.cases[undone].closed and not any(_news(each, undone) for each in moving)
    new = CaseState(id=desk.new_id(), household_id=new_household.id, split_from=case.id, closed=closed)
    ids, fresh = _divided(desk, before, case.id, new.id, moving, whole)
    for said in moving:
        at = said.came_with.index(undone) if undone in said.came_with else 0
        desk.keep([replace(said, case_id=new.id, came_with=said.came_with[:at])])
    desk.change_case(case.model_copy(update={"split_off": (*case.split_off, new.id)}))
    staying = [one for each in desk.cases_of(before.id) for one in desk.said_in(each.id)]
    left = _spelled(desk, moving) - _spelled(desk, staying)
    stays = {key: known for key, known in before.ids.items() if known not in whole and key not in left}
    rest = derive(desk, before.model_copy(update={"ids": stays}), desk.cases_of(before.id), {})
    told = lay_down(desk, rest)
    desk.put_case(new)
    if undone is not None:
        _give_back(desk, undone, case, new)
    part = derive(desk, new_household.model_copy(update={"ids": ids}), [new], {})
    new, event, changed = case_of(desk, part, new.id)
    told += lay_down(desk, part)
    replaced = tuple(Replaced(was=was, now=now) for was, now in sorted(fresh.items()) if _tells(event, part, now))
    desk.change_case(new.model_copy(update={"last": event}))
    opened = CaseSplit.model_validate(
        {**dict(event), "changes": (*changed, CaseChange.SPLIT), "split_from": case.id, "undoes": undone, "replaced": replaced}
    )
    desk.apart |= {frozenset((new_household.id, *pair - {before.id})) for pair in desk.apart if before.id in pair}
    desk.apart.add(frozenset((before.id, new_household.id)))
    told.append(Said(CASES.name, str(new.id), opened))
    for each in desk.cases_of(before.id):
        told += tell(desk, rest, each.id, (), *([CaseChange.SPLIT] if each.id == case.id else []))
    return case.id, new.id, told


def _news(said: Statement, undone: UUID) -> bool:
    """Whether a notice came after the merge, and tells of something new: it would have opened the absorbed case again."""
    return isinstance(said.content, Notice) and undone not in said.came_with and said.refers_to is None


def _give_back(desk: Desk, undone: UUID, case: CaseState, new: CaseState) -> None:
    """The absorbed case's id, and every id that came through it, mean the new case; those of their households the new one."""
    for each in desk.all_cases_of(case.household_id):
        if each.merged_into == case.id and undone in each.came_with:
            before = each.came_with[: each.came_with.index(undone)]
            back = {"merged_into": new.id, "household_id": new.household_id, "came_with": before}
            desk.change_case(each.model_copy(update=back))
            if each.household_before is not None:
                desk.merged[each.household_before] = new.household_id


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
    undone = _undone(case, said.values(), _notices(said, going))
    if undone is not None:
        going |= {each.key for each in said.values() if undone in each.came_with}
    found = suits(effective(said.values()), Ids(household.ids, desk.new_id))
    whole = {suit.id for suit in found if suit.id is not None and _wholly(suit, going)}
    going |= {each.key for suit in found if suit.id in whole for each in suit.statements if not isinstance(each.content, Notice)}
    going |= {key for key, each in said.items() if _of_suit(each.content, household) in whole}
    stay = effective(each for key, each in said.items() if key not in going)
    go = effective(each for key, each in said.items() if key in going)
    if _dockets(stay) & _dockets(go):
        raise Rejected("notices", "court_file_apart")
    for side, rule in ((stay, "nobody_stays"), (go, "nobody_goes")):
        if not any(any(named(each.content)) for each in side):
            raise Rejected("notices", rule)
    return [said[key] for key in sorted(going)], undone, whole


def _undone(case: CaseState, said: Collection[Statement], going: set[StatementKey]) -> UUID | None:
    """The absorbed case whose merge these notices undo: all that came with it goes, and nothing that would not go back.

    Of cases absorbed by one another, the one with which most came.
    """
    came = {each: came_with(said, each) for each in case.absorbed}
    whole = [each for each in case.absorbed if came[each] and came[each] <= going <= goes_back(said, each)]
    return max(whole, key=lambda each: len(came[each]), default=None)


def goes_back(said: Collection[Statement], absorbed: UUID) -> set[StatementKey]:
    """The notices of a case that go when this merge is undone.

    What came with the absorbed case, what is of its court files and came since, and what corrects or revokes any of it.
    """
    came = came_with(said, absorbed)
    counting = effective(said)
    files = _dockets(each for each in counting if each.key in came)
    going = came | {each.key for each in counting if matching.docket_of(each.content) in files}
    notices = [each for each in said if isinstance(each.content, Notice)]
    while more := {each.key for each in notices if each.key not in going and (each.source, each.refers_to) in going}:
        going |= more
    return going


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


def _of_suit(content: Event, household: HouseholdState) -> UUID | None:
    """The suit for whose arrears an undertaking is."""
    suit = content.proceeding_id if isinstance(content, UndertakingSent) else None
    return household.ids.get(f"was|{suit}", suit)


def _divided(
    desk: Desk, household: HouseholdState, case_id: UUID, new_case: UUID, moving: Sequence[Statement], whole: set[UUID]
) -> tuple[dict[str, UUID], dict[UUID, UUID]]:
    """The ids of the new household: its suits keep theirs, people, addresses and all else get new ones; which by which."""
    mine = _spelled(desk, effective(moving))
    ids = {moved_key(key, case_id, new_case): known for key, known in household.ids.items() if known in whole}
    fresh: dict[UUID, UUID] = {}
    for key, known in household.ids.items():
        if key in mine or key.startswith((f"termination|{case_id}", f"eviction|{case_id}")):
            ids[moved_key(key, case_id, new_case)] = fresh.setdefault(known, desk.new_id())
    earlier = {key: fresh[known] for key, known in household.ids.items() if key.startswith("was|") and known in fresh}
    return ids | earlier | {f"was|{was}": now for was, now in fresh.items()}, fresh


def _spelled(desk: Desk, statements: Iterable[Statement]) -> set[str]:
    """The keys of the people and addresses that statements name, in the words of each."""
    contents = [stated(each.content) for each in statements]
    people = {f"person|{name}" for each in contents for name, _ in named(each)}
    return people | {f"address|{desk.atlas.key(address)}" for each in contents for address in matching.addresses(each)}


def _tells(event: CaseEvent, household: Household, known: UUID) -> bool:
    """Whether an id is told of at all."""
    record = household.state.record
    return str(known) in event.model_dump_json() or (record is not None and str(known) in record.model_dump_json())
