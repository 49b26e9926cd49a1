"""What a batch of messages touches, in memory: loaded with few statements, changed by decisions, saved with few."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.intake.casefile import Clockwork
from services.intake.facts import Statement, StatementKey
from services.intake.law.healing import Healing
from services.intake.persons import Atlas
from services.intake.snapshot import CaseState, HouseholdState


class Owner(NamedTuple):
    """Whom a match key leads to; a person's key leads to the household alone."""

    household_id: UUID
    case_id: UUID | None = None


@dataclass(slots=True)
class Desk:
    """The households of a batch with all their cases and statements, and the statements that wait for a case.

    Whatever was loaded stands in the dictionaries; what decisions changed is noted in `changed_*`, for `save`.
    `healed`: by match key of a person, healed terminations that outlived an erasure.
    """

    today: date
    atlas: Atlas
    clockwork: Clockwork
    new_id: Callable[[], UUID]
    households: dict[UUID, HouseholdState] = field(default_factory=dict)
    cases: dict[UUID, CaseState] = field(default_factory=dict)
    statements: dict[StatementKey, Statement] = field(default_factory=dict)
    keys: dict[str, Owner] = field(default_factory=dict)
    healed: dict[str, tuple[Healing, ...]] = field(default_factory=dict)
    changed_households: set[UUID] = field(default_factory=set)
    changed_cases: set[UUID] = field(default_factory=set)
    changed_statements: set[StatementKey] = field(default_factory=set)
    changed_keys: set[str] = field(default_factory=set)
    _of_case: dict[UUID, dict[StatementKey, None]] = field(default_factory=dict)
    _cases_of: dict[UUID, dict[UUID, None]] = field(default_factory=dict)
    _keys_of: dict[UUID, set[str]] = field(default_factory=dict)
    _waiting: dict[str, dict[StatementKey, None]] = field(default_factory=dict)
    _referring: dict[StatementKey, dict[StatementKey, None]] = field(default_factory=dict)

    def put(self, statement: Statement) -> None:
        """Lay a statement down where it belongs: with its case, or with those that wait for their court file's."""
        before = self.statements.get(statement.key)
        if before is not None and before.docket is not None:
            self._waiting.get(before.docket, {}).pop(before.key, None)
        self.statements[statement.key] = statement
        if statement.case_id is not None:
            self._of_case.setdefault(statement.case_id, {})[statement.key] = None
        elif statement.docket is not None:
            self._waiting.setdefault(statement.docket, {})[statement.key] = None
        if statement.refers_to is not None:
            self._referring.setdefault((statement.source, statement.refers_to), {})[statement.key] = None

    def put_case(self, case: CaseState) -> None:
        """Lay a case down with its household."""
        self.cases[case.id] = case
        self._cases_of.setdefault(case.household_id, {})[case.id] = None

    def put_key(self, key: str, owner: Owner) -> None:
        """Note whom a key leads to."""
        self.keys[key] = owner
        self._keys_of.setdefault(owner.household_id, set()).add(key)

    def cases_of(self, household_id: UUID) -> list[CaseState]:
        """The cases of a household, in a fixed order."""
        return sorted((self.cases[each] for each in self._cases_of.get(household_id, ())), key=lambda case: case.id)

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

    def own(self, household_id: UUID, keys: dict[str, Owner]) -> None:
        """The keys that lead to a household from now on; what led there before and no longer does is freed."""
        for key in self._keys_of.get(household_id, set()) - keys.keys():
            del self.keys[key]
            self.changed_keys.add(key)
        self._keys_of[household_id] = set(keys)
        for key, owner in keys.items():
            if self.keys.get(key) != owner:
                self.keys[key] = owner
                self.changed_keys.add(key)
