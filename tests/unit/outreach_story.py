"""Two cases that become one and part again, as intake tells it; and what must hold for whoever reads outreach meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from services.outreach.casefile import CaseFile
from shared.contracts.codes import (
    AttemptResult,
    CaseChange,
    ConsentForm,
    ConsentPurpose,
    ContactKind,
    ObligationClose,
    Window,
)
from shared.contracts.fields import Event
from shared.contracts.topics.assignments import Assignment, AssignmentCreated, AssignmentWithdrawn
from shared.contracts.topics.cases import (
    CaseErased,
    CaseEvent,
    CaseMerged,
    CaseSplit,
    Replaced,
)
from shared.contracts.topics.field_reports import (
    AttemptReported,
    ConsentReported,
    ContactReported,
    FieldReport,
)
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.visits import (
    ObligationClosed,
    ReportCorrected,
    VisitOwed,
    VisitsGivenUp,
    VisitsTakenOver,
)
from tests.unit.outreach_room import MONDAY, Town, changed


@dataclass
class Story:
    """What intake says on the keys of X, S and N: X becomes part of S, and N is split from S again."""

    same: bool
    undoes: bool = True
    town: Town = field(default_factory=Town)

    def __post_init__(self) -> None:
        self.s, self.home = self.town.suit()
        self.x, self.other_home = self.town.suit()
        self.names = list(zip(ids(self.x), ids(self.s), strict=True)) if self.same else []
        merged_suits = self.s.proceedings if self.same else (*self.s.proceedings, *self.x.proceedings)
        tenants = tuple(dict.fromkeys((*self.s.tenant_ids, *(() if self.same else self.x.tenant_ids))))
        both = {"proceedings": merged_suits, "tenant_ids": tenants, "absorbed": (self.x.case_id,)}
        self.merged = changed(self.s, **both, changes=(CaseChange.MERGED,))
        self.gone = CaseMerged(
            case_id=self.x.case_id,
            household_id=self.x.household_id,
            into_case_id=self.s.case_id,
            into_household_id=self.s.household_id,
            merged_on=MONDAY,
            replaced=_replaced(self.names),
        )
        self.parted = changed(self.s, absorbed=(self.x.case_id,), changes=(CaseChange.SPLIT,))
        new = [self.town.id() for _ in ids(self.x)] if self.same else list(ids(self.x))
        again = list(zip(ids(self.s), new, strict=True)) if self.same else []
        fields = dict(self.s if self.same else self.x)
        fields |= {"case_id": self.town.id(), "household_id": self.town.id(), "changes": (CaseChange.SPLIT,)}
        fields |= {"split_from": self.s.case_id, "undoes": self.x.case_id if self.undoes else None}
        self.n = _renamed(CaseSplit(**fields), dict(again)).model_copy(update={"replaced": _replaced(again)})
        self.parted = changed(self.parted, split_off=(self.n.case_id,))
        both_homes = (self.home, self.other_home)
        self.shared_home = self.home.model_copy(
            update={
                "members": tuple(one for home in both_homes for one in home.members),
                "addresses": tuple(one for home in both_homes for one in home.addresses),
            }
        )
        renewed = dict(zip(ids(self.x), new, strict=True))
        self.new_home = HouseholdRecorded(
            household_id=self.n.household_id,
            version=1,
            members=tuple(each.model_copy(update={"person_id": renewed[each.person_id]}) for each in self.other_home.members),
            addresses=tuple(
                each.model_copy(
                    update={"address_id": renewed[each.address_id], "person_ids": tuple(renewed[one] for one in each.person_ids)}
                )
                for each in self.other_home.addresses
            ),
        )

    def keys(self, *, split: bool) -> list[list[Event]]:
        """Each key's events in their order."""
        homes: list[list[Event]] = [[self.shared_home], [self.other_home], [self.new_home]]
        if not split:
            return [[self.s, self.merged], [self.x, self.gone], *homes]
        return [[self.s, self.merged, self.parted], [self.x, self.gone], [self.n], *homes]

    def reports(self) -> list[list[FieldReport]]:
        """What is reported of each household, by the ids that each had when it was first heard of."""
        return [
            [
                AttemptReported(**self.town.by(case), address_id=ids(case)[1], attempted_on=MONDAY, window=window, result=result),
                ContactReported(**self.town.by(case), contact=ContactKind.TELEPHONE, contacted_on=MONDAY, reached=True),
                ConsentReported(
                    **self.town.by(case),
                    person_id=ids(case)[0],
                    purpose=ConsentPurpose.REFERRAL,
                    form=ConsentForm.WRITTEN,
                    given_on=MONDAY,
                ),
            ]
            for case, window, result in (
                (self.s, Window.MORNING, AttemptResult.NOT_MET),
                (self.x, Window.EVENING, AttemptResult.MET),
            )
        ]


def ids(case: CaseEvent) -> tuple[UUID, UUID, UUID]:
    (suit,) = case.proceedings
    (one,) = suit.defendants
    assert one.address_id is not None
    return one.person_id, one.address_id, suit.proceeding_id


def _replaced(names: list[tuple[UUID, UUID]]) -> tuple[Replaced, ...]:
    return tuple(Replaced(was=was, now=now) for was, now in names)


def _renamed(case: CaseSplit, names: dict[UUID, UUID]) -> CaseSplit:
    text = case.model_dump_json()
    for was, now in names.items():
        text = text.replace(str(was), str(now))
    return CaseSplit.model_validate_json(text).model_copy(update={"split_from": case.split_from})


def play(story: Story, order: list[Event]) -> Town:
    town = story.town
    for event in order:
        if isinstance(event, FieldReport):
            town.decide(event, "field-reports.nord-west")
        elif isinstance(event, CaseMerged | CaseErased):
            town.decide(event, "cases", str(event.case_id))
        else:
            town.decide(event)
        told_is_so(town)
        teams_know(town)
        nobody_twice(town)
    return town


def shape(file: CaseFile, same: bool) -> dict[str, Any]:
    """A file by what it means: without the ids that depend on what came first.

    Where both cases owe the `same`, an attempt that comes after its line was met concerns nothing any more, and a line met
    through the other case alone is owed anew after the split: in another round than if it had been met only then.
    """
    lines = {each.id: (each.person_id, each.address_id, each.proceeding_id) for each in file.owed}
    roots = file.roots()

    def of(ids: tuple[UUID, ...]) -> frozenset[object]:
        return frozenset() if same else frozenset(lines[roots[each]] for each in ids)

    standing = [each for each in file.owed if not each.void]
    return {
        "case": file.case,
        "owed": Counter(
            (lines[each.id], same or each.round, each.closing and each.closing.how, each.due_on) for each in standing
        ),
        "excused": set(file.excused),
        "visits": Counter(each.address_id for each in file.visits if not each.closed),
        "attempts": Counter((each.on, each.window, each.result, of(each.obligation_ids)) for each in file.attempts),
        "waivers": Counter((each.reason, of(each.obligation_ids)) for each in file.waivers),
        "contacts": Counter((each.kind, each.on) for each in file.contacts),
        "consents": Counter((each.person_id, each.purpose) for each in file.consents),
        "reports": Counter(each.type for each in file.reports),
        "came": {each.case_id for each in file.came},
        "gave": set(file.gave),
        "waiting": file.waiting,
        "names": file.names,
    }


def shapes(town: Town, same: bool) -> dict[UUID, dict[str, Any]]:
    return {case_id: shape(file, same) for case_id, file in town.state.files.items()}


def told_is_so(town: Town) -> None:
    """A reader of one key of `visits` knows what is open."""
    owed: dict[str, dict[UUID, ObligationClose | None]] = {}
    for said in town.said:
        event, here = said.data, owed.setdefault(said.key, {})
        if isinstance(event, VisitOwed):
            here |= {each.obligation_id: here.get(each.obligation_id) for each in event.obligations}
        elif isinstance(event, VisitsTakenOver):
            here |= {each.obligation_id: each.how for each in event.obligations}
        elif isinstance(event, VisitsGivenUp):
            for each in event.obligation_ids:
                del here[each]
        elif isinstance(event, ObligationClosed):
            here |= dict.fromkeys(event.obligation_ids, event.how)
        elif isinstance(event, ReportCorrected):
            here |= dict.fromkeys(event.reopened_obligation_ids)
    for case_id, file in town.state.files.items():
        assert owed.get(str(case_id), {}) == {each.id: each.closing and each.closing.how for each in file.owed}


def teams_know(town: Town) -> None:
    """Each team has exactly the open visits that left to it, under the key of the case that they are part of."""
    version: dict[UUID, int] = {}
    out: dict[UUID, str] = {}
    for said in town.said:
        event = said.data
        if not isinstance(event, Assignment | AssignmentWithdrawn):
            continue
        assert event.version > version.get(event.visit_id, 0)
        version[event.visit_id] = event.version
        assert (out.get(event.visit_id) == said.key) is not isinstance(event, AssignmentCreated)
        if isinstance(event, AssignmentWithdrawn):
            del out[event.visit_id]
        else:
            out[event.visit_id] = said.key
    assert out == {
        visit.id: str(case_id)
        for case_id, file in town.state.files.items()
        for visit in file.visits
        if visit.sent_to and not visit.closed
    }


def nobody_twice(town: Town) -> None:
    seats = Counter()  # type: Counter[object]
    for file in town.state.files.values():
        lines = Counter((each.person_id, each.address_id, each.proceeding_id) for each in file.open_owed)
        assert not lines or max(lines.values()) == 1
        for owed in file.open_owed:
            (visit,) = [each for each in file.visits if not each.closed and owed.id in each.obligation_ids]
            assert visit.address_id == owed.address_id
            assert visit.on or visit.alarms
        seats.update((each.caseworker, each.on, each.window, each.seat) for each in file.visits if each.on)
    assert not seats or max(seats.values()) == 1


def orders(keys: list[list[Event]], reports: list[list[FieldReport]]) -> st.SearchStrategy[list[Event]]:
    """Any order that keeps each key's own, and has a case heard of before anything is reported of it."""
    lines: list[list[Event]] = [*keys, *[list[Event](each) for each in reports]]

    @st.composite
    def order(draw: st.DrawFn) -> list[Event]:
        left = [list(line) for line in lines]
        heard: list[Event] = []
        while any(left):
            known = {each.case_id for each in heard if isinstance(each, CaseEvent)}
            free = [line for line in left if line and not (isinstance(line[0], FieldReport) and line[0].case_id not in known)]
            heard.append(draw(st.sampled_from(free)).pop(0))
        return heard

    return order()
