"""Merged and split cases: whichever key is read first, and whatever is reported meanwhile, the files come out the same."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.outreach.casefile import CaseFile
from shared.contracts.codes import (
    AttemptResult,
    Basis,
    CaseChange,
    CaseStatus,
    ConsentForm,
    ConsentPurpose,
    ContactKind,
    Evidence,
    LegalFact,
    NeedGroup,
    ObligationClose,
    Outcome,
    ReferralState,
    Stage,
    WaiverReason,
    Window,
    WithdrawReason,
)
from shared.contracts.fields import Event
from shared.contracts.topics.assessments import AssessmentTakenOver
from shared.contracts.topics.assignments import Assignment, AssignmentCreated, AssignmentWithdrawn
from shared.contracts.topics.cases import (
    CaseErased,
    CaseEvent,
    CaseMerged,
    CaseReopened,
    CaseSplit,
    DeadlineFact,
    DefendantFact,
    ProceedingFact,
    Replaced,
)
from shared.contracts.topics.field_reports import (
    AttemptReported,
    ConsentReported,
    ContactReported,
    FieldReport,
    LegalFactReported,
    ReportCorrection,
    SlotReported,
    Talk,
)
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.referrals import ReferralChanged, ReferralsGivenUp
from shared.contracts.topics.visits import (
    LegalFactSeen,
    ObligationClosed,
    ReportCorrected,
    VisitOwed,
    VisitsGivenUp,
    VisitsTakenOver,
)
from shared.messaging.model import Rejected
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
        self.names = list(zip(_ids(self.x), _ids(self.s), strict=True)) if self.same else []
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
        new = [self.town.id() for _ in _ids(self.x)] if self.same else list(_ids(self.x))
        again = list(zip(_ids(self.s), new, strict=True)) if self.same else []
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
        ids = dict(zip(_ids(self.x), new, strict=True))
        self.new_home = HouseholdRecorded(
            household_id=self.n.household_id,
            version=1,
            members=tuple(each.model_copy(update={"person_id": ids[each.person_id]}) for each in self.other_home.members),
            addresses=tuple(
                each.model_copy(
                    update={"address_id": ids[each.address_id], "person_ids": tuple(ids[one] for one in each.person_ids)}
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
                AttemptReported(
                    **self.town.by(case), address_id=_ids(case)[1], attempted_on=MONDAY, window=window, result=result
                ),
                ContactReported(**self.town.by(case), contact=ContactKind.TELEPHONE, contacted_on=MONDAY, reached=True),
                ConsentReported(
                    **self.town.by(case),
                    person_id=_ids(case)[0],
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


def _ids(case: CaseEvent) -> tuple[UUID, UUID, UUID]:
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
        elif isinstance(event, CaseMerged):
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


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("same", [False, True])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_interleaving_of_the_keys_and_reports_comes_to_the_same(same: bool, split: bool, data: st.DataObject) -> None:
    plain = Story(same)
    expected = shapes(play(plain, [plain.s, plain.x, *_rest(plain, split)]), same)
    story = Story(same)
    found = shapes(play(story, data.draw(orders(story.keys(split=split), story.reports()))), same)
    assert found == expected


def _rest(story: Story, split: bool) -> list[Event]:
    """In the order in which it happened, all reported before the merge."""
    new: list[Event] = [story.n, story.parted] if split else []
    reports = [each for line in story.reports() for each in line]
    return [story.shared_home, story.other_home, story.new_home, *reports, story.gone, story.merged, *new]


@pytest.mark.parametrize("same", [False, True])
def test_a_merge_undone_gives_back_what_each_had(same: bool) -> None:
    story = Story(same)
    before = play(story, [story.s, story.x, *(each for line in story.reports() for each in line)])
    had = {
        case_id: Counter(each.closing and each.closing.how for each in file.owed) for case_id, file in before.state.files.items()
    }
    play(story, [story.gone, story.merged, story.parted, story.n])
    s, n = before.file(story.s), before.file(story.n)
    assert Counter(each.closing and each.closing.how for each in n.owed) == had[story.x.case_id]
    standing = [each for each in s.owed if not each.void]
    assert Counter(each.closing and each.closing.how for each in standing) == had[story.s.case_id]
    assert [each.result for each in s.attempts] == [AttemptResult.NOT_MET]
    assert [each.result for each in n.attempts] == [AttemptResult.MET]
    assert before.state.aliases == {story.x.case_id: story.n.case_id}


def test_what_was_met_in_one_case_is_not_owed_in_the_other() -> None:
    story = Story(same=True)
    town = play(story, [story.s, story.x, story.reports()[1][0]])
    assert town.file(story.s).open_owed
    play(story, [story.merged, story.gone])
    assert not town.file(story.s).open_owed
    (taken,) = town.events(VisitsTakenOver)
    assert isinstance(taken, VisitsTakenOver)
    assert [(each.how, each.closed_reason) for each in taken.obligations] == [
        (ObligationClose.VOID, WaiverReason.COVERED_ELSEWHERE)
    ]
    assert [each.result for each in taken.attempts] == [AttemptResult.MET]


def test_the_visit_keeps_its_id_and_its_chosen_slot_under_the_other_key() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.shared_home, story.other_home])
    visit = town.visit(story.x)
    who = visit.caseworker or ""
    day = MONDAY + timedelta(days=2)
    play(story, [SlotReported(**town.by(story.x, who), visit_id=visit.id, planned_on=day, window=Window.EVENING)])
    town.said.clear()
    for event in (story.gone, story.merged):
        town.hear(event, "cases", str(event.case_id))
    moved = town.file(story.s).visit(visit.id)
    assert moved is not None
    assert (moved.caseworker, moved.on, moved.window) == (who, day, Window.EVENING)
    left, came = [each for each in town.said if getattr(each.data, "visit_id", None) == visit.id and "assignments" in each.topic]
    assert isinstance(left.data, AssignmentWithdrawn)
    assert (left.key, left.data.reason) == (str(story.x.case_id), WithdrawReason.CASE_MOVED)
    assert isinstance(came.data, AssignmentCreated)
    assert came.key == str(story.s.case_id)
    assert came.data.version == left.data.version + 1


def test_reports_by_the_old_id_count_for_the_case_it_is_part_of_now() -> None:
    story = Story(same=True)
    town = play(story, [story.s, story.x])
    met = story.reports()[1][0]
    heard = town._heard(met, "field-reports.nord-west", None)
    town.said += town.room.decide(town.state, heard).said
    play(story, [story.gone, story.merged])
    seen = LegalFactReported(
        **town.by(story.x), fact=LegalFact.SERVED, on=MONDAY, evidence=Evidence.DOCUMENT, person_id=_ids(story.x)[0]
    )
    play(story, [seen])
    (fact,) = town.events(LegalFactSeen)
    assert isinstance(fact, LegalFactSeen)
    assert (fact.case_id, fact.person_id) == (story.s.case_id, _ids(story.s)[0])
    play(story, [ReportCorrection(**town.by(story.x), corrects=heard.id)])
    assert len(town.file(story.s).open_owed) == 1


def test_a_report_by_the_old_case_finds_what_a_split_took_along() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.gone, story.merged])
    visit = next(each for each in town.file(story.s).visits if each.address_id == _ids(story.x)[1])
    play(story, [story.n, story.parted])
    by = {**town.by(story.s), "attempted_on": MONDAY, "window": Window.MORNING, "result": AttemptResult.MET}
    play(story, [AttemptReported(**by, visit_id=visit.id)])
    assert not town.file(story.n).open_owed
    assert town.file(story.s).open_owed


def test_a_split_without_a_merge_takes_the_suit_and_what_was_tried_for_it() -> None:
    story = Story(same=False, undoes=False)
    both = changed(story.merged, absorbed=())
    by = {**story.town.by(story.s), "attempted_on": MONDAY, "window": Window.MORNING}
    town = play(story, [both, AttemptReported(**by, address_id=_ids(story.x)[1], result=AttemptResult.MET)])
    play(story, [changed(story.parted, absorbed=()), story.n])
    s, n = town.file(story.s), town.file(story.n)
    assert [each.proceeding_id for each in s.owed] == [_ids(story.s)[2]]
    assert [(each.proceeding_id, each.closing and each.closing.how) for each in n.owed] == [
        (_ids(story.x)[2], ObligationClose.MET)
    ]
    (given_up,) = town.events(VisitsGivenUp)
    assert isinstance(given_up, VisitsGivenUp)
    assert len(given_up.report_ids) == 1
    assert not s.attempts


def test_an_attempt_for_both_suits_is_known_to_both_cases() -> None:
    story = Story(same=False, undoes=False)
    suits = (*story.s.proceedings, *story.x.proceedings)
    town = play(story, [changed(story.s, proceedings=suits)])
    by = {**town.by(story.s), "attempted_on": MONDAY, "window": Window.MORNING, "result": AttemptResult.MET}
    play(story, [AttemptReported(**by)])
    play(story, [story.n, changed(story.parted, absorbed=())])
    for case in (story.s, story.n):
        assert len(town.file(case).attempts) == 1
        assert not town.file(case).open_owed
    report = town.file(story.s).attempts[0].report_id
    play(story, [ReportCorrection(**town.by(story.s), corrects=report)])
    for case in (story.s, story.n):
        assert not town.file(case).attempts
        assert len(town.file(case).open_owed) == 1


def test_a_chain_of_merges_is_followed_to_its_end_in_any_order() -> None:
    story = Story(same=False)
    first, _ = story.town.suit()
    first_gone = story.gone.model_copy(
        update={"case_id": first.case_id, "into_case_id": story.x.case_id, "into_household_id": story.x.household_id}
    )
    suits = (*story.x.proceedings, *first.proceedings)
    x_with = changed(story.x, proceedings=suits, absorbed=(first.case_id,))
    gone = story.gone.model_copy(update={"absorbed": (first.case_id,)})
    whole = changed(
        story.merged, proceedings=(*story.s.proceedings, *suits), absorbed=(story.x.case_id, first.case_id), changed_on=MONDAY
    )
    town = play(story, [whole, story.x, x_with, gone])
    assert set(town.state.files) == {story.s.case_id, story.x.case_id}
    play(story, [first, first_gone])
    assert set(town.state.files) == {story.s.case_id}
    assert town.state.aliases == {story.x.case_id: story.s.case_id, first.case_id: story.s.case_id}
    assert len(town.file(story.s).open_owed) == 3


def test_an_assessment_newer_than_the_cases_own_is_told_on_its_key() -> None:
    story = Story(same=False)
    talk = {"contact": ContactKind.OFFICE, "reached": True, "talk": Talk()}
    town = play(story, [story.s, story.x])
    town.on(MONDAY + timedelta(days=1))
    older = ContactReported(**town.by(story.s), **talk, contacted_on=MONDAY)
    newer = ContactReported(**town.by(story.x), **talk, contacted_on=MONDAY + timedelta(days=1))
    play(story, [newer, older, story.gone, story.merged])
    (told,) = town.events(AssessmentTakenOver)
    assert isinstance(told, AssessmentTakenOver)
    assert (told.case_id, told.assessed_on) == (story.s.case_id, MONDAY + timedelta(days=1))
    assert town.file(story.s).talks[-1].on == told.assessed_on


def test_how_the_absorbed_case_ended_closes_nothing_and_comes_back_with_it() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.reports()[1][0], story.town.outcome(story.x)])
    play(story, [story.merged, story.gone])
    assert town.file(story.s).outcome is None
    play(story, [story.n, story.parted])
    assert isinstance(town.file(story.n).outcome, OutcomeRecorded)


def test_a_closed_case_with_an_open_one_is_reopened_by_intakes_word() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.reports()[0][0].model_copy(update={"result": AttemptResult.MET})])
    play(story, [town.outcome(story.s, Outcome.TENANCY_KEPT_INSTALMENTS), changed(story.s, status=CaseStatus.CLOSED)])
    reopened = CaseReopened(**dict(story.merged))
    play(story, [story.x, reopened, story.gone])
    assert town.file(story.s).outcome is None
    assert len(town.file(story.s).open_owed) == 1


def test_a_case_closed_here_that_intake_knew_open_is_open_with_the_duties_of_the_one_it_absorbed() -> None:
    story = Story(same=False)
    met = story.reports()[0][0].model_copy(update={"result": AttemptResult.MET})
    town = play(story, [story.s, story.x, met, story.town.outcome(story.s)])
    (ended,) = town.events(OutcomeRecorded)
    assert isinstance(ended, OutcomeRecorded)
    assert not ended.absorbed
    play(story, [story.merged, story.gone])
    assert town.file(story.s).outcome is None
    assert [each.proceeding_id for each in town.file(story.s).open_owed] == [_ids(story.x)[2]]
    with pytest.raises(Rejected, match="open_obligation"):
        town.decide(story.town.outcome(story.s))


def test_an_outcome_names_the_cases_it_ends_and_outlasts_a_state_that_does_not_know_it_yet() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.merged, story.gone])
    met = [line[0].model_copy(update={"result": AttemptResult.MET}) for line in story.reports()]
    play(story, [*met, story.town.outcome(story.s), changed(story.merged, changed_on=MONDAY + timedelta(days=1))])
    (ended,) = town.events(OutcomeRecorded)
    assert isinstance(ended, OutcomeRecorded)
    assert ended.absorbed == (story.x.case_id,)
    assert town.file(story.s).outcome == ended


def test_the_absorbed_households_tombstone_takes_nothing_from_a_case_on_its_way() -> None:
    story = Story(same=False)
    town = play(story, [story.x, story.other_home, story.gone])
    town.hear(None, "households", str(story.x.household_id))
    assert not town.events(AssignmentWithdrawn)
    play(story, [story.s, story.shared_home, story.merged])
    assert {each.reason for each in town.events(AssignmentWithdrawn)} == {WithdrawReason.CASE_MOVED}  # type: ignore[attr-defined]  # AssignmentWithdrawn
    assert len([each for each in town.file(story.s).visits if each.sent_to]) == 2


def test_erasing_an_alias_forgets_it_and_erasing_the_case_takes_all() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.gone, story.merged])
    for case in (story.x, story.s):
        town.hear(CaseErased(case_id=case.case_id, household_id=case.household_id), "cases", str(case.case_id))
    assert not town.state.files
    assert not town.state.aliases
    assert town.state.erased_files == {story.x.case_id, story.s.case_id}
    with pytest.raises(Rejected, match="unknown_case"):
        town.decide(story.reports()[1][0], "field-reports.nord-west")


def test_a_new_case_gets_its_part_though_the_old_one_is_erased_before_it_told_of_the_split() -> None:
    story = Story(same=False, undoes=False)
    by = {**story.town.by(story.s), "attempted_on": MONDAY, "window": Window.MORNING, "result": AttemptResult.MET}
    met = AttemptReported(**by, address_id=_ids(story.x)[1])
    town = play(story, [changed(story.merged, absorbed=()), met, story.n])
    assert not town.file(story.n).owed
    town.hear(CaseErased(case_id=story.s.case_id, household_id=story.s.household_id), "cases", str(story.s.case_id))
    (owed,) = town.file(story.n).owed
    assert owed.proceeding_id == _ids(story.x)[2]
    assert not owed.open


def test_referrals_that_another_case_took_over_are_shown_with_it() -> None:
    story = Story(same=False, undoes=False)
    town = play(story, [changed(story.merged, absorbed=())])
    referral, given_up = town.id(), {"case_id": story.s.case_id, "to_case_id": story.n.case_id}
    state = {"group": NeedGroup.MONEY, "state": ReferralState.ESCALATED, "try_number": 1, "changed_on": MONDAY}
    town.hear(ReferralChanged(case_id=story.s.case_id, referral_id=referral, **state), "referrals")
    town.hear(ReferralsGivenUp(**given_up, referral_ids=(referral,)), "referrals")
    assert [each.id for each in town.file(story.s).referrals] == [referral]
    play(story, [changed(story.parted, absorbed=()), story.n])
    town.hear(ReferralsGivenUp(**given_up, referral_ids=(referral,)), "referrals")
    assert not town.file(story.s).referrals
    assert [each.id for each in town.file(story.n).referrals] == [referral]


def test_a_new_case_erased_before_the_old_one_told_of_the_split_takes_its_part_with_it() -> None:
    story = Story(same=False, undoes=False)
    town = play(story, [changed(story.merged, absorbed=()), story.n, story.shared_home])
    assert len(town.file(story.s).open_owed) == 2
    town.hear(CaseErased(case_id=story.n.case_id, household_id=story.n.household_id), "cases", str(story.n.case_id))
    assert [each.proceeding_id for each in town.file(story.s).owed] == [_ids(story.s)[2]]
    teams_know(town)
    nobody_twice(town)
    play(story, [changed(story.parted, absorbed=())])
    assert not town.file(story.s).waiting


def test_an_event_behind_the_merge_is_not_swallowed() -> None:
    story = Story(same=False)
    town = play(story, [story.s, story.x, story.gone, story.merged])
    with suppress(ValueError):
        town.decide(story.x)
        pytest.fail("read as if the case were still there")


def test_a_state_is_acted_upon_only_with_the_moves_it_tells_of() -> None:
    story = Story(same=True)
    eviction = changed(story.merged, stage=Stage.EVICTION_DATE_SET, deadlines=(_security(story),))
    town = play(story, [story.s, story.x, eviction])
    assert town.file(story.s).case == _plain(story.s)
    play(story, [story.gone])
    assert town.file(story.s).case == _plain(eviction)


def _security(story: Story) -> DeadlineFact:
    del story
    return DeadlineFact(rule="SECURITY_ORDER", on=MONDAY + timedelta(days=3), basis=Basis.EXACT, rule_version="v1")


def _plain(case: CaseEvent) -> CaseEvent:
    return CaseEvent(**dict(case))


def test_persons_of_one_household_that_are_the_same_are_owed_one_visit() -> None:
    town = Town()
    case, _ = town.suit(persons=2)
    suit = case.proceedings[0]
    one, two = suit.defendants
    town.hear(case)
    assert len(town.file(case).open_owed) == 2
    only = ProceedingFact(**{**dict(suit), "defendants": (DefendantFact(**dict(one)),)})
    same = Replaced(was=two.person_id, now=one.person_id)
    town.hear(changed(case, proceedings=(only,), tenant_ids=(one.person_id,), replaced=(same,)))
    assert len(town.file(case).open_owed) == 1
    told_is_so(town)
