"""What a new rule or holiday makes of an open case, and why its deadlines differ. Pure; the job is `recompute_job.py`."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.intake.decisions import take_fact
from services.intake.desk import Desk
from services.intake.snapshot import as_told, changes
from shared.contracts.codes import CaseChange
from shared.contracts.topics.cases import CaseEvent, DeadlineFact
from shared.messaging.model import Said


def causes(old: Iterable[DeadlineFact], new: Iterable[DeadlineFact]) -> tuple[CaseChange, ...]:
    """Why the deadlines of the same facts differ: another version of a rule (LAW), another holiday (CALENDAR), or both."""
    before = {(each.rule, each.proceeding_id): each for each in old}
    after = {(each.rule, each.proceeding_id): each for each in new}
    both = [(before[key], after[key]) for key in before.keys() & after.keys()]
    law = before.keys() != after.keys() or any(a.rule_version != b.rule_version for a, b in both)
    calendar = any(a.rule_version == b.rule_version and a.on != b.on for a, b in both)
    return (CaseChange.LAW,) * law + (CaseChange.CALENDAR,) * calendar


def recomputed(desk: Desk, case_id: UUID) -> list[Said]:
    """What is to be told of a case that is derived anew from the statements it has."""
    old = desk.cases[case_id].last
    said_before = min(desk.said_in(case_id), key=lambda each: each.age, default=None)
    if old is None or said_before is None:
        return []
    return [_with_causes(each, old) for each in take_fact(desk, said_before).said]


def _with_causes(said: Said, old: CaseEvent) -> Said:
    new = said.data
    if not isinstance(new, CaseEvent) or new.case_id != old.case_id:
        return said
    return Said(said.topic, said.key, as_told(new, [*changes(old, new), *causes(old.deadlines, new.deadlines)]))
