"""A case's events take effect in order; one that tells of a merge or split waits for what the other key says of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from pydantic import BaseModel

from services.outreach.assignment import withdraw
from services.outreach.casefile import CaseFile, Step
from services.outreach.moving import Moved, complete, merge, renamed, split
from services.outreach.obligations import owe
from services.outreach.parting import without
from services.outreach.promises import advise
from services.outreach.state import TOPIC_OF, State, finish
from shared.contracts.codes import CaseStatus, WithdrawReason
from shared.contracts.topics.cases import CaseEvent, CaseMerged, CaseReopened, CaseSplit
from shared.messaging.model import Said


def moved_cases(event: BaseModel | None) -> set[UUID]:
    """The cases between which an event tells of a move; none for most."""
    if isinstance(event, CaseMerged):
        return {event.case_id, event.into_case_id, *event.absorbed}
    if not isinstance(event, CaseEvent):
        return set()
    others = {*event.absorbed, *event.split_off}
    if isinstance(event, CaseSplit):
        others |= {event.split_from, *([event.undoes] if event.undoes else [])}
    return {event.case_id, *others} if others else set()


def case_changed(state: State, event: CaseEvent | CaseMerged) -> list[Said]:
    """Take in an event of intake, and do all that it lets go on.

    Raises:
        ValueError: an event behind the one that ended its key, or that one alone.
    """
    if event.case_id in state.aliases:
        raise ValueError("event_behind_case_merged")
    before, step, named = state.files.get(event.case_id), _step(event), moved_cases(event)
    file = before or (CaseFile(step.state) if step.state else None)
    if file is None:
        raise ValueError("case_merged_before_any_state")
    if not named and not file.waiting:
        return _act(state, file, step, before)
    draft = state.draft()
    draft.relate(named)
    draft.put(replace(file, waiting=(*file.waiting, step)))
    said = _go_on(draft, {event.case_id: before})
    state.adopt(draft)
    return said


def release(state: State, case_id: UUID) -> list[Said]:
    """A case is to be erased: who waits for it gets its part now, or waits no longer; and it takes what is its own with it."""
    said: list[Said] = []
    before: dict[UUID, CaseFile | None] = {}
    for other in [each for each in state.family(case_id) if each.waiting and each.waiting[0].split_from]:
        new_id, begins = other.case.case_id, other.waiting[0]
        old = state.files.get(begins.split_from) if begins.split_from else None
        if old is not None and begins.state is not None and case_id in (new_id, old.case.case_id):
            before.setdefault(old.case.case_id, old)
            before[new_id] = other
            said += _take(state, split(old, other, without(old.case, begins.state), state.city.visits.attempts), new_id)
    file = state.files.pop(case_id, None)
    state.changed_files.discard(case_id)
    for visit in file.visits if file else ():
        state.diary.release(visit.id)
        said += withdraw(file, visit, WithdrawReason.CASE_ERASED)[1] if file else []
    return said + _go_on(state, before)


def _step(event: CaseEvent | CaseMerged) -> Step:
    if isinstance(event, CaseMerged):
        return Step(leaves=event)
    state = CaseEvent(**{name: getattr(event, name) for name in CaseEvent.model_fields})
    if isinstance(event, CaseSplit):
        return Step(state=state, split_from=event.split_from, undoes=event.undoes)
    return Step(state=state, reopens=isinstance(event, CaseReopened))


def _go_on(state: State, before: dict[UUID, CaseFile | None]) -> list[Said]:
    """Let steps take effect until none can. `before`: the files as the teams know them, where they changed since."""
    said: list[Said] = []
    while (done := _one(state, before)) is not None:
        said += done
    for case_id, known in before.items():
        file = state.files.get(case_id)
        if file is not None and known is not None:
            register = state.registers.get(file.case.household_id)
            said += finish(state, known, file, [], (register, register))
    return said


def _one(state: State, before: dict[UUID, CaseFile | None]) -> list[Said] | None:
    """What the next step says; None when none is ready."""
    for case_id in _ready_first(state, before):
        file = state.files[case_id]
        step = file.waiting[0]
        if not complete(step, file):
            told = _move(state, file, step, before)
            if told is not None:
                return told
        elif step.state is not None and step.split_from is None:
            return _act(state, file, step, before.pop(case_id, file))
    return None


def _ready_first(state: State, before: dict[UUID, CaseFile | None]) -> Iterable[UUID]:
    """The cases with waiting events that what changed so far may let go on."""
    families = {state.kin.get(each, each) for each in before} | {state.kin.get(each, each) for each in state.changed_files}
    named = {each for each, family in state.kin.items() if family in families} | set(before)
    return sorted(each for each in named if each in state.files and state.files[each].waiting)


def _move(state: State, file: CaseFile, step: Step, before: dict[UUID, CaseFile | None]) -> list[Said] | None:
    """A move that this step tells of and the other key told of too."""
    case_id = file.case.case_id
    needed = state.city.visits.attempts
    for other in state.family(case_id)[1:]:
        head = other.waiting[0] if other.waiting else None
        if head is None:
            continue
        if head.leaves is not None and head.leaves.into_case_id == case_id and complete(head, other):
            before.setdefault(case_id, file)
            before.pop(other.case.case_id, None)
            return _take(state, merge(file, other, head.leaves, needed), other.case.case_id)
        if head.split_from == case_id and step.state is not None and other.case.case_id in step.state.split_off:
            before.setdefault(case_id, file)
            before.setdefault(other.case.case_id, other)
            return _take(state, split(file, other, step.state, needed), other.case.case_id)
    return None


def _take(state: State, moved: Moved, other: UUID) -> list[Said]:
    """Keep both files of a move, and who is meant by which id now."""
    entered = moved.entered.case.case_id
    state.put(moved.entered)
    if moved.left is None:
        del state.files[other]
        state.changed_files.discard(other)
        state.merged.add(other)
        state.aliases |= {each: entered for each, into in state.aliases.items() if into == other} | {other: entered}
        state.notes = [replace(each, case_id=entered) if each.case_id == other else each for each in state.notes]
    else:
        state.put(moved.left)
        state.aliases |= dict.fromkeys(moved.back, entered)
        staying = {each.id for each in moved.left.reports}
        gone = {each.id for each in moved.entered.reports if each.id not in staying}
        state.handed_over |= dict.fromkeys(gone, entered)
        state.notes = [replace(each, case_id=entered) if each.report_id in gone else each for each in state.notes]
    return [*moved.withdrawn, *(Said(TOPIC_OF[type(event)].name, str(key), event) for key, event in moved.told)]


def _act(state: State, file: CaseFile, step: Step, before: CaseFile | None) -> list[Said]:
    """The newest state takes effect. That the case is open with more cases than its outcome ended means that it goes on."""
    assert step.state is not None
    case = step.state
    after, joined = renamed(file, case.replaced, case.changed_on, state.city.visits.attempts)
    after = replace(after, case=case, waiting=file.waiting[1:])
    goes_on = case.status is CaseStatus.OPEN and after.outcome and not set(case.absorbed) <= set(after.outcome.absorbed)
    if step.reopens or goes_on:
        after = replace(after, outcome=None)
    after, owed = owe(after, state.city, state.new_id)
    after, advice = advise(after, state.city)
    register = state.registers.get(case.household_id)
    return finish(state, before, after, [*joined, *owed, *advice], (register, register))
