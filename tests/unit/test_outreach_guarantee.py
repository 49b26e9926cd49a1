"""The conservation law: whatever happens in whatever order, every defendant of every suit is covered or excused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from services.outreach.casefile import CaseFile, Visit
from shared.calendar import next_working_day
from shared.contracts.codes import AttemptResult, ObligationClose, WaiverReason, Window
from shared.contracts.topics.assignments import Assignment, AssignmentCreated, AssignmentWithdrawn
from shared.contracts.topics.cases import CaseErased, CaseEvent
from shared.contracts.topics.field_reports import FieldReport, HandedBack, ReportCorrection, SlotReported
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.visits import ObligationClosed, VisitOwed
from shared.messaging.model import Rejected
from tests.unit.outreach_room import Town, changed, heard_on, judged, with_eviction, with_proceeding

RESULTS = st.sampled_from(AttemptResult)
WINDOWS = st.sampled_from(Window)
DAYS = st.integers(min_value=0, max_value=40)
WAIVERS = st.sampled_from([WaiverReason.UNSAFE, WaiverReason.DECEASED, WaiverReason.MOVED_OUT_CONFIRMED])


class TheGuarantee(RuleBasedStateMachine):
    """Cases, households and reports in any order."""

    cases = Bundle("cases")

    def __init__(self) -> None:
        super().__init__()
        self.town = Town()
        self.newest: dict[UUID, CaseEvent] = {}
        self.households: dict[UUID, HouseholdRecorded] = {}

    @initialize(target=cases, persons=st.integers(1, 3))
    def the_first_suit(self, persons: int) -> UUID:
        return self._suit(persons, 2, "NORD", in_city=True, first=True)

    @initialize(target=cases)
    def the_second_suit(self) -> UUID:
        return self._suit(1, 1, "WEST", in_city=True, first=False)

    @rule(
        target=cases,
        persons=st.integers(1, 3),
        addresses=st.integers(1, 2),
        in_city=st.booleans(),
        district=st.sampled_from(["NORD", "WEST", "MITTE", "UNKNOWN"]),
        first=st.booleans(),
    )
    def a_suit(self, persons: int, addresses: int, district: str, in_city: bool, first: bool) -> UUID:
        return self._suit(persons, addresses, district, in_city=in_city, first=first)

    @rule(case=cases)
    def its_household_is_known(self, case: UUID) -> None:
        self.town.hear(self.households[case])

    @rule(case=cases, days=DAYS)
    def an_eviction_date(self, case: UUID, days: int) -> None:
        self._change(case, lambda it: with_eviction(it, self.town.today + timedelta(days=days), self.town.today))

    @rule(case=cases, days=DAYS)
    def a_hearing(self, case: UUID, days: int) -> None:
        self._change(case, lambda it: heard_on(it, self.town.today + timedelta(days=days), self.town.today))

    @rule(case=cases)
    def a_title(self, case: UUID) -> None:
        self._change(case, lambda it: judged(it, self.town.today))

    @rule(case=cases)
    def a_second_suit(self, case: UUID) -> None:
        def again(it: CaseEvent) -> CaseEvent:
            other = it.proceedings[0].model_copy(update={"proceeding_id": self.town.id(), "outcome": None})
            return changed(it, proceedings=(*it.proceedings[:2], other), changed_on=self.town.today)

        self._change(case, again)

    @rule(case=cases)
    def somebody_moves(self, case: UUID) -> None:
        def moved(it: CaseEvent) -> CaseEvent:
            one, *others = it.proceedings[0].defendants
            there = one.model_copy(update={"address_id": self.town.id()})
            return with_proceeding(it, self.town.today, defendants=(there, *others))

        self._change(case, moved)

    @rule(case=cases)
    def the_first_suit_is_revoked(self, case: UUID) -> None:
        if len(self.newest[case].proceedings) > 1:
            self._change(case, lambda it: changed(it, proceedings=it.proceedings[1:], changed_on=self.town.today))

    @rule(case=cases, result=RESULTS, informed=st.booleans(), window=st.none() | WINDOWS)
    def an_attempt(self, case: UUID, result: AttemptResult, informed: bool, window: Window | None) -> None:
        it = self.newest[case]
        if it.case_id in self.town.state.files:
            report = self.town.attempt(it, result, window=window, information_handed_over=informed)
            self.town.hear(report)

    @rule(case=cases, reason=WAIVERS)
    def a_waiver(self, case: UUID, reason: WaiverReason) -> None:
        file = self.town.state.files.get(self.newest[case].case_id)
        if file and file.open_owed:
            self.town.hear(self.town.waive(self.newest[case], (file.open_owed[0].id,), reason))

    @rule(case=cases, which=st.integers(0, 5))
    def a_correction(self, case: UUID, which: int) -> None:
        file = self.town.state.files.get(self.newest[case].case_id)
        if file and which < len(file.reports):
            self._try(ReportCorrection(**self.town.by(self.newest[case]), corrects=file.reports[which].id))

    @rule(case=cases, days=st.integers(0, 10), window=WINDOWS)
    def a_slot_is_moved(self, case: UUID, days: int, window: Window) -> None:
        for visit in self._open(case):
            day = next_working_day(self.town.today + timedelta(days=days))
            by = self.town.by(self.newest[case], visit.caseworker or "fk-06")
            self._try(SlotReported(**by, visit_id=visit.id, planned_on=day, window=window))

    @rule(case=cases)
    def a_visit_is_handed_back(self, case: UUID) -> None:
        for visit in self._open(case):
            if visit.caseworker:
                self.town.hear(HandedBack(**self.town.by(self.newest[case], visit.caseworker), visit_id=visit.id))

    @rule(case=cases)
    def somebody_tries_to_close(self, case: UUID) -> None:
        file = self.town.state.files.get(self.newest[case].case_id)
        if file is None:
            return
        try:
            self.town.hear(self.town.outcome(self.newest[case]))
        except Rejected:
            assert file.open_owed
        else:
            assert not file.open_owed

    @rule(case=cases)
    def it_is_erased(self, case: UUID) -> None:
        it = self.newest[case]
        self.town.hear(CaseErased(case_id=it.case_id, household_id=it.household_id), "cases", str(it.case_id))

    @rule(days=st.integers(1, 4))
    def days_pass(self, days: int) -> None:
        self.town.on(self.town.today + timedelta(days=days))

    @invariant()
    def every_defendant_is_covered_or_excused(self) -> None:
        for file in self._files():
            for suit in file.case.proceedings:
                for one in suit.defendants:
                    covered = [
                        owed
                        for owed in file.owed
                        if (owed.closing is None or owed.closing.how is not ObligationClose.VOID)
                        and (owed.person_id, owed.address_id, owed.proceeding_id)
                        == (one.person_id, one.address_id, suit.proceeding_id)
                    ]
                    excused = [
                        each
                        for each in file.excused
                        if (each.person_id, each.proceeding_id) == (one.person_id, suit.proceeding_id)
                    ]
                    assert bool(covered) != bool(excused)

    @invariant()
    def nobody_is_owed_two_visits_at_once_for_the_same(self) -> None:
        for file in self._files():
            kinds = Counter((each.person_id, each.address_id, each.proceeding_id) for each in file.open_owed)
            assert not kinds or max(kinds.values()) == 1
            rounds = Counter((each.person_id, each.address_id, each.proceeding_id, each.round) for each in file.owed)
            assert not rounds or max(rounds.values()) == 1

    @invariant()
    def every_open_obligation_is_in_exactly_one_visit_with_a_slot_or_an_alarm(self) -> None:
        for file in self._files():
            for owed in file.open_owed:
                (visit,) = [each for each in file.visits if not each.closed and owed.id in each.obligation_ids]
                assert visit.address_id == owed.address_id
                assert (visit.caseworker and visit.on and visit.window) or visit.alarms

    @invariant()
    def nobody_is_booked_twice(self) -> None:
        seats = Counter(
            (visit.caseworker, visit.on, visit.window, visit.seat)
            for file in self._files()
            for visit in file.visits
            if visit.on is not None
        )
        assert not seats or max(seats.values()) == 1

    @invariant()
    def what_was_told_is_what_is_so(self) -> None:
        """A reader of `visits` knows every obligation, and of `assignments` exactly the open visits that have left."""
        told = {each.obligation_id for event in self.town.events(VisitOwed) for each in event.obligations}  # type: ignore[attr-defined]  # VisitOwed
        closed = {each for event in self.town.events(ObligationClosed) for each in event.obligation_ids}  # type: ignore[attr-defined]  # ObligationClosed
        for file in self._files():
            assert {each.id for each in file.owed} <= told
            assert {each.id for each in file.owed if not each.open} <= closed
        versions: dict[object, int] = {}
        with_team: set[object] = set()
        for said in self.town.said:
            event = said.data
            if isinstance(event, Assignment | AssignmentWithdrawn):
                assert event.version > versions.get(event.visit_id, 0)
                versions[event.visit_id] = event.version
                there = event.visit_id in with_team
                assert there != isinstance(event, AssignmentCreated)
                (with_team.discard if isinstance(event, AssignmentWithdrawn) else with_team.add)(event.visit_id)
        out = {visit.id for file in self._files() for visit in file.visits if visit.sent_to and not visit.closed}
        assert out == with_team

    @invariant()
    def an_assignment_waits_for_nothing_but_the_household(self) -> None:
        for file in self._files():
            register = self.town.state.registers.get(file.case.household_id)
            moved = {each.address_id for each in (register.addresses if register else ())}
            for visit in file.visits:
                if not visit.closed and register and visit.address_id in moved:
                    assert not visit.pending

    def _suit(self, persons: int, addresses: int, district: str, *, in_city: bool, first: bool) -> UUID:
        case, household = self.town.suit(persons, district, self.town.today, min(addresses, persons))
        if not in_city:
            one, *others = case.proceedings[0].defendants
            case = with_proceeding(case, self.town.today, defendants=(one.model_copy(update={"in_city": False}), *others))
        if first:
            self.town.hear(household)
        self.households[case.case_id] = household
        self._tell(case)
        return case.case_id

    def _files(self) -> list[CaseFile]:
        return list(self.town.state.files.values())

    def _open(self, case: UUID) -> list[Visit]:
        file = self.town.state.files.get(case)
        return [visit for visit in file.visits if not visit.closed] if file else []

    def _change(self, case: UUID, change: Callable[[CaseEvent], CaseEvent]) -> None:
        if self.newest[case].case_id in self.town.state.files:
            self._tell(change(self.newest[case]))

    def _tell(self, case: CaseEvent) -> None:
        self.newest[case.case_id] = case
        self.town.hear(case)

    def _try(self, report: FieldReport) -> None:
        with suppress(Rejected):
            self.town.hear(report)


TestTheGuarantee = TheGuarantee.TestCase
TestTheGuarantee.settings = settings(max_examples=100, stateful_step_count=30)
