"""Outreach as the pipeline sees it: load, decide, save. What is decided lives in the pure modules beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID, uuid4

from pydantic import BaseModel

from services.outreach import store
from services.outreach.arranging import Desk, arrange
from services.outreach.assignment import dispatch, withdraw
from services.outreach.casefile import CaseFile, Referral
from services.outreach.obligations import owe
from services.outreach.planning import Diary
from services.outreach.promises import advise
from services.outreach.report import Report
from services.outreach.reports import take
from services.outreach.staff import of_team, team_of
from shared.city import City
from shared.contracts.catalogue import ASSESSMENTS, HOUSEHOLDS, OUTCOMES, VISITS, Topic
from shared.contracts.codes import AttemptResult, WithdrawReason
from shared.contracts.fields import Event
from shared.contracts.topics.cases import CaseErased, CaseEvent, CaseReopened
from shared.contracts.topics.field_reports import FieldReport
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.referrals import ReferralChanged
from shared.messaging.erasure import Gone
from shared.messaging.model import Decision, Heard, Rejected, Said, Tx

_TOPIC_OF: dict[type[Event], Topic] = {event: topic for topic in (VISITS, ASSESSMENTS, OUTCOMES) for event in topic.events}


@dataclass(slots=True)
class State:
    """What a batch works on, and what it has changed so far."""

    now: datetime
    city: City
    new_id: Callable[[], UUID]
    files: dict[UUID, CaseFile]
    registers: dict[UUID, HouseholdRecorded]
    diary: Diary
    changed_files: set[UUID] = field(default_factory=set)
    erased_files: set[UUID] = field(default_factory=set)
    changed_registers: set[UUID] = field(default_factory=set)
    erased_registers: set[UUID] = field(default_factory=set)
    notes: list[store.Note] = field(default_factory=list)


class OutreachRoom:
    """Owes the visits, plans them, hears of them, and tells."""

    def __init__(self, city: City, new_id: Callable[[], UUID] = uuid4) -> None:
        self.city = city
        self._new_id = new_id

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> State:
        """Read and lock the cases and households of a batch, and the diaries of the teams they need."""
        cases = {case_id for each in heard if (case_id := _case_of(each))}
        households = {household_id for each in heard if (household_id := _household_of(each))}
        districts = {name for each in heard if isinstance(each.data, CaseEvent) for name in _districts(each.data)}
        return await self.load_cases(tx, cases, households, districts, now)

    async def load_cases(self, tx: Tx, cases: set[UUID], households: set[UUID], districts: Iterable[str], now: datetime) -> State:
        """The same for ids known beforehand; `districts` are those that may be planned in beside the files' own."""
        all_households = await store.lock_households(tx, cases, households)
        files = await store.load_files(tx, cases, households)
        registers = await store.load_registers(tx, all_households)
        known = {owed.district for file in files.values() for owed in file.owed}
        teams = {team_of(self.city, district) for district in {*districts, *known}}
        teams |= {visit.team for file in files.values() for visit in file.visits}
        await store.lock_teams(tx, teams)
        people = [who.id for team in teams for who in of_team(self.city, team)]
        diary = Diary(await store.load_bookings(tx, people, now.date()))
        return State(now, self.city, self._new_id, files, registers, diary)

    def decide(self, state: State, heard: Heard) -> Decision:
        """Decide one message. Raises Rejected for a field report that breaks a rule."""
        data = heard.data
        if isinstance(data, CaseEvent):
            return Decision(_case_changed(state, data))
        if isinstance(data, CaseErased):
            return Decision(_case_erased(state, data))
        if heard.topic == HOUSEHOLDS.name:
            return Decision(_household_changed(state, UUID(heard.key), data))
        if isinstance(data, ReferralChanged):
            return Decision(_referral_changed(state, data))
        if isinstance(data, FieldReport):
            return Decision(_reported(state, heard, data))
        return Decision()

    async def save(self, tx: Tx, state: State) -> None:
        """Write what the decisions changed."""
        if state.changed_registers or state.erased_registers:
            entries = [state.registers[each] for each in sorted(state.changed_registers)]
            await store.save_registers(tx, entries, state.erased_registers)
        if state.changed_files or state.erased_files:
            files = [state.files[each] for each in sorted(state.changed_files)]
            await store.save_files(tx, files, state.erased_files, state.notes)

    def gone(self, state: State) -> Gone:
        """What was written of the erased cases, and refused reports that name one."""
        cases = [str(each) for each in state.erased_files]
        return Gone([*cases, *(str(each) for each in state.erased_registers)], mentions=[(each,) for each in cases])


def _case_of(heard: Heard) -> UUID | None:
    data = heard.data
    return data.case_id if isinstance(data, CaseEvent | CaseErased | FieldReport | ReferralChanged) else None


def _household_of(heard: Heard) -> UUID | None:
    if heard.topic == HOUSEHOLDS.name:
        return UUID(heard.key)
    return heard.data.household_id if isinstance(heard.data, CaseEvent | CaseErased) else None


def _districts(case: CaseEvent) -> Iterable[str]:
    defendants = (defendant for proceeding in case.proceedings for defendant in proceeding.defendants)
    return (case.district, *(defendant.district for defendant in defendants))


def _case_changed(state: State, event: CaseEvent) -> list[Said]:
    before = state.files.get(event.case_id)
    case = CaseEvent(**dict(event))
    file = replace(before, case=case) if before else CaseFile(case)
    if isinstance(event, CaseReopened):
        file = replace(file, outcome=None)
    file, owed = owe(file, state.city, state.new_id)
    file, advice = advise(file, state.city)
    register = state.registers.get(case.household_id)
    return finish(state, before, file, [*owed, *advice], (register, register))


def finish(
    state: State,
    before: CaseFile | None,
    file: CaseFile,
    said: Sequence[Event],
    registers: tuple[HouseholdRecorded | None, HouseholdRecorded | None],
    diary: Diary | None = None,
) -> list[Said]:
    """Arrange the visits, see what leaves to the teams, and only then let it count."""
    diary = diary or state.diary.copy()
    file, plans = arrange(file, registers[1], Desk(state.now, state.city, diary, state.new_id))
    file, assignments = dispatch(before, file, registers[0], registers[1], state.now.date())
    told = [Said(_TOPIC_OF[type(event)].name, str(file.case.case_id), event) for event in (*said, *plans)]
    if file != before:
        state.files[file.case.case_id] = file
        state.changed_files.add(file.case.case_id)
        state.erased_files.discard(file.case.case_id)
        state.diary = diary
    return [*told, *assignments]


def _case_erased(state: State, data: CaseErased) -> list[Said]:
    file = state.files.get(data.case_id)
    said: list[Said] = []
    if file is not None:
        for visit in file.visits:
            state.diary.release(visit.id)
            said += withdraw(file, visit, WithdrawReason.CASE_ERASED)[1]
        del state.files[data.case_id]
    state.changed_files.discard(data.case_id)
    state.erased_files.add(data.case_id)
    state.notes = [note for note in state.notes if note.case_id != data.case_id]
    return said


def _household_changed(state: State, household_id: UUID, entry: BaseModel | None) -> list[Said]:
    """The register's newer entry, or its tombstone."""
    if not isinstance(entry, HouseholdRecorded):
        state.registers.pop(household_id, None)
        state.changed_registers.discard(household_id)
        state.erased_registers.add(household_id)
        return []
    old = state.registers.get(entry.household_id)
    if old is not None and entry.version <= old.version:
        return []
    said: list[Said] = []
    for file in [each for each in state.files.values() if each.case.household_id == entry.household_id]:
        said += finish(state, file, _found_again(file, old, entry), [], (old, entry))
    state.registers[entry.household_id] = entry
    state.changed_registers.add(entry.household_id)
    state.erased_registers.discard(entry.household_id)
    return said


def _found_again(file: CaseFile, old: HouseholdRecorded | None, new: HouseholdRecorded) -> CaseFile:
    """An address that was not found and is now written otherwise is visited again."""
    was = {each.address_id: each.address for each in old.addresses} if old else {}
    fixed = {each.address_id for each in new.addresses if was.get(each.address_id, each.address) != each.address}
    visits = tuple(
        replace(visit, clarification=None)
        if visit.address_id in fixed and visit.clarification is AttemptResult.ADDRESS_NOT_FOUND
        else visit
        for visit in file.visits
    )
    return replace(file, visits=visits)


def _referral_changed(state: State, data: ReferralChanged) -> list[Said]:
    file = state.files.get(data.case_id)
    if file is not None:
        newest = Referral(data.referral_id, data.state, data.changed_on)
        others = tuple(each for each in file.referrals if each.id != data.referral_id)
        state.files[data.case_id] = replace(file, referrals=(*others, newest))
        state.changed_files.add(data.case_id)
    return []


def _reported(state: State, heard: Heard, data: FieldReport) -> list[Said]:
    file = state.files.get(data.case_id)
    if heard.key != str(data.case_id):
        raise Rejected("case_id", "not_the_key")
    if file is None:
        raise Rejected("case_id", "unknown_case")
    team = heard.topic.partition(".")[2]
    if team not in {team_of(state.city, file.case.district), *(visit.team for visit in file.visits)}:
        raise Rejected("case_id", "case_of_another_team")
    register = state.registers.get(file.case.household_id)
    diary = state.diary.copy()
    report = Report(heard.id, heard.source, data, _persons(file, register))
    after, said = take(file, report, Desk(state.now, state.city, diary, state.new_id))
    told = finish(state, file, after, said, (register, register), diary)
    if data.note:
        state.notes.append(store.Note(heard.id, data.case_id, data.actor, data.recorded_at, data.note))
    return told


def _persons(file: CaseFile, register: HouseholdRecorded | None) -> frozenset[UUID]:
    """Everybody the case knows by name or by suit."""
    members = register.members if register else ()
    sued = (defendant.person_id for proceeding in file.case.proceedings for defendant in proceeding.defendants)
    return frozenset((*file.case.tenant_ids, *sued, *(member.person_id for member in members)))
