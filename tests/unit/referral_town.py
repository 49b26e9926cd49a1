"""A town with a few providers: builds events, runs them through the referral room in memory, keeps what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from itertools import count
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import BaseModel

from services.referral.casefile import CaseFile
from services.referral.referral import Referral
from services.referral.room import Batch, ReferralRoom, cases_named
from services.referral.routing import Directory, ProviderKind, Service
from services.referral.settling import Desk, Policy, settle, time_out
from shared.calendar import NRW
from shared.contracts.catalogue import ASSESSMENTS, CASES, HOUSEHOLDS, OUTCOMES, REFERRALS, REPLIES, VISITS
from shared.contracts.codes import (
    ApplicationDecision,
    Basis,
    CaseChange,
    CaseStatus,
    Channel,
    ConsentForm,
    ConsentPurpose,
    Disclosure,
    HouseholdType,
    Need,
    Outcome,
    ReplyRejection,
    Stage,
    SupportResult,
    TransmissionBasis,
)
from shared.contracts.topics.assessments import AssessmentRecorded, ConsentGiven, ConsentWithdrawn
from shared.contracts.topics.cases import CaseErased, CaseEvent, CaseReopened, CaseUpdated, DeadlineFact
from shared.contracts.topics.households import AddressRecord, Claim, HouseholdRecorded, Member
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.parts import Address
from shared.contracts.topics.replies import (
    ApplicationAnswered,
    DeclinedByHousehold,
    OfferAccepted,
    OfferRejected,
    Reply,
    SupportEnded,
    SupportStarted,
    UndertakingReported,
)
from shared.contracts.topics.visits import ReportCorrected
from shared.messaging.model import Heard, Rejected, Said
from shared.runtime.clock import BERLIN

MONDAY = date(2026, 11, 23)
ANNA, BEN = UUID(int=1), UUID(int=2)
DISTRICTS = frozenset({"NORD", "MITTE"})
LAW, CONSENT = TransmissionBasis.SGB10_69_1_1, TransmissionBasis.CONSENT


def at(day: date, hour: int = 9) -> datetime:
    return datetime.combine(day, time(hour), BERLIN)


def service(code: str, *needs: Need, **fields: object) -> Service:
    """A provider of one service, both of that name."""
    known: dict[str, object] = {
        "provider": code, "kind": ProviderKind.PROVIDER, "districts": DISTRICTS, "languages": frozenset({"de"}), "capacity": 2,
        "basis": CONSENT,
    }  # fmt: skip
    return Service(code=code, needs=frozenset(needs), **{**known, **fields})  # type: ignore[arg-type]  # fields by name


OFFICE = {"kind": ProviderKind.AUTHORITY, "basis": LAW, "capacity": 40}
SERVICES = (
    service("jobcenter", Need.ARREARS_ASSUMPTION, **OFFICE),
    *(service(f"debts{n}", Need.DEBT_COUNSELLING) for n in range(1, 6)),
    service("turkish", Need.MIGRATION_LANGUAGE, languages=frozenset({"de", "tr"})),
    service("migration", Need.MIGRATION_LANGUAGE),
    service("addiction", Need.ADDICTION),
    service("psychiatry", Need.MENTAL_HEALTH, **OFFICE),
    service("homes", Need.REHOUSING, kind=ProviderKind.HOUSING_COMPANY, districts=frozenset({"MITTE"})),
)
POLICY = Policy(Directory(SERVICES), NRW, cut_off=time(12), answer_days=2, urgent_answer_days=1, urgent_below=10, tries=4)


class Town:
    """One household's case, unless another is named; `said` is all that was ever said, in order."""

    def __init__(self, today: date = MONDAY, policy: Policy = POLICY) -> None:
        ids = count(1000)
        self.room = ReferralRoom(policy, lambda: UUID(int=next(ids)))
        self.now = at(today)
        self.files: dict[UUID, CaseFile] = {}
        self.households: dict[UUID, HouseholdRecorded | None] = {}
        self.said: list[Said] = []
        self._ids = count(1)

    @staticmethod
    def case_id(n: int = 0) -> UUID:
        return UUID(int=10_000 + n)

    @staticmethod
    def household_id(n: int = 0) -> UUID:
        return UUID(int=20_000 + n)

    def fresh(self) -> UUID:
        """A new id for a report or a message."""
        return UUID(int=50_000 + next(self._ids))

    def file(self, n: int = 0) -> CaseFile:
        return self.files[self.case_id(n)]

    def referral(self, need: Need, n: int = 0) -> Referral:
        """The newest referral for this need."""
        return [each for each in self.file(n).referrals if each.need is need][-1]

    def on(self, topic: str) -> list[BaseModel]:
        """All that was said on a topic."""
        return [each.data for each in self.said if each.topic == topic and each.data is not None]

    def states(self, need: Need, n: int = 0) -> list[str]:
        """The states of this need's newest referral, as `referrals` told them."""
        wanted = str(self.referral(need, n).referral_id)
        changed = [data.model_dump(mode="json") for data in self.on(REFERRALS.name)]
        return [each["state"] for each in changed if each["referral_id"] == wanted and "state" in each]

    # what is heard

    def hear(self, topic: str, key: UUID, data: BaseModel | None) -> Sequence[Said]:
        heard = self.message(topic, key, data)
        for case_id in cases_named(heard) if topic != HOUSEHOLDS.name else ():
            self.files.setdefault(case_id, CaseFile(case_id=case_id))
        held: Counter[str] = sum((file.held() for file in self.files.values()), Counter())
        batch = Batch(self.now, dict(self.files), dict(self.households), held)
        said = self.room.decide(batch, heard).said
        self.files, self.households = batch.files, batch.households
        self.said += said
        return said

    def message(self, topic: str, key: UUID, data: BaseModel | None) -> Heard:
        return Heard(topic, str(key), self.fresh(), "urn:test", getattr(data, "TYPE", "tombstone"), self.now, 1, data)

    def case(self, n: int = 0, *, kind: type[CaseEvent] = CaseUpdated, **fields: object) -> Sequence[Said]:
        known: dict[str, object] = {
            "case_id": self.case_id(n), "household_id": self.household_id(n), "household_version": 1, "district": "NORD",
            "status": CaseStatus.OPEN, "stage": Stage.SUIT_FILED, "received_on": MONDAY, "channel": Channel.MIZI_FORM,
            "changes": (CaseChange.SUIT,), "changed_on": self.now.date(), "tenant_ids": (ANNA, BEN),
            "deadlines": (self.deadline(date(2027, 1, 25)),),
        }  # fmt: skip
        return self.hear(CASES.name, self.case_id(n), kind.model_validate(known | fields))

    def reopen(self, n: int = 0) -> Sequence[Said]:
        return self.case(n, kind=CaseReopened)

    def erase(self, n: int = 0) -> Sequence[Said]:
        data = CaseErased(case_id=self.case_id(n), household_id=self.household_id(n))
        return self.hear(CASES.name, self.case_id(n), data)

    @staticmethod
    def deadline(on: date) -> DeadlineFact:
        return DeadlineFact(rule="SCHONFRIST_END", on=on, basis=Basis.LOWER_BOUND, rule_version="2026-01-01")

    def household(self, n: int = 0, *, version: int = 1, addresses: Iterable[AddressRecord] | None = None) -> Sequence[Said]:
        record = HouseholdRecorded(
            household_id=self.household_id(n),
            version=version,
            members=(
                Member(person_id=ANNA, family_name="Muster", given_name="Anna", telephone="0251 1"),
                Member(person_id=BEN, family_name="Muster", given_name="Ben"),
            ),
            addresses=tuple(addresses) if addresses is not None else (lives("Hauptstraße", ANNA, BEN),),
            claims=(Claim.model_validate({"case_id": self.case_id(n), "claimed_arrears": "2400.00", "monthly_rent": "800.00"}),),
        )
        return self.hear(HOUSEHOLDS.name, self.household_id(n), record)

    def assess(self, *needs: Need, n: int = 0, report: UUID | None = None, **fields: object) -> Sequence[Said]:
        known: dict[str, object] = {
            "case_id": self.case_id(n), "report_id": report or self.fresh(), "assessed_on": self.now.date(), "district": "NORD",
            "needs": needs, "household_type": HouseholdType.COUPLE,
        }  # fmt: skip
        return self.hear(ASSESSMENTS.name, self.case_id(n), AssessmentRecorded.model_validate(known | fields))

    def consent(
        self,
        person: UUID = ANNA,
        purpose: ConsentPurpose = ConsentPurpose.REFERRAL,
        form: ConsentForm = ConsentForm.WRITTEN,
        n: int = 0,
    ) -> UUID:
        consent = self.fresh()
        data = ConsentGiven(
            case_id=self.case_id(n), consent_id=consent, person_id=person, purpose=purpose, form=form, given_on=self.now.date()
        )
        self.hear(ASSESSMENTS.name, self.case_id(n), data)
        return consent

    def withdraw(self, consent: UUID, person: UUID = ANNA, n: int = 0) -> Sequence[Said]:
        data = ConsentWithdrawn(case_id=self.case_id(n), consent_id=consent, person_id=person, withdrawn_on=self.now.date())
        return self.hear(ASSESSMENTS.name, self.case_id(n), data)

    def correct(self, report: UUID, n: int = 0) -> Sequence[Said]:
        data = ReportCorrected(case_id=self.case_id(n), report_id=self.fresh(), corrects=report)
        return self.hear(VISITS.name, self.case_id(n), data)

    def close(self, n: int = 0) -> Sequence[Said]:
        data = OutcomeRecorded(case_id=self.case_id(n), outcome=Outcome.TENANCY_KEPT_INSTALMENTS, ended_on=self.now.date())
        return self.hear(OUTCOMES.name, self.case_id(n), data)

    def reply(self, provider: str, kind: type[Reply], referral: UUID, **fields: object) -> Sequence[Said]:
        known = {"referral_id": referral, "channel": Channel.PROVIDER, "actor": "desk", "recorded_at": self.now}
        return self.hear(REPLIES.of(provider), referral, kind.model_validate(known | fields))

    def refused(self, provider: str, kind: type[Reply], referral: UUID, **fields: object) -> tuple[str | None, str]:
        """Field and rule of an answer that must be rejected, and that it changed nothing."""
        before = dict(self.files)
        try:
            self.reply(provider, kind, referral, **fields)
        except Rejected as refusal:
            assert self.files == before
            return refusal.field, refusal.rule
        raise AssertionError("the answer took effect")

    # what providers say, about the newest referral for a need

    def accept(self, need: Need, n: int = 0) -> Sequence[Said]:
        return self._of_current(need, OfferAccepted, n)

    def reject(self, need: Need, n: int = 0) -> Sequence[Said]:
        return self._of_current(need, OfferRejected, n, reason=ReplyRejection.NO_CAPACITY)

    def decline(self, need: Need, n: int = 0) -> Sequence[Said]:
        return self._of_current(need, DeclinedByHousehold, n)

    def start(self, need: Need, n: int = 0) -> Sequence[Said]:
        return self._of_current(need, SupportStarted, n, started_on=self.now.date())

    def end(self, need: Need, n: int = 0) -> Sequence[Said]:
        return self._of_current(need, SupportEnded, n, ended_on=self.now.date(), result=SupportResult.GOAL_REACHED)

    def grant(self, need: Need = Need.ARREARS_ASSUMPTION, n: int = 0) -> Sequence[Said]:
        decision = {"decision": ApplicationDecision.GRANTED, "decided_on": self.now.date(), "amount": "2400.00"}
        return self._of_current(need, ApplicationAnswered, n, **decision)

    def undertake(self, received: date | None = None, n: int = 0) -> Sequence[Said]:
        dates = {"sent_on": self.now.date(), "received_by_landlord_on": received}
        return self._of_current(Need.ARREARS_ASSUMPTION, UndertakingReported, n, **dates)

    def _of_current(self, need: Need, kind: type[Reply], n: int, **fields: object) -> Sequence[Said]:
        referral = self.referral(need, n)
        assert referral.provider is not None
        return self.reply(referral.provider, kind, referral.referral_id, **fields)

    # time

    def day(self, day: date) -> Sequence[Said]:
        """The morning of that day: what is overdue times out."""
        self.now = at(day)
        said: list[Said] = []
        for case_id in sorted(self.files):
            elsewhere: Counter[str] = sum((f.held() for i, f in self.files.items() if i != case_id), Counter())
            file = self.files[case_id]
            household = self.households.get(file.facts.household_id) if file.facts else None
            desk = Desk(self.now, self.room.policy, self.room.new_id, household, elsewhere)
            timed_out, told = time_out(file, desk)
            self.files[case_id], more = settle(timed_out, desk)
            said += told + more
        self.said += said
        return said


def lives(street: str, *persons: UUID, disclosure: Disclosure = Disclosure.HOUSEHOLD, until: date | None = None) -> AddressRecord:
    """Where these persons live."""
    return AddressRecord(
        address_id=uuid5(NAMESPACE_URL, street),
        person_ids=persons,
        address=Address(street=street, house_number="1", postcode="48155", place="Münster"),
        district="NORD",
        disclosure=disclosure,
        until=until,
    )
