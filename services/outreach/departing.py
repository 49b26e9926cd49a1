"""What goes from a case's file because it came with, or went to, a case that is erased. Pure.

Whoever erases a case empties what was said under its key, and so the event that told of its move. That it is erased says as
much: what was its own is gone, and there is nothing to move.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from services.outreach.casefile import Came, CaseFile, Step
from services.outreach.moving import split
from services.outreach.obligations import owe
from services.outreach.parting import persons_of
from services.outreach.state import TOPIC_OF, State
from shared.contracts.codes import WithdrawReason
from shared.contracts.fields import Event
from shared.contracts.topics.assignments import AssignmentWithdrawn
from shared.contracts.topics.cases import CaseEvent
from shared.contracts.topics.visits import VisitsGivenUp
from shared.messaging.model import Said

Before = dict[UUID, CaseFile | None]
"""The files as the teams know them, where they changed since."""


def forget_what_came_with(state: State, erased: UUID, before: Before) -> list[Said]:
    """A case was absorbed, and is erased with the case that it is part of now: whoever still has its part forgets it."""
    said: list[Said] = []
    for file in [each for each in state.files.values() if erased in {one.case_id for one in each.came}]:
        nobody = file.case.model_copy(update={"case_id": erased, "proceedings": (), "tenant_ids": (), "replaced": ()})
        left, told = _without(state, file, nobody, file.case, erased)
        before.setdefault(file.case.case_id, file)
        left, owed = owe(replace(left, gave=file.gave), state.city, state.new_id)
        state.put(left)
        said += [*told, *_of_case(file, owed)]
    return said


def forget_what_went_to(state: State, file: CaseFile, stays: CaseEvent, erased: UUID, before: Before) -> list[Said]:
    """A split took what the case's next state no longer has; the case that it went to is erased."""
    suits = {each.proceeding_id for each in stays.proceedings}
    gone = {
        "case_id": erased,
        "proceedings": tuple(each for each in file.case.proceedings if each.proceeding_id not in suits),
        "tenant_ids": tuple(sorted(persons_of(file.case) - persons_of(stays))),
        "replaced": (),
    }
    left, told = _without(state, file, file.case.model_copy(update=gone), stays, None)
    before.setdefault(file.case.case_id, file)
    state.put(left)
    return told


def without_waiting_for(file: CaseFile, step: Step, erased: Iterable[UUID]) -> CaseFile:
    """The absorbed cases that are erased have come, with nothing."""
    listed = step.leaves.absorbed if step.leaves else step.state.absorbed if step.state else ()
    lost = set(listed) & set(erased) - {each.case_id for each in file.came}
    return replace(file, came=(*file.came, *(Came(each, (each,)) for each in sorted(lost))))


def _without(state: State, file: CaseFile, gone: CaseEvent, stays: CaseEvent, undoes: UUID | None) -> tuple[CaseFile, list[Said]]:
    """The file without what is of a case that is erased, and what to tell of it."""
    begins = Step(state=gone, split_from=file.case.case_id, undoes=undoes)
    moved = split(file, CaseFile(gone, waiting=(begins,)), stays, state.city.visits.attempts)
    assert moved.left is not None
    for visit in moved.entered.visits:
        state.diary.release(visit.id)
    state.hand_over(moved.left, moved.entered)
    told = [each for key, each in moved.told if key == file.case.case_id and not _of_nothing(each)]
    return moved.left, [*(_for_erasure(each) for each in moved.withdrawn), *_of_case(file, told)]


def _of_case(file: CaseFile, told: Iterable[Event]) -> list[Said]:
    return [Said(TOPIC_OF[type(each)].name, str(file.case.case_id), each) for each in told]


def _of_nothing(event: object) -> bool:
    return isinstance(event, VisitsGivenUp) and not (event.obligation_ids or event.report_ids)


def _for_erasure(said: Said) -> Said:
    assert isinstance(said.data, AssignmentWithdrawn)
    return replace(said, data=said.data.model_copy(update={"reason": WithdrawReason.CASE_ERASED}))
