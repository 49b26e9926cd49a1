"""A case's events take effect in order; one that tells of a merge or split waits for what the other key says of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from pydantic import BaseModel

from services.outreach.assignment import withdraw
from services.outreach.casefile import CaseFile, Step
from services.outreach.departing import Before, forget_what_came_with, forget_what_went_to, without_waiting_for
from services.outreach.moving import Moved, complete, merge, renamed, split, through
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
    """A case is to be erased: who waits for its part of it gets it now, who waits for it to come or go waits no longer."""
    said: list[Said] = []
    before: Before = {}
    file = state.files.get(case_id)
    for other in [each for each in state.family(case_id) if each.waiting and each.waiting[0].split_from == case_id]:
        begins = other.waiting[0]
        if file is not None and begins.state is not None and _has(file, begins.undoes):
            before[other.case.case_id] = other
            moved = split(file, other, without(file.case, begins.state), state.city.visits.attempts)
            said += _take(state, moved, other.case.case_id)
            file = state.files[case_id]
    said += forget_what_came_with(state, case_id, before)
    file = state.files.pop(case_id, None)
    before.pop(case_id, None)
    state.changed_files.discard(case_id)
    for visit in file.visits if file else ():
        state.diary.release(visit.id)
        said += withdraw(file, visit, WithdrawReason.CASE_ERASED)[1] if file else []
    return said + _go_on(state, before)


def _has(file: CaseFile, absorbed: UUID | None) -> bool:
    return absorbed is None or absorbed in {each.case_id for each in file.came}


def _step(event: CaseEvent | CaseMerged) -> Step:
    if isinstance(event, CaseMerged):
        return Step(leaves=event)
    state = CaseEvent(**{name: getattr(event, name) for name in CaseEvent.model_fields})
    if isinstance(event, CaseSplit):
        return Step(state=state, split_from=event.split_from, undoes=event.undoes)
    return Step(state=state, reopens=isinstance(event, CaseReopened))


def _go_on(state: State, before: Before) -> list[Said]:
    """Let steps take effect until none can."""
    said: list[Said] = []
    while (done := _one(state, before)) is not None:
        said += done
    for case_id, known in before.items():
        file = state.files.get(case_id)
        if file is not None and known is not None:
            register = state.registers.get(file.case.household_id)
            said += finish(state, known, file, [], (register, register))
    return said


def _one(state: State, before: Before) -> list[Said] | None:
    """What the next step says; None when none is ready."""
    for case_id in _ready_first(state, before):
        file = state.files[case_id]
        step = file.waiting[0]
        if step.split_from is not None:
            told = _begin(state, file, step, before)
        elif not complete(step, file, _begun(state)):
            told = _move(state, file, step, before)
        else:
            told = None if step.state is None else _act(state, file, step, before.pop(case_id, file))
        if told is not None:
            return told
    return None


def _begun(state: State) -> set[UUID]:
    return {each for each, file in state.files.items() if not (file.waiting and file.waiting[0].split_from)} | set(state.aliases)


def _begin(state: State, file: CaseFile, step: Step, before: Before) -> list[Said] | None:
    """A case whose old one is erased has nothing to wait for but what had come with the absorbed case whose merge it undoes."""
    assert step.state is not None
    if step.split_from not in state.erased:
        return None
    case_id, own = file.case.case_id, step.undoes
    begun = replace(file, waiting=(Step(state=step.state), *file.waiting[1:]))
    if own is None or own in state.erased or own in state.aliases:
        before.setdefault(case_id, file)
        state.put(begun)
        if own in state.aliases:
            state.aliases[own] = case_id
            state.related = True
        return []
    absorbed = state.files.get(own)
    leaves = absorbed.waiting[0].leaves if absorbed is not None and absorbed.waiting else None
    if absorbed is None or leaves is None or not complete(absorbed.waiting[0], absorbed, _begun(state)):
        return None
    before.setdefault(case_id, file)
    before.pop(own, None)
    leaves = leaves.model_copy(update={"replaced": through(leaves.replaced, step.state.replaced)})
    return _take(state, merge(begun, absorbed, leaves, state.city.visits.attempts), own)


def _ready_first(state: State, before: Before) -> Iterable[UUID]:
    """The cases with waiting events that what changed so far may let go on."""
    families = {state.kin.get(each, each) for each in {*before, *state.changed_files, *state.erased}}
    named = {each for each, family in state.kin.items() if family in families} | set(before)
    return sorted(each for each in named if each in state.files and state.files[each].waiting)


def _move(state: State, file: CaseFile, step: Step, before: Before) -> list[Said] | None:
    """A move that this step tells of and the other key told of too."""
    case_id = file.case.case_id
    needed = state.city.visits.attempts
    ahead = without_waiting_for(file, step, state.erased)
    if ahead != file:
        before.setdefault(case_id, file)
        state.put(ahead)
        return []
    if step.state is not None:
        lost = state.erased & set(step.state.split_off) - set(file.gave)
        if lost:
            return forget_what_went_to(state, file, step.state, min(lost), before)
    for other in state.family(case_id)[1:]:
        head = other.waiting[0] if other.waiting else None
        if head is None:
            continue
        if head.leaves is not None and head.leaves.into_case_id == case_id and complete(head, other, _begun(state)):
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
        state.aliases |= dict.fromkeys(set(moved.back) - state.erased, entered)
        state.related = True
        state.hand_over(moved.left, moved.entered)
    return [*moved.withdrawn, *(Said(TOPIC_OF[type(event)].name, str(key), event) for key, event in moved.told)]


def _act(state: State, file: CaseFile, step: Step, before: CaseFile | None) -> list[Said]:
    """The newest state takes effect. That the case is open with more cases than its outcome ended means that it goes on."""
    assert step.state is not None
    case = step.state
    after, joined = renamed(file, case.replaced, case.changed_on, state.city.visits.attempts)
    if after.case is not case or after.waiting:  # a case that is new has neither
        after = replace(after, case=case, waiting=file.waiting[1:])
    goes_on = case.status is CaseStatus.OPEN and after.outcome and not set(case.absorbed) <= set(after.outcome.absorbed)
    if step.reopens or goes_on:
        after = replace(after, outcome=None)
    after, owed = owe(after, state.city, state.new_id)
    after, advice = advise(after, state.city)
    register = state.registers.get(case.household_id)
    return finish(state, before, after, [*joined, *owed, *advice], (register, register))
