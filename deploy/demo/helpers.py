"""Simulated providers and authorities: they answer offers, help, and decide applications. Pure but for ids of messages.

An offer carries codes only; when an authority decides and sends its undertaking hangs on the names in the handover, so
that it is the same in each run, whichever office was asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from deploy.demo.chance import Chance
from deploy.demo.letters import Letter
from shared.calendar import add_working_days
from shared.city import City
from shared.contracts.catalogue import REPLIES
from shared.contracts.codes import ApplicationDecision, Channel, Need, ReplyRejection, SupportResult
from shared.contracts.fields import Event
from shared.contracts.topics.handovers import HandoverMade, HandoverRecalled
from shared.contracts.topics.offers import OfferMade, OfferWithdrawn
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
from shared.runtime.clock import BERLIN

_ANSWERS = {"yes": 72, "no": 16, "silence": 12}
_REJECTIONS = {ReplyRejection.NO_CAPACITY: 60, ReplyRejection.NOT_ELIGIBLE: 25, ReplyRejection.WRONG_SERVICE: 15}
_DECISIONS = {ApplicationDecision.GRANTED: 65, ApplicationDecision.REFUSED: 30, ApplicationDecision.WITHDRAWN: 5}
_RESULTS = {SupportResult.GOAL_REACHED: 55, SupportResult.PARTLY_REACHED: 25, SupportResult.BROKEN_OFF: 20}

Writes = Callable[[dict[str, object]], Reply]


@dataclass(slots=True)
class Helpers:
    """All providers. `undertakings` tells for a family name on which day the landlord has the city's undertaking."""

    seed: int
    city: City
    undertakings: Mapping[str, date] = field(default_factory=dict)
    _due: dict[tuple[str, UUID], list[tuple[date, Writes]]] = field(default_factory=dict)
    _offers: dict[tuple[str, UUID], OfferMade] = field(default_factory=dict)
    _open: set[tuple[str, UUID]] = field(default_factory=set)
    _fresh: dict[tuple[str, UUID], HandoverMade | None] = field(default_factory=dict)

    def hear(self, provider: str, event: Event) -> None:
        """An offer or handover came, or was taken back."""
        match event:
            case OfferMade():
                self._offers[provider, event.referral_id] = event
                self._fresh.setdefault((provider, event.referral_id), None)
                self._open.add((provider, event.referral_id))
            case HandoverMade():
                self._fresh[provider, event.referral_id] = event
            case OfferWithdrawn() | HandoverRecalled():
                self._due.pop((provider, event.referral_id), None)
                self._fresh.pop((provider, event.referral_id), None)
                self._open.discard((provider, event.referral_id))
            case _:
                pass

    def consider(self, today: date) -> None:
        """Put what came into the diary: called when everything of the moment has arrived."""
        authorities = {each.id for each in self.city.providers if each.kind == "AUTHORITY"}
        for (provider, referral), handover in self._fresh.items():
            entries = self._due.setdefault((provider, referral), [])
            if provider in authorities:
                if not entries:
                    entries += self._decides(handover, today)
            elif handover is None:
                entries += self._answers(provider, self._offers[provider, referral], today)
            elif not any(on > today for on, _ in entries):
                entries += self._helps(handover, today)
        self._fresh.clear()

    def replies(self, now: datetime) -> Iterator[Letter]:
        """What is written today."""
        for (provider, referral), entries in self._due.items():
            for entry in [entry for entry in entries if entry[0] <= now.date()]:
                entries.remove(entry)
                self._open.discard((provider, referral))
                head = {
                    "channel": Channel.PROVIDER,
                    "actor": f"{provider} (constructed)",
                    "recorded_at": now.astimezone(BERLIN),
                    "referral_id": referral,
                }
                yield Letter(REPLIES.of(provider), entry[1](head), referral)

    def busy_on(self) -> date | None:
        """The next day on which somebody writes, None when nobody has anything to write."""
        return min((on for entries in self._due.values() for on, _ in entries), default=None)

    @property
    def waiting(self) -> bool:
        """Whether the city waits for somebody's word; silence, too, has to run out day by day."""
        return bool(self._open)

    def _answers(self, provider: str, offer: OfferMade, today: date) -> Iterator[tuple[date, Writes]]:
        chance = Chance(self.seed, provider, offer.service, offer.district, offer.household_type, offer.answer_by)
        answer, reason = chance.one_of(_ANSWERS), chance.one_of(_REJECTIONS)
        soon = min(add_working_days(today, chance.between(0, 2), self.city.calendar), offer.answer_by)
        if answer == "yes":
            yield soon, lambda head: OfferAccepted(**head)
        elif answer == "no":
            yield soon, lambda head: OfferRejected(**head, reason=reason)

    def _helps(self, handover: HandoverMade, today: date) -> Iterator[tuple[date, Writes]]:
        chance = Chance(self.seed, _names(handover), handover.need, "helps")
        if chance.happens(0.05):
            yield add_working_days(today, 1, self.city.calendar), lambda head: DeclinedByHousehold(**head)
            return
        first = add_working_days(today, chance.between(1, 5), self.city.calendar)
        last = add_working_days(first, chance.between(15, 50), self.city.calendar)
        result = chance.one_of(_RESULTS)
        yield first, lambda head: SupportStarted(**head, started_on=first)
        yield last, lambda head: SupportEnded(**head, ended_on=last, result=result)

    def _decides(self, handover: HandoverMade | None, today: date) -> Iterator[tuple[date, Writes]]:
        names = _names(handover) if handover is not None else ""
        chance = Chance(self.seed, names, handover.need if handover else "", "decides")
        on = add_working_days(today, chance.between(1, 2), self.city.calendar)
        decision = chance.one_of(_DECISIONS)
        persons = handover.persons if handover is not None else ()
        fixed = next((self.undertakings[each.family_name] for each in persons if each.family_name in self.undertakings), None)
        if fixed is not None:
            on, decision = min(on, fixed), ApplicationDecision.GRANTED
        arrears = (handover.claimed_arrears if handover else None) or Decimal(1500)
        amount = arrears if decision is ApplicationDecision.GRANTED else None
        yield on, lambda head: ApplicationAnswered(**head, decision=decision, decided_on=on, amount=amount)
        if decision is ApplicationDecision.GRANTED and handover is not None and handover.need is Need.ARREARS_ASSUMPTION:
            sent = add_working_days(on, 1, self.city.calendar) if fixed is None else on
            there = add_working_days(sent, chance.between(1, 3), self.city.calendar) if fixed is None else fixed
            yield sent, lambda head: UndertakingReported(**head, sent_on=sent)
            yield there, lambda head: UndertakingReported(**head, sent_on=sent, received_by_landlord_on=there)


def _names(handover: HandoverMade) -> str:
    return " ".join(sorted(f"{each.family_name} {each.given_name}" for each in handover.persons))
