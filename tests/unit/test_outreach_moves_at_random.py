"""Random merges and splits of many cases, each key heard at its own pace, with reports by any id in between."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.contracts.codes import AttemptResult, CaseChange, Window
from shared.contracts.fields import Event
from shared.contracts.topics.cases import CaseEvent, CaseMerged, CaseSplit, CaseUpdated, ProceedingFact, Replaced
from shared.contracts.topics.field_reports import AttemptReported, ReportCorrection
from shared.messaging.model import Rejected
from tests.unit.outreach_room import MONDAY, Town, changed, with_eviction
from tests.unit.outreach_story import nobody_twice, teams_know, told_is_so

PICK = st.integers(0, 50)


class Moves(RuleBasedStateMachine):
    """Intake decides; each key's events wait in their own queue until outreach reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.town = Town()
        self.live: dict[UUID, CaseEvent] = {}
        self.queues: dict[UUID, deque[Event]] = {}
        self.brought: dict[UUID, tuple[UUID, tuple[UUID, ...]]] = {}
        self.owed_anew: set[UUID] = set()
        self.met: set[tuple[UUID, UUID]] = set()
        self.keys: list[UUID] = []

    @initialize()
    def two_cases(self) -> None:
        self.a_case()
        self.a_case()

    @rule()
    @precondition(lambda self: len(self.keys) < 12)
    def a_case(self) -> None:
        case, home = self.town.suit()
        self.town.hear(home)
        self.keys.append(case.case_id)
        self._say(case)

    @rule(one=PICK, other=PICK)
    def other_people_after_all_in_one_household(self, one: int, other: int) -> None:
        gone, into = self._pick(one), self._pick(other)
        if gone is not into:
            self._merge(gone, into, gone.proceedings, ())

    @rule(one=PICK, other=PICK)
    def the_same_suit_twice(self, one: int, other: int) -> None:
        gone, into = self._pick(one), self._pick(other)
        if gone is into or len(gone.proceedings) != 1 or not into.proceedings:
            return
        was, now = gone.proceedings[0], into.proceedings[0]
        self.owed_anew |= {now.proceeding_id, was.proceeding_id}
        self._merge(gone, into, (), tuple(zip(_ids(was), _ids(now), strict=True)))

    @rule(one=PICK)
    def a_merge_was_wrong(self, one: int) -> None:
        wrong = [(each, into, suits) for each, (into, suits) in self.brought.items() if into in self.live]
        if not wrong:
            return
        undoes, into, suits = wrong[one % len(wrong)]
        case = self.live[into]
        part = tuple(each for each in case.proceedings if each.proceeding_id in suits)
        del self.brought[undoes]
        if part and len(part) < len(case.proceedings):
            self._split(case, part, undoes)

    @rule(one=PICK)
    def one_suit_is_another_households(self, one: int) -> None:
        case = self._pick(one)
        if len(case.proceedings) > 1:
            self._split(case, case.proceedings[-1:], None)

    @rule(one=PICK, days=st.integers(1, 30))
    def a_bailiffs_date(self, one: int, days: int) -> None:
        case = self._pick(one)
        if case.eviction is None:
            self.met = {each for each in self.met if each[1] not in {suit.proceeding_id for suit in case.proceedings}}
            self.owed_anew |= {suit.proceeding_id for suit in case.proceedings}
            self._say(with_eviction(case, MONDAY + timedelta(days=days), MONDAY))

    @rule(one=PICK, result=st.sampled_from([AttemptResult.MET, AttemptResult.NOT_MET]), window=st.sampled_from(Window))
    def an_attempt(self, one: int, result: AttemptResult, window: Window) -> None:
        """By a visit, under any id that its case ever had."""
        visits = [(file, visit) for file in self.town.state.files.values() for visit in file.visits]
        if not visits:
            return
        file, visit = visits[one % len(visits)]
        aliases = [each for each, into in self.town.state.aliases.items() if into == file.case.case_id]
        named = [file.case.case_id, *aliases][one % (1 + len(aliases))]
        by = {**self.town.by(file.case), "case_id": named}
        report = AttemptReported(**by, visit_id=visit.id, attempted_on=MONDAY, window=window, result=result)
        self.town.decide(report, "field-reports." + visit.team)
        if result is AttemptResult.MET:
            self.met |= {
                (each.person_id, each.proceeding_id)
                for each in file.owed
                if each.id in visit.obligation_ids and each.proceeding_id and not each.void
            }

    @rule(one=PICK, which=PICK)
    def a_correction(self, one: int, which: int) -> None:
        files = [file for file in self.town.state.files.values() if file.reports]
        if files:
            file = files[one % len(files)]
            wrong = file.reports[which % len(file.reports)]
            self.met.clear()
            with suppress(Rejected):
                self.town.decide(
                    ReportCorrection(**self.town.by(file.case), corrects=wrong.id), wrong.sender.removeprefix("urn:bleibe:")
                )

    @rule(one=PICK)
    def a_key_is_read_on(self, one: int) -> None:
        waiting = [queue for queue in self.queues.values() if queue]
        if waiting:
            self._read(waiting[one % len(waiting)])

    @rule()
    def all_keys_are_read(self) -> None:
        while any(self.queues.values()):
            for queue in reversed(list(self.queues.values())):
                if queue:
                    self._read(queue)
        assert set(self.town.state.files) == set(self.live)
        for case_id, file in self.town.state.files.items():
            assert not file.waiting
            assert file.case == CaseEvent(**{name: getattr(self.live[case_id], name) for name in CaseEvent.model_fields})
            wanted = {
                (one.person_id, one.address_id, suit.proceeding_id) for suit in file.case.proceedings for one in suit.defendants
            }
            assert {(each.person_id, each.address_id, each.proceeding_id) for each in file.open_owed} <= wanted
            assert wanted <= {(each.person_id, each.address_id, each.proceeding_id) for each in file.owed if not each.void}
            again = {(each.person_id, each.proceeding_id) for each in file.open_owed if each.proceeding_id not in self.owed_anew}
            assert not again & self.met

    @invariant()
    def everybody_knows_what_is_so_and_nobody_is_owed_twice(self) -> None:
        told_is_so(self.town)
        teams_know(self.town)
        nobody_twice(self.town)

    def teardown(self) -> None:
        if self.live:
            self.all_keys_are_read()

    def _pick(self, one: int) -> CaseEvent:
        return list(self.live.values())[one % len(self.live)]

    def _say(self, case: CaseEvent) -> None:
        self.live[case.case_id] = CaseUpdated(**{name: getattr(case, name) for name in CaseEvent.model_fields})
        self.queues.setdefault(case.case_id, deque()).append(case)

    def _read(self, queue: deque[Event]) -> None:
        event = queue.popleft()
        assert isinstance(event, CaseEvent | CaseMerged)
        self.town.decide(event, "cases", str(event.case_id))

    def _merge(
        self, gone: CaseEvent, into: CaseEvent, more: tuple[ProceedingFact, ...], names: tuple[tuple[UUID, UUID], ...]
    ) -> None:
        if gone.eviction or into.eviction:  # a date for all is a new round for who was met without one
            self.owed_anew |= {suit.proceeding_id for suit in (*gone.proceedings, *into.proceedings)}
        replaced = tuple(Replaced(was=was, now=now) for was, now in names)
        del self.live[gone.case_id]
        self.queues[gone.case_id].append(
            CaseMerged(
                case_id=gone.case_id,
                household_id=gone.household_id,
                into_case_id=into.case_id,
                into_household_id=into.household_id,
                merged_on=MONDAY,
                absorbed=gone.absorbed,
                replaced=replaced,
            )
        )
        self.brought |= {
            each: (into.case_id, suits) for each, (where, suits) in self.brought.items() if where == gone.case_id and not names
        }
        if more:
            self.brought[gone.case_id] = into.case_id, tuple(each.proceeding_id for each in more)
        self._say(
            changed(
                into,
                proceedings=(*into.proceedings, *more),
                tenant_ids=tuple(dict.fromkeys((*into.tenant_ids, *(() if names else gone.tenant_ids)))),
                absorbed=(*into.absorbed, *gone.absorbed, gone.case_id),
                split_off=(*into.split_off, *gone.split_off),
                changes=(CaseChange.MERGED,),
                eviction=into.eviction or gone.eviction,
                replaced=(),
            )
        )

    def _split(self, case: CaseEvent, part: tuple[ProceedingFact, ...], undoes: UUID | None) -> None:
        new_id, persons = self.town.id(), {one.person_id for suit in part for one in suit.defendants}
        rest = tuple(each for each in case.proceedings if each not in part)
        staying = {one.person_id for suit in rest for one in suit.defendants}
        common = {
            "proceedings": part,
            "tenant_ids": tuple(sorted(persons)),
            "changes": (CaseChange.SPLIT,),
            "eviction": None,
            "absorbed": (),
            "split_off": (),
            "replaced": (),
        }
        fields = {**dict(case), **common, "case_id": new_id, "household_id": self.town.id()}
        self.keys.append(new_id)
        self._say(
            changed(
                case,
                proceedings=rest,
                tenant_ids=tuple(each for each in case.tenant_ids if each in staying or each not in persons),
                split_off=(*case.split_off, new_id),
                changes=(CaseChange.SPLIT,),
                replaced=(),
            )
        )
        self._say(CaseSplit(**fields, split_from=case.case_id, undoes=undoes))


def _ids(suit: ProceedingFact) -> tuple[UUID, UUID, UUID]:
    (one,) = suit.defendants
    assert one.address_id is not None
    return one.person_id, one.address_id, suit.proceeding_id


TestMoves = Moves.TestCase
TestMoves.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
