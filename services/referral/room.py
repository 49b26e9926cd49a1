"""What a batch of messages does to referral: each goes to its case's file, and what then follows is settled at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from asyncpg import SerializationError

from services.referral import casefile, departing, moving, store
from services.referral.casefile import CaseFile
from services.referral.moving import Moved, family, place_of
from services.referral.replies import answer
from services.referral.settling import Desk, Policy, Settled, erase, settle, time_out
from shared.contracts.catalogue import HOUSEHOLDS, REPLIES
from shared.contracts.topics.assessments import AssessmentRecorded, ConsentGiven, ConsentWithdrawn
from shared.contracts.topics.cases import CaseErased, CaseEvent, CaseMerged, CaseSplit
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.replies import Reply
from shared.contracts.topics.visits import ReportCorrected
from shared.messaging.erasure import Gone
from shared.messaging.model import Decision, Heard, Rejected, Said, Tx

_MAY_ASK = (AssessmentRecorded, ConsentGiven, CaseEvent, CaseMerged, Reply)
"""After these somebody may be asked, and a provider's capacity matters."""


@dataclass(slots=True)
class Batch:
    """The cases and households a batch touches, as read, locked and changed."""

    now: datetime
    files: dict[UUID, CaseFile]
    households: dict[UUID, HouseholdRecorded | None]
    held: Counter[str] | None
    of_referral: dict[UUID, UUID] = field(init=False, default_factory=dict)
    cases_of: dict[UUID, set[UUID]] = field(init=False, default_factory=dict)
    """Every case that is or was a household's: a batch asks for each household."""

    changed: set[UUID] = field(default_factory=set)
    changed_households: set[UUID] = field(default_factory=set)
    gone: set[UUID] = field(default_factory=set)

    def copy(self) -> Batch:
        """One to try something on."""
        return replace(
            self,
            files=dict(self.files),
            changed=set(self.changed),
            changed_households=set(self.changed_households),
            gone=set(self.gone),
        )

    def become(self, other: Batch) -> None:
        """Take over what was tried."""
        self.files, self.held, self.changed = other.files, other.held, other.changed
        self.of_referral, self.cases_of = other.of_referral, other.cases_of

    def __post_init__(self) -> None:
        for file in self.files.values():
            self._find_again(file)

    def _find_again(self, file: CaseFile) -> None:
        self.of_referral |= {each.referral_id: file.case_id for each in file.referrals}
        if file.facts is not None:
            self.cases_of.setdefault(file.facts.household_id, set()).add(file.case_id)

    def put(self, file: CaseFile) -> None:
        """Keep a changed file."""
        before = self.files[file.case_id]
        self.files[file.case_id] = file
        self.changed.add(file.case_id)
        self._find_again(file)
        if self.held is not None and file.referrals != before.referrals:
            self.held = self.held - before.held() + file.held()

    def of_household(self, household_id: UUID) -> list[CaseFile]:
        """The household's cases."""
        files = [self.files[each] for each in sorted(self.cases_of.get(household_id, ()))]
        return [each for each in files if each.facts is not None and each.facts.household_id == household_id]


@dataclass(frozen=True, slots=True)
class ReferralRoom:
    """Turns needs into offers, answers into handovers. `new_id` makes the ids of referrals."""

    policy: Policy
    new_id: Callable[[], UUID]

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> Batch:
        """Lock and read the cases, households and, where somebody may be asked, the providers' load."""
        touched = store.Touched(
            cases={each for one in heard if one.topic != HOUSEHOLDS.name for each in cases_named(one)},
            referrals={each.data.referral_id for each in heard if isinstance(each.data, Reply)},
            households={UUID(each.key) for each in heard if each.topic == HOUSEHOLDS.name},
        )
        told = {each for one in heard for each in _households_named(one)}
        may_ask = any(isinstance(each.data, _MAY_ASK) for each in heard)
        return await self._read(tx, touched, told, now, may_ask=may_ask)

    def decide(self, state: Batch, heard: Heard) -> Decision:
        """Decide one message; a refused answer changes nothing."""
        if heard.topic == HOUSEHOLDS.name:
            return Decision(self._register(state, UUID(heard.key), heard.data))
        if isinstance(heard.data, Reply):
            return Decision(self._reply(state, heard.topic, heard.data))
        own = state.files[UUID(heard.key)]
        return Decision() if own.erased else Decision(self._of_case(state, own, heard))

    async def save(self, tx: Tx, state: Batch) -> None:
        """Write what the decisions changed."""
        await store.save_files(tx, [state.files[each] for each in sorted(state.changed)], state.now.date())
        await store.save_households(tx, {each: state.households[each] for each in sorted(state.changed_households)})

    def gone(self, state: Batch) -> Gone:
        """What was written of the erased cases and their referrals, and refused answers that name one."""
        keys = [str(each) for each in state.gone]
        return Gone(keys, mentions=[(each,) for each in keys])

    async def time_out(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Let the offers whose time is up go to the next provider."""
        overdue = await store.overdue_cases(tx, now.date())
        if not overdue:
            return ()
        state = await self._read(tx, store.Touched(overdue), (), now, may_ask=True)
        said: list[Said] = []
        for case_id in sorted(overdue):
            desk = self._desk(state, state.files[case_id])
            timed_out, told = time_out(state.files[case_id], desk)
            settled, more = settle(timed_out, desk)
            said += self._keep(state, (settled, told + more))
        await self.save(tx, state)
        return said

    async def _read(self, tx: Tx, touched: store.Touched, told: Collection[UUID], now: datetime, *, may_ask: bool) -> Batch:
        """`touched.households` are those the register speaks of, `told` those the cases' events name."""
        files = await store.lock_files(tx, await store.case_ids(tx, touched))
        of_files = {file.facts.household_id for file in files.values() if file.facts}
        households = await store.lock_households(tx, of_files | set(touched.households) | set(told))
        files |= await store.late_files(tx, touched, list(files))
        if any(file.facts and file.facts.household_id not in households for file in files.values()) or any(
            each not in files for file in files.values() for each in file.follows
        ):
            raise SerializationError("a case moved on while it was being read: read it again")
        return Batch(now, files, households, await store.held_by_service(tx) if may_ask else None)

    def _of_case(self, state: Batch, own: CaseFile, heard: Heard) -> Sequence[Said]:
        """What is heard under the key of a case, which may be an alias by now."""
        match heard.data:
            case CaseErased():
                return self._erase(state, own)
            case CaseMerged() as event:
                return self._merge(state, own, event)
            case CaseSplit() as event:
                return self._move(state, moving.split(state.files, event))
            case ConsentWithdrawn(consent_id=voided) | ReportCorrected(corrects=voided):
                return self._void(state, own, voided)
        place, way = place_of(state.files, own.case_id)
        file = state.files[place]
        if file.erased:
            return ()
        file = _heard(state, file, way, heard)
        for each in sorted(file.missing & state.files.keys()):  # the others are not heard of yet, or watched already
            if state.files[each].erased:
                file = departing.without_waiting_for(file, each)
            else:
                self._keep(state, (departing.watched(state.files[each], place), ()))
        return self._settled(state, file)

    def _erase(self, state: Batch, file: CaseFile) -> Sequence[Said]:
        """What was the case's own elsewhere, or came from it, is forgotten there, too."""
        others = [each for each in family(state.files, file.case_id) if each != file.case_id]
        state.gone |= {file.case_id, *(each.referral_id for each in file.referrals)}
        said = [*self._keep(state, erase(file))]
        for each in others:
            forgotten = departing.forget(state.files[each], file.case_id)
            state.gone |= {one.referral_id for one in state.files[each].referrals} - {
                one.referral_id for one in forgotten[0].referrals
            }
            said += self._keep(state, forgotten)
            said += self._settled(state, state.files[each])
        return said

    def _merge(self, state: Batch, file: CaseFile, event: CaseMerged) -> Sequence[Said]:
        """What was merged into an erased case is erased with it."""
        moved = moving.merge(state.files, event)
        return self._move(state, moved) if moved.files else self._erase(state, file)

    def _move(self, state: Batch, moved: Moved) -> Sequence[Said]:
        """Keep what moved, then settle each case it concerns; what fails on the way changes nothing."""
        trial = state.copy()
        said = [*moved.said]
        for file in moved.files.values():
            self._keep(trial, (file, ()))
        for case_id in sorted(moved.files):
            said += self._settled(trial, trial.files[case_id])
        state.become(trial)
        return said

    def _void(self, state: Batch, own: CaseFile, voided: UUID) -> Sequence[Said]:
        """A split may have left what was wrong, or withdrawn, on the other side: it no longer counts on either."""
        said: list[Said] = []
        for case_id in family(state.files, own.case_id):
            if not state.files[case_id].erased:
                said += self._settled(state, casefile.hear_void(state.files[case_id], voided))
        return said

    def _register(self, state: Batch, household_id: UUID, record: object) -> Sequence[Said]:
        state.households[household_id] = record if isinstance(record, HouseholdRecorded) else None
        if record is None:
            state.gone.add(household_id)
        state.changed_households.add(household_id)
        said: list[Said] = []
        for file in state.of_household(household_id):
            said += self._settled(state, file)
        return said

    def _reply(self, state: Batch, topic: str, reply: Reply) -> Sequence[Said]:
        case_id = state.of_referral.get(reply.referral_id)
        if case_id is None:
            raise Rejected("referral_id", "unknown")
        file = state.files[case_id]
        return self._keep(state, answer(file, reply, topic.removeprefix(f"{REPLIES.name}."), self._desk(state, file)))

    def _settled(self, state: Batch, file: CaseFile) -> Sequence[Said]:
        """Settle a case, and whoever something goes on to with the persons of a split."""
        moved = moving.follow({**state.files, file.case_id: file}, file.case_id)
        said = [*moved.said]
        if moved.files:  # what went to an erased case is nobody's any more
            kept = {one.referral_id for each in moved.files.values() for one in each.referrals}
            state.gone |= {one.referral_id for one in file.referrals} - kept
        for each in moved.files.values():
            self._keep(state, (each, ()))
        for each in moved.files.values() or (file,):
            said += self._keep(state, settle(each, self._desk(state, each)))
        return said

    def _desk(self, state: Batch, file: CaseFile) -> Desk:
        household = state.households.get(file.facts.household_id) if file.facts else None
        own = file.held()
        elsewhere = state.held - own if state.held is not None and own else state.held
        return Desk(state.now, self.policy, self.new_id, household, elsewhere)

    def _keep(self, state: Batch, settled: Settled) -> Sequence[Said]:
        """Take the decision over; nothing after this can fail."""
        file, said = settled
        if file != state.files[file.case_id]:
            state.put(file)
        return said


def cases_named(heard: Heard) -> set[UUID]:
    """The cases a message is about; an answer of a provider names its referral alone."""
    match heard.data:
        case Reply():
            return set()
        case CaseMerged() as event:
            return {event.case_id, event.into_case_id}
        case CaseSplit() as event:
            others = {*event.absorbed, *event.split_off, *([event.undoes] if event.undoes else ())}
            return {event.case_id, event.split_from} | others
        case CaseEvent() as event:
            return {event.case_id, *event.absorbed, *event.split_off}
    return {UUID(heard.key)}


def _households_named(heard: Heard) -> set[UUID]:
    return {heard.data.household_id} if isinstance(heard.data, CaseEvent) else set()


def _heard(state: Batch, file: CaseFile, way: tuple[UUID, ...], heard: Heard) -> CaseFile:
    """The file with what was heard in it; most of what happens on visits does not matter here.

    `way`: the aliases by which it came. That a case ended before it was merged does not end the one it became part of.
    """
    match heard.data:
        case CaseEvent() as event:
            file = casefile.hear_case(file, event)
        case AssessmentRecorded() as event:
            file = casefile.hear_assessment(file, event, way)
        case ConsentGiven() as event:
            person_id = event.person_id
            for each in way:
                person_id = state.files[each].renamed.get(person_id, person_id)
            file = casefile.hear_consent(file, event.model_copy(update={"person_id": person_id}), way)
        case OutcomeRecorded() as event if not way:
            file = casefile.hear_outcome(file, event.ended_on)
    return file
