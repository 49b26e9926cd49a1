"""A case as pages show it to people: its household, its notices and what we made of each, its nearest deadline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.intake import clarifying
from services.intake.facts import Statement
from services.intake.pages import store
from services.intake.questions import Reason
from services.intake.revoking import revoked_with
from services.intake.snapshot import CaseState, HouseholdState
from services.intake.splitting import goes_back
from shared.contracts.topics.cases import DeadlineFact
from shared.contracts.topics.households import Claim
from shared.contracts.topics.notices import Notice, NoticeRevoked, ProceedingRef
from shared.messaging.model import Tx


@dataclass(frozen=True, slots=True)
class Told:
    """A notice of a case. `revoked`: it counts no more; `about`: what it corrects or revokes; `why`: attached by likeness."""

    statement: Statement
    content: Notice
    revoked: bool
    about: Statement | None
    why: tuple[Reason, ...]

    @property
    def value(self) -> str:
        """How a form names it."""
        return f"{self.statement.source} {self.statement.id}"

    @property
    def proceeding(self) -> ProceedingRef | None:
        """The court file it names; what a revoked notice named is shown to nobody."""
        return None if self.revoked else self.content.proceeding


@dataclass(frozen=True, slots=True)
class Head:
    """A case and the household it is of."""

    case: CaseState
    household: HouseholdState

    @property
    def claims(self) -> list[Claim]:
        """The court files of the case."""
        claims = self.household.record.claims if self.household.record else ()
        return [each for each in claims if each.case_id == self.case.id and each.docket is not None]

    def nearest(self, today: date) -> DeadlineFact | None:
        """The deadline that ends next."""
        assert self.case.last is not None
        return min((each for each in self.case.last.deadlines if each.on >= today), key=lambda each: each.on, default=None)

    def name(self, person_id: UUID | None) -> str | None:
        """The name of somebody of the household, by any id they ever had; None for anybody else."""
        current = self.household.ids.get(f"was|{person_id}", person_id)
        members = self.household.record.members if self.household.record else ()
        return next(
            (f"{each.given_name or ''} {each.family_name}".strip() for each in members if each.person_id == current), None
        )


@dataclass(frozen=True, slots=True)
class Shown(Head):
    """A case with all its notices, oldest first."""

    notices: list[Told]

    @property
    def subjects(self) -> list[UUID]:
        """Whom a reading of it is about."""
        return [self.case.id, self.household.id, *(each.statement.id for each in self.notices)]

    def going_back(self, absorbed: UUID) -> list[Told]:
        """The notices that go when the merge with an absorbed case is undone."""
        going = goes_back([each.statement for each in self.notices], absorbed)
        return [each for each in self.notices if each.statement.key in going]


def survivor(cases: Iterable[Head]) -> UUID:
    """The case that stays when these are merged: the one that was heard of first."""
    return min(cases, key=_heard_of).case.id


def _heard_of(each: Head) -> tuple[date, UUID]:
    assert each.case.last is not None
    return each.case.last.received_on, each.case.id


async def show(tx: Tx, case_ids: Sequence[UUID]) -> list[Shown]:
    """These cases; an alias is the case it is part of now, and each is shown once. One that was erased is left out."""
    living = await store.living(tx, case_ids)
    why = await clarifying.notices(tx, list(living))
    found = []
    for each in living:
        loaded = await store.case(tx, each)
        if loaded is not None:
            reasons = {one.key: one.by_likeness for one in why[each]}
            found.append(Shown(loaded[0], loaded[1], _told(loaded[2], reasons)))
    return found


def _told(said: Sequence[Statement], why: dict[tuple[str, UUID], tuple[Reason, ...]]) -> list[Told]:
    by_key = {each.key: each for each in said}
    revoked = revoked_with(said, by_key)
    return [
        Told(
            each,
            each.content,
            each.key in revoked and not isinstance(each.content, NoticeRevoked),
            None if each.refers_to is None else by_key.get((each.source, each.refers_to)),
            why.get(each.key, ()),
        )
        for each in sorted(said, key=lambda one: one.age)
        if isinstance(each.content, Notice)
    ]
