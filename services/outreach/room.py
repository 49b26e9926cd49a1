"""Outreach as the pipeline sees it: load, decide, save. What is decided lives in the pure modules beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.outreach import store
from services.outreach.arranging import Desk, booked
from services.outreach.casefile import CaseFile, Note, Referral
from services.outreach.locating import concerned, reported_as, translated
from services.outreach.parting import persons_of
from services.outreach.planning import Diary
from services.outreach.report import Report
from services.outreach.reports import take
from services.outreach.staff import of_team, team_of
from services.outreach.state import State, finish
from services.outreach.steps import case_changed, moved_cases, release
from shared.city import City
from shared.contracts.catalogue import HOUSEHOLDS
from shared.contracts.codes import AttemptResult
from shared.contracts.topics.cases import CaseErased, CaseEvent, CaseMerged
from shared.contracts.topics.field_reports import FieldReport
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.referrals import ReferralChanged, ReferralsGivenUp
from shared.messaging.erasure import Gone
from shared.messaging.ids import new_id
from shared.messaging.model import Decision, Heard, Rejected, Said, Tx


class OutreachRoom:
    """Owes the visits, plans them, hears of them, and tells."""

    def __init__(self, city: City, new_id: Callable[[], UUID] = new_id) -> None:
        self.city = city
        self._new_id = new_id

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> State:
        """Read and lock the cases and households of a batch, and the diaries of the teams they need."""
        cases = {case_id for each in heard if (case_id := _case_of(each))}
        moving = {case_id for each in heard for case_id in moved_cases(each.data)}
        households = {household_id for each in heard for household_id in _households_of(each)}
        districts = {name for each in heard if isinstance(each.data, CaseEvent) for name in _districts(each.data)}
        return await self.load_cases(tx, cases, households, districts, now, moving)

    async def load_cases(
        self,
        tx: Tx,
        cases: set[UUID],
        households: set[UUID],
        districts: Iterable[str],
        now: datetime,
        moving: Collection[UUID] = (),
    ) -> State:
        """The same for ids known beforehand; `districts` are those that may be planned in beside the files' own.

        `moving` are cases that a merge or split names.
        """
        kin = await store.lock_families(tx, cases, moving, households)
        files = await store.load_files(tx, kin.cases, households)
        registers = await store.load_registers(tx, kin.households)
        known = {owed.district for file in files.values() for owed in file.owed}
        known |= {name for file in files.values() for step in file.waiting if step.state for name in _districts(step.state)}
        teams = {team_of(self.city, district) for district in {*districts, *known}}
        teams |= {visit.team for file in files.values() for visit in file.visits}
        await store.lock_teams(tx, teams)
        people = [who.id for team in teams for who in of_team(self.city, team)]
        diary = Diary(await store.load_days(tx, people, now.date()), booked(files.values(), now.date()))
        return State(now, self.city, self._new_id, files, registers, diary, kin.families, kin.aliases, kin.erased)

    def decide(self, state: State, heard: Heard) -> Decision:
        """Decide one message. Raises Rejected for a field report that breaks a rule."""
        data = heard.data
        if isinstance(data, CaseEvent | CaseMerged):
            return Decision(case_changed(state, data))
        if isinstance(data, CaseErased):
            return Decision(_case_erased(state, data))
        if heard.topic == HOUSEHOLDS.name:
            return Decision(_household_changed(state, UUID(heard.key), data))
        if isinstance(data, ReferralChanged | ReferralsGivenUp):
            _note_referrals(state, data)
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
            await store.save_files(tx, files, state.erased_files, state.merged)
        if state.merged or state.handed_over or state.related:
            await store.save_moves(tx, state.kin, state.aliases, state.merged, state.handed_over)
        if state.notes:
            await store.save_notes(tx, state.notes)

    def gone(self, state: State) -> Gone:
        """What was written of the erased cases, and refused reports that name one."""
        cases = [str(each) for each in state.erased_files]
        return Gone([*cases, *(str(each) for each in state.erased_registers)], mentions=[(each,) for each in cases])


def _case_of(heard: Heard) -> UUID | None:
    of_a_case = CaseEvent | CaseMerged | CaseErased | FieldReport | ReferralChanged | ReferralsGivenUp
    return heard.data.case_id if isinstance(heard.data, of_a_case) else None


def _households_of(heard: Heard) -> set[UUID]:
    if heard.topic == HOUSEHOLDS.name:
        return {UUID(heard.key)}
    if isinstance(heard.data, CaseMerged):
        return {heard.data.household_id, heard.data.into_household_id}
    return {heard.data.household_id} if isinstance(heard.data, CaseEvent | CaseErased) else set()


def _districts(case: CaseEvent) -> Iterable[str]:
    defendants = (defendant for proceeding in case.proceedings for defendant in proceeding.defendants)
    return (case.district, *(defendant.district for defendant in defendants))


def _case_erased(state: State, data: CaseErased) -> list[Said]:
    """Forget the case; of an alias that it was one. What waits for it takes its part first."""
    draft = state.draft()
    draft.erased.add(data.case_id)
    told = release(draft, data.case_id)
    draft.erased_files.add(data.case_id)
    draft.aliases.pop(data.case_id, None)
    draft.notes = [note for note in draft.notes if note.case_id not in draft.erased]
    state.adopt(draft)
    return told


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
    for file in state.of_household(entry.household_id):
        said += finish(state, file, _found_again(file, old, entry), [], (old, entry))
    state.registers[entry.household_id] = entry
    state.changed_registers.add(entry.household_id)
    state.erased_registers.discard(entry.household_id)
    return said


def _found_again(file: CaseFile, old: HouseholdRecorded | None, new: HouseholdRecorded) -> CaseFile:
    """An address that was not found and is now written otherwise is visited again."""
    was = {each.address_id: each.address for each in old.addresses} if old else {}
    fixed = {each.address_id for each in new.addresses if was.get(each.address_id, each.address) != each.address}
    if not fixed:
        return file
    visits = tuple(
        replace(visit, clarification=None)
        if visit.address_id in fixed and visit.clarification is AttemptResult.ADDRESS_NOT_FOUND
        else visit
        for visit in file.visits
    )
    return replace(file, visits=visits)


def _note_referrals(state: State, data: ReferralChanged | ReferralsGivenUp) -> None:
    """Keep how referrals stand, for the people who visit."""
    if isinstance(data, ReferralChanged):
        _referral_changed(state, data)
    else:
        _referrals_given_up(state, data)


def _referral_changed(state: State, data: ReferralChanged) -> None:
    file = state.files.get(state.aliases.get(data.case_id, data.case_id))
    if file is not None:
        newest = Referral(data.referral_id, data.state, data.changed_on)
        same = next((each for each in file.referrals if each.id == data.referral_id), newest)
        others = tuple(each for each in file.referrals if each.id != data.referral_id)
        state.put(replace(file, referrals=(*others, replace(newest, via=same.via))))


def _referrals_given_up(state: State, data: ReferralsGivenUp) -> None:
    """They are shown with the new case from now on; while it is not heard of, where they were."""
    old, new = (state.files.get(state.aliases.get(each, each)) for each in (data.case_id, data.to_case_id))
    if old is not None and new is not None and old is not new:
        gone = tuple(each for each in old.referrals if each.id in data.referral_ids)
        state.put(replace(old, referrals=tuple(each for each in old.referrals if each not in gone)))
        state.put(replace(new, referrals=(*new.referrals, *gone)))


def _reported(state: State, heard: Heard, data: FieldReport) -> list[Said]:
    """A report on what its case is part of now, or on the case to which a split brought what it names."""
    if heard.key != str(data.case_id):
        raise Rejected("case_id", "not_the_key")
    family = state.family(data.case_id)
    if not family or family[0].case.case_id != state.aliases.get(data.case_id, data.case_id):
        raise Rejected("case_id", "unknown_case")
    files = concerned(family, data)
    team = heard.topic.partition(".")[2]
    if not any(team in _teams(state, file) for file in (family[0], *files)):
        raise Rejected("case_id", "case_of_another_team")
    diary = state.diary.copy()
    desk = Desk(state.now, state.city, diary, state.new_id)
    effects = []
    for file in files:
        register = state.registers.get(file.case.household_id)
        after, said = take(file, Report(heard.id, heard.source, translated(data, file), _persons(file, register)), desk)
        effects.append((file, reported_as(after, heard.id, data.case_id), said, register))
    told: list[Said] = []
    for file, after, said, register in effects:
        told += finish(state, file, after, said, (register, register), diary)
        diary = state.diary.copy()
    if data.note:
        state.notes.append(Note(heard.id, files[0].case.case_id, data.actor, data.recorded_at, data.note))
    return told


def _teams(state: State, file: CaseFile) -> set[str]:
    return {team_of(state.city, file.case.district), *(visit.team for visit in file.visits)}


def _persons(file: CaseFile, register: HouseholdRecorded | None) -> frozenset[UUID]:
    """Everybody the case knows by name or by suit."""
    return frozenset((*persons_of(file.case), *(member.person_id for member in (register.members if register else ()))))
