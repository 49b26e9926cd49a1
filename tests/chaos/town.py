"""The load: partners file suits and what follows from them, caseworkers go to the door, providers answer. Seeded, no I/O.

What each of them does next lies in a diary by the second in which it is due.
"""

from __future__ import annotations

import heapq
import itertools
import string
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from deploy.demo.chance import Chance
from deploy.demo.letters import Letter
from deploy.demo.talks import talk
from shared.city import City
from shared.contracts.catalogue import FIELD_REPORTS, NOTICES, REPLIES
from shared.contracts.codes import (
    Answer,
    ApplicationDecision,
    AttemptResult,
    Channel,
    ConsentForm,
    ConsentPurpose,
    LegalBasis,
    ReplyRejection,
    Window,
)
from shared.contracts.fields import Event
from shared.contracts.topics.assignments import AssignmentCreated, Resident
from shared.contracts.topics.field_reports import AttemptReported, ConsentReported, SlotReported
from shared.contracts.topics.handovers import HandoverMade
from shared.contracts.topics.notices import (
    HearingMoved,
    HearingSet,
    NoticeCorrected,
    Party,
    ProceedingRef,
    ServiceReported,
    SuitFiled,
)
from shared.contracts.topics.offers import OfferMade
from shared.contracts.topics.parts import GivenAddress
from shared.contracts.topics.replies import ApplicationAnswered, OfferAccepted, OfferRejected, SupportStarted
from shared.runtime.clock import BERLIN
from tests.chaos.history import History

COURT, SECOND_OFFICE, OVER_HTTP = (NOTICES.of(each) for each in ("ag-muenster", "jobcenter", "sozialamt"))
WINDOWS = tuple(Window)


@dataclass(slots=True)
class Town:
    """Everybody outside. `now` is the second of the run; `hear` and `answered` make it an audience of the demo's clients."""

    city: City
    chance: Random
    history: History = field(default_factory=History)
    now: float = 0.0
    _diary: list[tuple[float, int, Letter]] = field(default_factory=list)
    _entries: itertools.count[int] = field(default_factory=itertools.count)
    _authorities: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._authorities = frozenset(each.id for each in self.city.providers if each.kind == "AUTHORITY")

    def due(self) -> list[Letter]:
        """What is sent now, noted in the history."""
        letters = []
        while self._diary and self._diary[0][0] <= self.now:
            letters.append(heapq.heappop(self._diary)[2])
        for letter in letters:
            self.history.note(letter)
        return letters

    @property
    def busy(self) -> bool:
        """Whether somebody has still something to say."""
        return bool(self._diary)

    def turn_round(self) -> None:
        """All that lies ahead happens backwards."""
        ahead = sorted(self._diary)
        times = [at for at, _, _ in ahead]
        self._diary = [(at, n, letter) for at, (_, n, letter) in zip(times, reversed(ahead), strict=True)]
        heapq.heapify(self._diary)

    def sued(self) -> None:
        """A suit, and with some luck what else is heard of it: some of it before the suit itself."""
        suit = self._suit()
        filed = Letter(self._one_of(COURT, COURT, COURT, OVER_HTTP), suit, twice=self._happens(0.15))
        self._later(filed, self.chance.uniform(0, 2))
        if self._happens(0.25):
            self._later(Letter(SECOND_OFFICE, suit), self.chance.uniform(0, 2))
        if self._happens(0.3):
            served = self._about(suit, ServiceReported, served_on=suit.filed_on, defendants=suit.defendants[:1])
            self._later(Letter(COURT, served), self.chance.uniform(0, 4))
        if self._happens(0.25):
            at = datetime.now(UTC) + timedelta(days=self.chance.randint(20, 60))
            self._later(Letter(COURT, self._about(suit, HearingSet, hearing_at=at)), self.chance.uniform(0, 4))
            if self._happens(0.4):
                moved = self._about(suit, HearingMoved, hearing_at=at + timedelta(days=7), previous_at=at)
                self._later(Letter(COURT, moved), self.chance.uniform(0, 6))
        if self._happens(0.15):
            content = suit.model_copy(update={"claimed_arrears": Decimal(self.chance.randint(500, 9000))})
            corrected = self._about(suit, NoticeCorrected, corrects=filed.id, content=content)
            self._later(Letter(filed.topic, corrected), self.chance.uniform(0, 6))

    def hear(self, topic: str, event: Event) -> None:
        """What the services write to teams and providers."""
        member = topic.partition(".")[2]
        match event:
            case AssignmentCreated():
                self._visited(member, event)
            case OfferMade():
                self._offered(member, event)
            case HandoverMade() if member not in self._authorities:
                started = SupportStarted(**self._outside(), referral_id=event.referral_id, started_on=_today())
                self._later(Letter(REPLIES.of(member), started, event.referral_id), self.chance.uniform(0, 3))
            case _:
                pass

    def answered(self, message: UUID, answer: Answer) -> None:
        """A receipt."""
        self.history.answers[message] = answer

    def _visited(self, team: str, assignment: AssignmentCreated) -> None:
        head = {**self._outside(), "case_id": assignment.case_id}
        if self._happens(0.3):
            slot = SlotReported(**head, visit_id=assignment.visit_id, planned_on=_today(), window=self._one_of(*WINDOWS))
            self._later(Letter(FIELD_REPORTS.of(team), slot, assignment.case_id), self.chance.uniform(0, 1))
        if self._happens(0.4):
            return
        met = self._happens(0.6)
        attempt = AttemptReported(
            **head,
            visit_id=assignment.visit_id,
            attempted_on=_today(),
            window=self._one_of(*WINDOWS),
            result=AttemptResult.MET if met else AttemptResult.NOT_MET,
            information_handed_over=met,
            talk=talk(len(assignment.residents), None, Chance(self.chance.random())) if met else None,
        )
        after = self.chance.uniform(1, 5)
        self._later(Letter(FIELD_REPORTS.of(team), attempt, assignment.case_id, twice=self._happens(0.1)), after)
        for resident in assignment.residents if met else ():
            self._later(Letter(FIELD_REPORTS.of(team), self._consent(head, resident), assignment.case_id), after)

    def _consent(self, head: dict[str, Any], resident: Resident) -> ConsentReported:
        return ConsentReported(
            **head,
            person_id=resident.person_id,
            purpose=ConsentPurpose.REFERRAL,
            form=ConsentForm.WRITTEN,
            given_on=_today(),
        )

    def _offered(self, provider: str, offer: OfferMade) -> None:
        head = {**self._outside(), "referral_id": offer.referral_id}
        reply: Event
        if provider in self._authorities:
            reply = ApplicationAnswered(**head, decision=ApplicationDecision.GRANTED, decided_on=_today(), amount="2345.67")
        elif self._happens(0.8):
            reply = OfferAccepted(**head)
        else:
            reply = OfferRejected(**head, reason=ReplyRejection.NO_CAPACITY)
        letter = Letter(REPLIES.of(provider), reply, offer.referral_id, twice=self._happens(0.1))
        self._later(letter, self.chance.uniform(0, 3))

    def _suit(self) -> SuitFiled:
        street = self.chance.choice([each for each in self.city.streets if each.numbers])
        home = GivenAddress(street=street.street, house_number=self._one_of(*street.numbers), place=self.city.name)
        people = tuple(
            Party(family_name=self._name(), given_name=self._name(), address=home) for _ in range(self.chance.randint(1, 2))
        )
        return SuitFiled(
            **self._outside(),
            legal_basis=LegalBasis.SGB2_22_9,
            filed_on=datetime.now(UTC).date(),
            proceeding=ProceedingRef(court_code="R2713", docket=f"{self.chance.randint(1, 99)} C {self._name()}/26"),
            defendants=people,
        )

    def _about(self, suit: SuitFiled, kind: type[Event], **fields: Any) -> Event:  # noqa: ANN401  the fields of a notice
        return kind(**self._outside(), legal_basis=suit.legal_basis, proceeding=suit.proceeding, **fields)

    def _outside(self) -> dict[str, Any]:
        return {"channel": Channel.PARTNER_JSON, "actor": "constructed", "recorded_at": datetime.now(UTC)}

    def _name(self) -> str:
        """Like no other: what differs in its digits alone sounds the same."""
        return "".join(self.chance.choices(string.ascii_lowercase, k=12)).title()

    def _one_of(self, *each: Any) -> Any:  # noqa: ANN401  one of these
        return self.chance.choice(each)

    def _happens(self, probability: float) -> bool:
        return self.chance.random() < probability

    def _later(self, letter: Letter, after_s: float) -> None:
        heapq.heappush(self._diary, (self.now + after_s, next(self._entries), letter))


def _today() -> date:
    return datetime.now(BERLIN).date()
