"""What a batch of messages does to referral: each goes to its case's file, and what then follows is settled at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.referral import casefile, store
from services.referral.casefile import CaseFile
from services.referral.replies import answer
from services.referral.settling import Desk, Policy, Settled, erase, settle, time_out
from shared.contracts.catalogue import HOUSEHOLDS, REPLIES
from shared.contracts.topics.assessments import AssessmentRecorded, ConsentGiven, ConsentWithdrawn
from shared.contracts.topics.cases import CaseErased, CaseEvent
from shared.contracts.topics.households import HouseholdRecorded
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.replies import Reply
from shared.contracts.topics.visits import ReportCorrected
from shared.messaging.erasure import Gone
from shared.messaging.model import Decision, Heard, Rejected, Said, Tx

_MAY_ASK = (AssessmentRecorded, ConsentGiven, CaseEvent, Reply)
"""After these somebody may be asked, and a provider's capacity matters."""


@dataclass(slots=True)
class Batch:
    """The cases and households a batch touches, as read, locked and changed."""

    now: datetime
    files: dict[UUID, CaseFile]
    households: dict[UUID, HouseholdRecorded | None]
    held: Counter[str] | None
    of_referral: dict[UUID, UUID] = field(init=False)
    changed: set[UUID] = field(default_factory=set)
    changed_households: set[UUID] = field(default_factory=set)
    gone: set[UUID] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.of_referral = {r.referral_id: file.case_id for file in self.files.values() for r in file.referrals}


@dataclass(frozen=True, slots=True)
class ReferralRoom:
    """Turns needs into offers, answers into handovers. `new_id` makes the ids of referrals."""

    policy: Policy
    new_id: Callable[[], UUID]

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> Batch:
        """Lock and read the cases, households and, where somebody may be asked, the providers' load."""
        asked_of = {each.data.referral_id for each in heard if isinstance(each.data, Reply)}
        households = {UUID(each.key) for each in heard if each.topic == HOUSEHOLDS.name}
        named = {UUID(each.key) for each in heard if each.topic != HOUSEHOLDS.name and not isinstance(each.data, Reply)}
        cases = named | await store.case_ids(tx, asked_of, households)
        told = {each.data.household_id for each in heard if isinstance(each.data, CaseEvent)}
        may_ask = any(isinstance(each.data, _MAY_ASK) for each in heard)
        return await self._read(tx, cases, households, told, now, may_ask=may_ask)

    def decide(self, state: Batch, heard: Heard) -> Decision:
        """Decide one message; a refused answer changes nothing."""
        if heard.topic == HOUSEHOLDS.name:
            return Decision(self._register(state, UUID(heard.key), heard.data))
        if isinstance(heard.data, Reply):
            return Decision(self._reply(state, heard.topic, heard.data))
        file = state.files[UUID(heard.key)]
        if file.erased:
            return Decision()
        if isinstance(heard.data, CaseErased):
            state.gone |= {file.case_id, *(each.referral_id for each in file.referrals)}
            return Decision(self._keep(state, erase(file)))
        return Decision(self._settled(state, _heard(file, heard)))

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
        state = await self._read(tx, overdue, (), (), now, may_ask=True)
        said: list[Said] = []
        for case_id in sorted(overdue):
            desk = self._desk(state, state.files[case_id])
            timed_out, told = time_out(state.files[case_id], desk)
            settled, more = settle(timed_out, desk)
            said += self._keep(state, (settled, told + more))
        await self.save(tx, state)
        return said

    async def _read(
        self, tx: Tx, cases: Collection[UUID], heard: Collection[UUID], told: Collection[UUID], now: datetime, *, may_ask: bool
    ) -> Batch:
        """`heard` are the households the register speaks of, `told` those the cases' events name."""
        files = await store.lock_files(tx, cases)
        of_files = {file.facts.household_id for file in files.values() if file.facts}
        households = await store.lock_households(tx, of_files | set(heard) | set(told))
        files |= await store.late_files(tx, heard, list(files))
        return Batch(now, files, households, await store.held_by_service(tx) if may_ask else None)

    def _register(self, state: Batch, household_id: UUID, record: object) -> Sequence[Said]:
        state.households[household_id] = record if isinstance(record, HouseholdRecorded) else None
        if record is None:
            state.gone.add(household_id)
        state.changed_households.add(household_id)
        said: list[Said] = []
        for file in list(state.files.values()):
            if file.facts is not None and file.facts.household_id == household_id:
                said += self._settled(state, file)
        return said

    def _reply(self, state: Batch, topic: str, reply: Reply) -> Sequence[Said]:
        case_id = state.of_referral.get(reply.referral_id)
        if case_id is None:
            raise Rejected("referral_id", "unknown")
        file = state.files[case_id]
        return self._keep(state, answer(file, reply, topic.removeprefix(f"{REPLIES.name}."), self._desk(state, file)))

    def _settled(self, state: Batch, file: CaseFile) -> Sequence[Said]:
        return self._keep(state, settle(file, self._desk(state, file)))

    def _desk(self, state: Batch, file: CaseFile) -> Desk:
        household = state.households.get(file.facts.household_id) if file.facts else None
        return Desk(state.now, self.policy, self.new_id, household, None if state.held is None else state.held - file.held())

    def _keep(self, state: Batch, settled: Settled) -> Sequence[Said]:
        """Take the decision over; nothing after this can fail."""
        file, said = settled
        before = state.files[file.case_id]
        if file != before:
            state.files[file.case_id] = file
            state.changed.add(file.case_id)
            state.of_referral |= {each.referral_id: file.case_id for each in file.referrals}
            if state.held is not None:
                state.held = state.held - before.held() + file.held()
        return said


def _heard(file: CaseFile, heard: Heard) -> CaseFile:
    """The file with what was heard in it; most of what happens on visits does not matter here."""
    match heard.data:
        case CaseEvent() as event:
            file = casefile.hear_case(file, event)
        case AssessmentRecorded() as event:
            file = casefile.hear_assessment(file, event)
        case ConsentGiven() as event:
            file = casefile.hear_consent(file, event)
        case ConsentWithdrawn() as event:
            file = casefile.hear_void(file, event.consent_id)
        case ReportCorrected() as event:
            file = casefile.hear_void(file, event.corrects)
        case OutcomeRecorded() as event:
            file = casefile.hear_outcome(file, event.ended_on)
    return file
