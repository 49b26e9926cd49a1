"""Asking people whether two cases are one: a question, and a banner on both. Pure.

The case that a notice is about tells its banner with its own event; the other one's is told by the job in banners.py, because an
event caused by a notice is erased with it, and the notice with the event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from services.intake.desk import Desk
from services.intake.questions import Question, Reason
from services.intake.snapshot import CaseState, doubted
from shared.contracts.catalogue import CASES
from shared.messaging.model import Said


class Asked(NamedTuple):
    """Questions about a case, and the cases that they ask it to be one with."""

    questions: tuple[Question, ...]
    partners: tuple[CaseState, ...]

    @property
    def doubtful(self) -> bool:
        """Whether one of those is open."""
        return any(not each.closed for each in self.partners)


def ask(desk: Desk, case: CaseState, others: Mapping[UUID, tuple[Reason, ...]]) -> Asked:
    """The questions whether a case belongs to one of these households; never twice, and never of households kept apart."""
    asked: list[Question] = []
    partners: list[CaseState] = []
    for household_id, reasons in others.items():
        cases = desk.cases_of(household_id)
        if not cases or frozenset((case.household_id, household_id)) in desk.apart or _known(desk, case, household_id):
            continue
        partner = min(cases, key=lambda each: (each.closed, each.id))
        one, other = sorted((case.id, partner.id))
        asked.append(Question(desk.new_id(), one, other, reasons, desk.today))
        partners.append(partner)
    return Asked(tuple(asked), tuple(partners))


def _known(desk: Desk, case: CaseState, household_id: UUID) -> bool:
    mine = {each.id for each in desk.cases_of(case.household_id)} | {case.id}
    theirs = {each.id for each in desk.cases_of(household_id)}
    return any(
        {each.one, each.other} & mine and {each.one, each.other} & theirs
        for each in desk.questions.values()
        if each.state == "OPEN"
    )


def show(desk: Desk, case: CaseState, *, doubtful: bool) -> list[Said]:
    """Put the banner on a case that nothing else is said of, or take it away."""
    assert case.last is not None
    event = doubted(case.last, desk.today, doubtful=doubtful)
    if event.banners == case.last.banners:
        desk.change_case(case.model_copy(update={"doubtful": doubtful}))
        return []
    desk.change_case(case.model_copy(update={"doubtful": doubtful, "last": event}))
    return [Said(CASES.name, str(case.id), event)]


def differ(desk: Desk, question: Question) -> list[Said]:
    """A person says that these cases are two: their households stay apart, all questions between them are answered."""
    one, other = (desk.living(each) for each in (question.one, question.other))
    assert one is not None
    assert other is not None
    desk.apart.add(frozenset((one.household_id, other.household_id)))
    mine, theirs = ({each.id for each in desk.cases_of(case.household_id)} for case in (one, other))
    for each in list(desk.questions.values()):
        if {each.one, each.other} & mine and {each.one, each.other} & theirs:
            desk.change_question(replace(each, state="DIFFERENT"))
    doubted_before = [desk.cases[each] for each in sorted(mine | theirs) if desk.cases[each].doubtful]
    return [said for each in doubted_before for said in show(desk, each, doubtful=bool(desk.questions_of(each.id)))]
