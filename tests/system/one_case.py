"""One household's whole way: told by two partners, visited, referred, helped, and at its end. Every service speaks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from deploy.cli.target import Target
from deploy.local.system import MUENSTER
from shared.city import load_city
from shared.contracts.catalogue import ASSIGNMENTS, FIELD_REPORTS, HANDOVERS, OFFERS, OUTCOMES, REFERRALS, REPLIES
from shared.contracts.codes import (
    AdviceTopic,
    ApplicationDecision,
    ArrearsCause,
    AttemptResult,
    Benefit,
    Channel,
    ConsentForm,
    ConsentPurpose,
    Evidence,
    HouseholdType,
    LegalBasis,
    LegalFact,
    Need,
    NeedGroup,
    Outcome,
    SupportResult,
    Window,
)
from shared.contracts.fields import Event
from shared.contracts.topics.assignments import AssignmentCreated
from shared.contracts.topics.field_reports import (
    AttemptReported,
    ConsentReported,
    FieldReport,
    LegalFactReported,
    OutcomeReported,
    ReportedCause,
    Talk,
)
from shared.contracts.topics.handovers import HandoverMade
from shared.contracts.topics.notices import Party, ProceedingRef, SelfReported
from shared.contracts.topics.offers import OfferMade
from shared.contracts.topics.outcomes import OutcomeRecorded
from shared.contracts.topics.parts import GivenAddress
from shared.contracts.topics.referrals import ReferralChanged
from shared.contracts.topics.replies import ApplicationAnswered, OfferAccepted, Reply, SupportEnded, SupportStarted
from shared.messaging.wire import Raw
from shared.runtime.clock import BERLIN
from tests.system.one_notice import COURT, Sender, events, header, message, read, settled, suit
from tests.waiting import eventually

CITY = load_city(MUENSTER)
ASSIGNED = [ASSIGNMENTS.of(team.id) for team in CITY.teams]
OFFERED = [OFFERS.of(provider.id) for provider in CITY.providers]
HANDED_OVER = [HANDOVERS.of(provider.id) for provider in CITY.providers]


def mark() -> str:
    """A word that occurs nowhere else."""
    return f"Kanari{uuid4().hex[:12]}"


@dataclass(frozen=True, slots=True)
class Marks:
    """The words by which a household's personal data is known again wherever it turns up."""

    family_name: str = field(default_factory=mark)
    given_name: str = field(default_factory=mark)
    street: str = field(default_factory=mark)
    addition: str = field(default_factory=mark)
    docket: str = field(default_factory=mark)
    telephone: str = field(default_factory=mark)
    landlord: str = field(default_factory=mark)
    wish: str = field(default_factory=mark)
    note: str = field(default_factory=mark)
    actor: str = field(default_factory=mark)

    def person(self) -> Party:
        """The tenant as a partner writes him."""
        address = GivenAddress(street=self.street, house_number="7", addition=self.addition, postcode="48153", place="Münster")
        return Party(family_name=self.family_name, given_name=self.given_name, address=address)

    def suit(self, **changes: Any) -> Event:  # noqa: ANN401  the fields of a notice
        """The suit against this household."""
        fields = {
            "actor": self.actor,
            "defendants": (self.person(),),
            "plaintiffs": (Party(family_name=self.landlord),),
            "proceeding": ProceedingRef(court_code="R2713", docket=self.docket),
            "claimed_arrears": "2345.67",
        }
        return suit(1, **{**fields, **changes})

    def self_report(self) -> Event:
        """What the household itself told the office."""
        return SelfReported(
            channel=Channel.SELF,
            actor=self.actor,
            legal_basis=LegalBasis.OWN_REQUEST,
            recorded_at=datetime.now(UTC),
            tenants=(self.person(),),
            telephone=self.telephone,
            message=self.wish,
        )


@dataclass(frozen=True, slots=True)
class Played:
    """What was played: whose, in which case, and by which first notice."""

    marks: Marks
    notice_id: UUID
    case_id: UUID


async def play(target: Target) -> Played:
    """The whole way of one household, until everything has settled."""
    stage, marks = _Stage(target, Sender(target.bootstrap)), Marks()
    await stage.say(message("notices.selbstmeldung", marks.self_report()))
    (notice,) = await stage.say(message(COURT, marks.suit()))
    sent, assignment = await stage.heard(ASSIGNED, AssignmentCreated, lambda one: _named(one.residents, marks))
    team = sent.topic.partition(".")[2]
    case_id, person_id = assignment.case_id, assignment.residents[0].person_id

    def report(kind: type[FieldReport], **fields: Any) -> Raw:  # noqa: ANN401  the fields of a report
        data = kind(case_id=case_id, note=marks.note, **_outside(marks), **fields)
        return message(FIELD_REPORTS.of(team), data, key=case_id)

    today = datetime.now(BERLIN).date()
    talk = Talk(
        topics=(AdviceTopic.SCHONFRIST,),
        causes=(ReportedCause(cause=ArrearsCause.UNEMPLOYMENT, primary=True),),
        needs=(Need.ARREARS_ASSUMPTION, Need.DEBT_COUNSELLING),
        household_type=HouseholdType.SINGLE,
        benefit=Benefit.SGB2,
        languages=("de",),
    )
    await stage.say(
        report(
            AttemptReported,
            visit_id=assignment.visit_id,
            attempted_on=today,
            window=Window.MORNING,
            result=AttemptResult.MET,
            information_handed_over=True,
            talk=talk,
        ),
        report(LegalFactReported, fact=LegalFact.SERVED, on=today, evidence=Evidence.DOCUMENT, person_id=person_id),
        report(
            ConsentReported,
            person_id=person_id,
            purpose=ConsentPurpose.REFERRAL,
            form=ConsentForm.WRITTEN,
            given_on=today,
        ),
    )

    def reply(offered: Raw, offer: OfferMade, kind: type[Reply], **fields: Any) -> Raw:  # noqa: ANN401  the fields of a reply
        topic = REPLIES.of(offered.topic.partition(".")[2])
        return message(topic, kind(referral_id=offer.referral_id, **_outside(marks), **fields), key=offer.referral_id)

    counselling = await stage.offer(case_id, NeedGroup.ADVICE)
    await stage.say(reply(*counselling, OfferAccepted))
    await stage.heard(HANDED_OVER, HandoverMade, lambda one: one.referral_id == counselling[1].referral_id)
    await stage.say(reply(*counselling, SupportStarted, started_on=today))
    await stage.say(reply(*counselling, SupportEnded, ended_on=today, result=SupportResult.GOAL_REACHED))
    money = await stage.offer(case_id, NeedGroup.MONEY)
    await stage.say(reply(*money, ApplicationAnswered, decision=ApplicationDecision.GRANTED, decided_on=today, amount="2345.67"))
    await stage.say(report(OutcomeReported, outcome=Outcome.TENANCY_KEPT_ASSUMPTION_SGB2, ended_on=today))
    await stage.heard([OUTCOMES.name], OutcomeRecorded, lambda one: one.case_id == case_id)
    await settled(target)
    return Played(marks, notice, case_id)


@dataclass(slots=True)
class _Stage:
    target: Target
    sender: Sender

    async def say(self, *raws: Raw) -> list[UUID]:
        """Send, and see each message accepted."""
        ids = await self.sender.send(*raws)
        await self.sender.until_answered()
        answers = [self.sender.answers[each] for each in ids]
        assert {each.answer for each in answers} == {"accepted"}, answers
        return ids

    async def heard(self, topics: Iterable[str], kind: type[Event], fits: Any) -> tuple[Raw, Any]:  # noqa: ANN401  per type
        """Wait for an event of this type that fits; its record and data."""

        async def there() -> tuple[Raw, Any] | None:
            for raw in await read(self.target.bootstrap, topics):
                if header(raw, "ce_type") == kind.TYPE and fits(events([raw], kind)[0]):
                    return raw, events([raw], kind)[0]
            return None

        found: tuple[Raw, Any] = await eventually(there, within_s=30)
        return found

    async def offer(self, case_id: UUID, group: NeedGroup) -> tuple[Raw, OfferMade]:
        """Wait until a provider was asked to help this case."""
        _, told = await self.heard([REFERRALS.name], ReferralChanged, lambda one: (one.case_id, one.group) == (case_id, group))
        raw, offered = await self.heard(OFFERED, OfferMade, lambda one: one.referral_id == told.referral_id)
        return raw, offered


def _outside(marks: Marks) -> dict[str, Any]:
    return {"channel": Channel.AUTHORITY, "actor": marks.actor, "recorded_at": datetime.now(UTC)}


def _named(persons: Iterable[Any], marks: Marks) -> bool:
    return any(each.family_name == marks.family_name for each in persons)
