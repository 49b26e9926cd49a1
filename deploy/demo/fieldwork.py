"""Simulated caseworkers: they read their team's assignments and report from the door. Pure but for the ids of messages.

Whether somebody opens, and when a caseworker goes, hangs on the seed and on names and addresses alone, never on the
slot that happened to be proposed: which of two households asked first for a caseworker's morning differs from run to
run, what becomes of them must not. So a caseworker answers each assignment with the slot that suits, often another than
the proposed one, and goes then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from uuid import UUID

from deploy.demo.chance import Chance
from deploy.demo.letters import Letter
from deploy.demo.talks import talk
from shared.calendar import add_working_days, next_working_day
from shared.city import City
from shared.contracts.catalogue import FIELD_REPORTS
from shared.contracts.codes import (
    AttemptResult,
    Channel,
    ConsentForm,
    ConsentPurpose,
    ContactKind,
    Evidence,
    LegalFact,
    Need,
    ObligationReason,
    Outcome,
    WaiverReason,
    Window,
)
from shared.contracts.fields import Event
from shared.contracts.topics.assignments import Assignment, AssignmentWithdrawn, Resident
from shared.contracts.topics.field_reports import (
    AttemptReported,
    ConsentReported,
    ConsentWithdrawalReported,
    ContactReported,
    FieldReport,
    LegalFactReported,
    OutcomeReported,
    SlotReported,
    WaiverReported,
)
from shared.runtime.clock import BERLIN

EVENING = time(19)
_RESULTS = {
    AttemptResult.MET: 52, AttemptResult.NOT_MET: 36, AttemptResult.REFUSED_AT_DOOR: 6, AttemptResult.MINOR_ONLY: 2,
    AttemptResult.LANGUAGE_BARRIER_ABORTED: 3, AttemptResult.UNSAFE_ABORTED: 1,
}  # fmt: skip
_LAST_TRY = 5
_HEALTH = frozenset({Need.ADDICTION, Need.MENTAL_HEALTH})
_ORDERS = (
    (Window.MORNING, Window.AFTERNOON, Window.EVENING),
    (Window.AFTERNOON, Window.EVENING, Window.MORNING),
    (Window.EVENING, Window.MORNING, Window.AFTERNOON),
)
_CLARIFIED_AFTER = 2

Known = tuple[str, str, str, str]
"""Family name, given name, street and house number."""


@dataclass(frozen=True, slots=True)
class Home:
    """What the scenario knows of a person: found wrong or empty, when served, how the case will end and when.

    A story also says what comes of each attempt (`results`; in a later round `after`), and what is needed.
    """

    moved_out: bool = False
    hard_to_find: bool = False
    served_on: date | None = None
    outcome: Outcome | None = None
    over_on: date | None = None
    results: tuple[AttemptResult, ...] | None = None
    after: tuple[AttemptResult, ...] | None = None
    needs: tuple[Need, ...] | None = None


NOTHING_KNOWN = Home()


@dataclass(slots=True)
class _Visit:
    """One visit as its caseworker has it."""

    team: str
    assignment: Assignment
    actor: str
    going: tuple[date, Window] | None = None
    tried: list[tuple[date, Window]] = field(default_factory=list)
    waived: bool = False


@dataclass(slots=True)
class FieldWork:
    """All teams. `homes` tells what is behind which door."""

    seed: int
    city: City
    homes: Mapping[Known, Home]
    _visits: dict[UUID, _Visit] = field(default_factory=dict)
    _gone: set[UUID] = field(default_factory=set)
    _endings: dict[UUID, tuple[date, str, Outcome]] = field(default_factory=dict)
    _later: list[tuple[date, str, UUID, FieldReport]] = field(default_factory=list)
    _asked: dict[UUID, UUID] = field(default_factory=dict)

    def hear(self, team: str, event: Event) -> None:
        """An assignment came, changed or was withdrawn; the highest version counts, and each team hears only of its own."""
        if isinstance(event, AssignmentWithdrawn):
            visit = self._visits.get(event.visit_id)
            if visit is not None and visit.team == team and visit.assignment.version <= event.version:
                del self._visits[event.visit_id]
        elif isinstance(event, Assignment):
            self._note_ending(team, event)
            known = self._visits.get(event.visit_id)
            if known is None:
                self._visits[event.visit_id] = _Visit(team, event, event.caseworker or self._anybody(team))
            elif event.version > known.assignment.version:
                known.team, known.assignment, known.actor = team, event, event.caseworker or known.actor

    def answer(self, report: UUID, *, accepted: bool, today: date) -> None:
        """What became of a report: an outcome that was refused, because a visit is still owed, is reported again."""
        case_id = self._asked.pop(report, None)
        if case_id is not None and not accepted:
            _, team, outcome = self._endings[case_id]
            self._endings[case_id] = add_working_days(today, 5, self.city.calendar), team, outcome
        elif case_id is not None:
            del self._endings[case_id]

    def slots(self, now: datetime) -> Iterator[Letter]:
        """The slots that caseworkers choose for what has none yet, or must be sooner."""
        today = now.date()
        for visit_id, visit in sorted(self._visits.items(), key=lambda item: _name(item[1].assignment)):
            assigned = visit.assignment
            too_late = visit.going is not None and not visit.tried and today < assigned.due_on < visit.going[0]
            if (visit.going is None or too_late) and not visit.waived:
                visit.going = self._when(visit, today)
                on, window = visit.going
                report = SlotReported(**_head(visit, now), visit_id=visit_id, planned_on=on, window=window)
                yield _letter(visit.team, report)

    def reports(self, now: datetime) -> Iterator[Letter]:
        """What is reported this evening: today's visits, and what else was put off until today."""
        today = now.date()
        for visit_id, visit in sorted(self._visits.items(), key=lambda item: _name(item[1].assignment)):
            if visit.going is not None and visit.going[0] <= today:
                yield from self._at_the_door(visit_id, visit, now)
        for on, team, case_id, report in [each for each in self._later if each[0] <= today]:
            self._later.remove((on, team, case_id, report))
            yield Letter(FIELD_REPORTS.of(team), report.model_copy(update={"recorded_at": now}), case_id)
        for case_id, (on, team, outcome) in list(self._endings.items()):
            if on <= today and case_id not in self._asked.values():
                letter = self._ending(case_id, team, outcome, now)
                self._asked[letter.id] = case_id
                yield letter

    def busy_on(self) -> date | None:
        """The next day on which something is to be reported, None when nothing is left."""
        days = [visit.going[0] for visit in self._visits.values() if visit.going is not None]
        days += [on for on, *_ in self._later] + [on for on, *_ in self._endings.values()]
        return min(days, default=None)

    def _anybody(self, team: str) -> str:
        """Who takes a visit out of the team's queue."""
        return next(each.id for each in self.city.caseworkers if each.team == team)

    def _note_ending(self, team: str, assignment: Assignment) -> None:
        home = self._home(assignment)
        if assignment.case_id not in self._endings and assignment.case_id not in self._gone and home.outcome and home.over_on:
            self._gone.add(assignment.case_id)
            self._endings[assignment.case_id] = home.over_on, team, home.outcome

    def _home(self, assignment: Assignment) -> Home:
        found = [self.homes[key] for each in assignment.residents if (key := _known(assignment, each)) in self.homes]
        return found[0] if found else NOTHING_KNOWN

    def _when(self, visit: _Visit, today: date) -> tuple[date, Window]:
        """A day soon, on another weekday and at another hour than before; today where tomorrow would break the promise."""
        chance = Chance(self.seed, _name(visit.assignment), "goes", len(visit.tried))
        before = {on.weekday() for on, _ in visit.tried}
        day = add_working_days(today, 1 + chance.between(0, 2), self.city.calendar)
        if not visit.tried:
            day = min(day, max(visit.assignment.due_on, today))
        while day.weekday() in before and len(before) < 5:
            day = next_working_day(day, self.city.calendar)
        order = Chance(self.seed, _name(visit.assignment), "hours").pick(_ORDERS)
        return day, Window.EVENING if day == today else order[len(visit.tried) % 3]

    def _result(self, visit: _Visit, home: Home) -> AttemptResult:
        nth = len(visit.tried)
        written = home.after if home.after and visit.assignment.reason is not ObligationReason.SUIT else home.results
        if written is not None:
            return written[min(nth, len(written) - 1)]
        if home.moved_out:
            return AttemptResult.MOVED_OUT
        if home.hard_to_find and nth == 0:
            return AttemptResult.ADDRESS_NOT_FOUND
        if nth >= _LAST_TRY:
            return AttemptResult.MET
        return Chance(self.seed, _name(visit.assignment), "opens", nth).one_of(_RESULTS)

    def _at_the_door(self, visit_id: UUID, visit: _Visit, now: datetime) -> Iterator[Letter]:
        assert visit.going is not None
        home = self._home(visit.assignment)
        result = self._result(visit, home)
        chance = Chance(self.seed, _name(visit.assignment), "talk", len(visit.tried))
        language = next((each.language for each in visit.assignment.residents if each.language), None)
        met = result is AttemptResult.MET
        said = talk(len(visit.assignment.residents), language, chance) if met else None
        if said is not None and home.needs is not None:
            said = said.model_copy(update={"needs": home.needs})
        attempt = AttemptReported(
            **_head(visit, now),
            visit_id=visit_id,
            attempted_on=now.date(),
            window=visit.going[1],
            result=result,
            information_handed_over=met or (result is AttemptResult.REFUSED_AT_DOOR and chance.happens(0.8)),
            talk=said,
        )
        visit.tried.append((now.date(), visit.going[1]))
        visit.going = None
        yield _letter(visit.team, attempt)
        if said is not None:
            yield from self._agreed(visit, said.needs, now, chance)
            yield from self._envelope(visit, now, chance)
        elif result is AttemptResult.MOVED_OUT:
            self._waive(visit_id, visit, now)
        elif result is AttemptResult.NOT_MET and chance.happens(0.25):
            report = ContactReported(
                **_head(visit, now), contact=ContactKind.TELEPHONE, contacted_on=now.date(), reached=chance.happens(0.4)
            )
            yield _letter(visit.team, report)

    def _agreed(self, visit: _Visit, needs: tuple[Need, ...], now: datetime, chance: Chance) -> Iterator[Letter]:
        """Each adult decides alone; a few think better of it two weeks later."""
        for resident in _residents(visit.assignment):
            for purpose in ConsentPurpose:
                wanted = purpose is ConsentPurpose.REFERRAL or not _HEALTH.isdisjoint(needs)
                if not needs or not wanted or not chance.happens(0.8):
                    continue
                given = ConsentReported(
                    **_head(visit, now),
                    person_id=resident.person_id,
                    purpose=purpose,
                    form=ConsentForm.WRITTEN,
                    given_on=now.date(),
                )
                letter = _letter(visit.team, given)
                yield letter
                if chance.happens(0.04):
                    on = add_working_days(now.date(), 10, self.city.calendar)
                    withdrawn = ConsentWithdrawalReported(
                        **_head(visit, now), consent_id=letter.id, person_id=resident.person_id, withdrawn_on=on
                    )
                    self._later.append((on, visit.team, visit.assignment.case_id, withdrawn))

    def _envelope(self, visit: _Visit, now: datetime, chance: Chance) -> Iterator[Letter]:
        """The yellow envelope: the day of service is written on it, often before the court tells us."""
        for resident in _residents(visit.assignment):
            home = self.homes.get(_known(visit.assignment, resident), NOTHING_KNOWN)
            if home.served_on is not None and home.served_on <= now.date() and chance.happens(0.3):
                fact = LegalFactReported(
                    **_head(visit, now),
                    fact=LegalFact.SERVED,
                    on=home.served_on,
                    evidence=Evidence.DOCUMENT,
                    person_id=resident.person_id,
                )
                yield _letter(visit.team, fact)

    def _waive(self, visit_id: UUID, visit: _Visit, now: datetime) -> None:
        """Neighbours, the caretaker and the register of residents confirm it; a second person agrees."""
        visit.waived = True
        waiver = WaiverReported(
            **_head(visit, now),
            obligation_ids=tuple(resident.obligation_id for resident in self._visits[visit_id].assignment.residents),
            reason=WaiverReason.MOVED_OUT_CONFIRMED,
            second_person=f"leitung-{visit.team}",
        )
        on = add_working_days(now.date(), _CLARIFIED_AFTER, self.city.calendar)
        self._later.append((on, visit.team, visit.assignment.case_id, waiver))

    def _ending(self, case_id: UUID, team: str, outcome: Outcome, now: datetime) -> Letter:
        report = OutcomeReported(
            channel=Channel.AUTHORITY,
            actor=f"leitung-{team}",
            recorded_at=now,
            case_id=case_id,
            outcome=outcome,
            ended_on=now.date(),
            ordinary_termination_settled=outcome.startswith("TENANCY_KEPT_"),
        )
        return Letter(FIELD_REPORTS.of(team), report, case_id)


def _head(visit: _Visit, now: datetime) -> dict[str, object]:
    return {
        "channel": Channel.AUTHORITY,
        "actor": visit.actor,
        "recorded_at": now.astimezone(BERLIN),
        "case_id": visit.assignment.case_id,
    }


def _letter(team: str, report: FieldReport) -> Letter:
    return Letter(FIELD_REPORTS.of(team), report, report.case_id)


def _residents(assignment: Assignment) -> list[Resident]:
    return sorted(assignment.residents, key=lambda each: (each.family_name, each.given_name or ""))


def _known(assignment: Assignment, resident: Resident) -> Known:
    return resident.family_name, resident.given_name or "", assignment.address.street, assignment.address.house_number


def _name(assignment: Assignment) -> str:
    """A visit in stable words: who lives where, and for which reason somebody comes."""
    names = sorted(f"{each.family_name} {each.given_name}" for each in assignment.residents)
    return f"{names} {assignment.address.street} {assignment.address.house_number} {assignment.reason}"
