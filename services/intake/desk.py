"""What a batch of messages touches, in memory: loaded with few statements, changed by decisions, saved with few."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import NamedTuple
from uuid import UUID

from services.intake import alike
from services.intake.alike import Form, People
from services.intake.casefile import Clockwork
from services.intake.facts import Statement, StatementKey
from services.intake.law.healing import Healing
from services.intake.likeness import Record
from services.intake.persons import Atlas
from services.intake.questions import Question, Reason
from services.intake.snapshot import CaseState, HouseholdState


class Owner(NamedTuple):
    """Whom a match key leads to; a person's key leads to the household alone."""

    household_id: UUID
    case_id: UUID | None = None


@dataclass(slots=True)
class Desk:
    """The households of a batch with all their cases and statements, and the statements that wait for a case.

    Whatever was loaded stands in the dictionaries; what decisions changed is noted in `changed_*`, for `save`.
    `keys`: by match key, whom it leads to; a person may be known in several households. `people`: who they are for likeness.
    `apart`: pairs of households that stay two. `questions`: the open ones about these cases. `reasons`: why likeness attached a
    statement. `merged`: households whose id means another from now on. `healed`: by match key of a person, healed terminations
    that outlived an erasure.
    """

    today: date
    atlas: Atlas
    clockwork: Clockwork
    new_id: Callable[[], UUID]
    households: dict[UUID, HouseholdState] = field(default_factory=dict)
    cases: dict[UUID, CaseState] = field(default_factory=dict)
    statements: dict[StatementKey, Statement] = field(default_factory=dict)
    form: Callable[[Record], Form] = field(default_factory=lambda: cache(alike.form))
    keys: dict[str, dict[UUID, Owner]] = field(default_factory=dict)
    people: dict[UUID, People] = field(default_factory=dict)
    apart: set[frozenset[UUID]] = field(default_factory=set)
    questions: dict[UUID, Question] = field(default_factory=dict)
    reasons: dict[StatementKey, tuple[Reason, ...]] = field(default_factory=dict)
    merged: dict[UUID, UUID] = field(default_factory=dict)
    healed: dict[str, tuple[Healing, ...]] = field(default_factory=dict)
    changed_households: set[UUID] = field(default_factory=set)
    changed_cases: set[UUID] = field(default_factory=set)
    changed_statements: set[StatementKey] = field(default_factory=set)
    changed_keys: set[tuple[str, UUID]] = field(default_factory=set)
    changed_people: set[UUID] = field(default_factory=set)
    changed_questions: set[UUID] = field(default_factory=set)
    _of_case: dict[UUID, dict[StatementKey, None]] = field(default_factory=dict)
    _cases_of: dict[UUID, dict[UUID, None]] = field(default_factory=dict)
    _keys_of: dict[UUID, set[str]] = field(default_factory=dict)
    _led_by: dict[int, dict[UUID, None]] = field(default_factory=dict)
    _waiting: dict[str, dict[StatementKey, None]] = field(default_factory=dict)
    _referring: dict[StatementKey, dict[StatementKey, None]] = field(default_factory=dict)

    def put(self, statement: Statement) -> None:
        """Lay a statement down where it belongs: with its case, or with those that wait for their court file's."""
        before = self.statements.get(statement.key)
        if before is not None and before.docket is not None:
            self._waiting.get(before.docket, {}).pop(before.key, None)
        if before is not None and before.case_id is not None and before.case_id != statement.case_id:
            self._of_case[before.case_id].pop(before.key, None)
        self.statements[statement.key] = statement
        if statement.case_id is not None:
            self._of_case.setdefault(statement.case_id, {})[statement.key] = None
        elif statement.docket is not None:
            self._waiting.setdefault(statement.docket, {})[statement.key] = None
        if statement.refers_to is not None:
            self._referring.setdefault((statement.source, statement.refers_to), {})[statement.key] = None

    def put_case(self, case: CaseState) -> None:
        """Lay a case down with its household."""
        before = self.cases.get(case.id)
        if before is not None and before.household_id != case.household_id:
            self._cases_of[before.household_id].pop(case.id)
        self.cases[case.id] = case
        self._cases_of.setdefault(case.household_id, {})[case.id] = None

    def put_key(self, key: str, owner: Owner) -> None:
        """Note whom a key leads to."""
        self.keys.setdefault(key, {})[owner.household_id] = owner
        self._keys_of.setdefault(owner.household_id, set()).add(key)

    def put_people(self, household_id: UUID, people: People) -> None:
        """Note who the people of a household are."""
        for key in {key for forms in self.people.get(household_id, {}).values() for form in forms for key in form.keys}:
            self._led_by[key].pop(household_id)
        self.people[household_id] = people
        for key in {key for forms in people.values() for form in forms for key in form.keys}:
            self._led_by.setdefault(key, {})[household_id] = None

    def docket(self, key: str) -> Owner | None:
        """Whose a court file is. Where only earlier statements name the file, its case need not be on the desk."""
        return next(iter(self.keys.get(key, {}).values()), None)

    def known_at(self, key: str) -> Sequence[UUID]:
        """The households in which a person is known at an address."""
        return sorted(self.keys.get(key, ()))

    def led_by(self, key: int) -> Sequence[UUID]:
        """The households that a key of likeness leads to."""
        return sorted(self._led_by.get(key, ()))

    def living(self, case_id: UUID | None) -> CaseState | None:
        """The case that an id means: where it was merged, the one it is part of now."""
        case = None if case_id is None else self.cases.get(case_id)
        while case is not None and case.merged_into is not None:
            case = self.cases.get(case.merged_into)
        return case

    def cases_of(self, household_id: UUID) -> list[CaseState]:
        """The cases of a household, in a fixed order; aliases are none."""
        return [case for case in self.all_cases_of(household_id) if case.merged_into is None]

    def all_cases_of(self, household_id: UUID) -> list[CaseState]:
        """The cases of a household and their aliases, in a fixed order."""
        return sorted((self.cases[each] for each in self._cases_of.get(household_id, ())), key=lambda case: case.id)

    def questions_of(self, case_id: UUID) -> list[Question]:
        """The open questions about a case."""
        return [each for each in self.questions.values() if each.state == "OPEN" and case_id in (each.one, each.other)]

    def said_in(self, case_id: UUID) -> list[Statement]:
        """All statements of a case, revoked ones too."""
        return [self.statements[key] for key in self._of_case.get(case_id, ())]

    def waiting_for(self, docket: str) -> list[Statement]:
        """The statements that wait for the case of this court file."""
        return [self.statements[key] for key in self._waiting.get(docket, ())]

    def connected(self, statement: Statement) -> list[Statement]:
        """The statement and all that it corrects or revokes, or that correct or revoke it, directly or not."""
        found = {statement.key: statement}
        pending = [statement]
        while pending:
            for each in self._next_to(pending.pop()):
                if each.key not in found:
                    found[each.key] = each
                    pending.append(each)
        return list(found.values())

    def _next_to(self, statement: Statement) -> Iterator[Statement]:
        target = None if statement.refers_to is None else (statement.source, statement.refers_to)
        about = [statement.key] if target is None else [statement.key, target]
        if target is not None and target in self.statements:
            yield self.statements[target]
        for key in about:
            yield from (self.statements[each] for each in self._referring.get(key, ()))

    def keep(self, statements: Iterable[Statement]) -> None:
        """Lay statements down and save them."""
        for each in statements:
            self.put(each)
            self.changed_statements.add(each.key)

    def change_case(self, case: CaseState) -> None:
        """Lay a case down and save it."""
        self.put_case(case)
        self.changed_cases.add(case.id)

    def change_question(self, question: Question) -> None:
        """Note a question and save it; one that is DROPPED is forgotten."""
        self.questions[question.id] = question
        self.changed_questions.add(question.id)

    def own(self, household_id: UUID, keys: dict[str, Owner]) -> None:
        """The keys that lead to a household from now on; what led there before and no longer does is freed."""
        for key in self._keys_of.get(household_id, set()) - keys.keys():
            self.keys[key].pop(household_id)
            if not self.keys[key]:
                del self.keys[key]
            self.changed_keys.add((key, household_id))
        for key, owner in keys.items():
            if self.keys.get(key, {}).get(household_id) != owner:
                self.put_key(key, owner)
                self.changed_keys.add((key, household_id))
        self._keys_of[household_id] = set(keys)

    def inhabit(self, household_id: UUID, people: People) -> None:
        """Who the people of a household are from now on."""
        if self.people.get(household_id, {}) != people:
            self.put_people(household_id, people)
            self.changed_people.add(household_id)

    def give_up(self, household_id: UUID, into: UUID) -> None:
        """A household becomes part of another, that has its cases already."""
        self.own(household_id, {})
        self.put_people(household_id, {})
        del self.households[household_id]
        self.merged[household_id] = into
        moved = (frozenset(into if each == household_id else each for each in pair) for pair in self.apart)
        self.apart = {pair for pair in moved if len(pair) > 1}
        self.changed_people.discard(household_id)
        self.changed_households.discard(household_id)
