"""The checker of a run of faults can say no: each kind of loss, doubling and disorder is found in a history that has it.

So can the run itself: what was not inflicted does not count, and what raises is summed up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.errors import KafkaConnectionError

from deploy.cli.target import SERVICES
from deploy.demo.letters import Letter
from deploy.local.system import MUENSTER
from shared.city import load_city
from shared.contracts.catalogue import CASES, HANDOVERS, OFFERS, REFERRALS, VISITS
from shared.contracts.codes import Answer, Need, NeedGroup, ReferralState, TransmissionBasis, WithdrawReason
from shared.contracts.fields import Event
from shared.contracts.topics.assessments import AssessmentRecorded
from shared.contracts.topics.field_reports import AttemptReported, FieldReport, SlotReported, Talk
from shared.contracts.topics.handovers import HandedPerson, HandoverMade, HandoverRecalled
from shared.contracts.topics.parts import RecordErased
from shared.contracts.topics.referrals import ReferralChanged
from shared.messaging.wire import Envelope, Raw, encode
from tests.chaos.evidence import SERVICE, Evidence, Owed, Place, take, take_written
from tests.chaos.faults import LEADER, Fault, Kind, schedule
from tests.chaos.ground import Ground
from tests.chaos.history import History
from tests.chaos.inflict import Inflictor
from tests.chaos.messages import EFFECTS
from tests.chaos.run import Options, chaos
from tests.chaos.town import COURT, Town
from tests.chaos.verdict import Verdict, judge

CITY = load_city(MUENSTER)
CASE, PERSON, ADDRESS, SUIT, OBLIGATION, VISIT, REFERRAL, SECOND_PERSON = (UUID(int=n) for n in range(8))
KEY, TOLD = (CASES.name, str(CASE)), (VISITS.name, str(CASE))
OFFERED, HANDED = (OFFERS.of("skf"), str(REFERRAL)), (HANDOVERS.of("skf"), str(REFERRAL))
FIRST, SECOND, ANSWER = (Place(n, str(uuid4())) for n in (1, 2, 1))
KINDS: tuple[type[Event], ...] = (*EFFECTS, SlotReported)
SENT = {kind: uuid4() for kind in KINDS}
"""One message of each kind that follows a visit or an offer."""
REPORT = SENT[AttemptReported]
REFUSED, PARKED = UUID(int=1), UUID(int=2)  # in names of tests: every worker must make the same
POISON = [*(Raw(COURT, b"k", b"{", (("ce_id", str(each).encode()),)) for each in (REFUSED, PARKED)), Raw(COURT, b"k", b"{", ())]
INTRUDER = Raw(CASES.name, b"k", b"{", ())


@dataclass(frozen=True, slots=True)
class Told:
    """A history, the evidence of it, and the history's one notice."""

    history: History
    evidence: Evidence
    notice: UUID


def told() -> Told:
    """One suit against one defendant who was visited once, and helped, as it should be; and poison of each kind."""
    town = Town(CITY, Random(3))  # noqa: S311  a town, no secret
    town.sued()
    town.now = 60.0
    filed = next(each for each in town.due() if each.topic == COURT)
    history = History()
    history.note(filed)
    history.people = dict.fromkeys(history.people, 1)
    for kind, message in SENT.items():
        history.note(Letter("the sender's", kind.model_construct(talk=Talk()), CASE, id=message))  # nothing else is asked for
    history.answers = dict.fromkeys(history.sent, Answer.ACCEPTED)
    history.poison = [*POISON, INTRUDER]
    history.reused = {filed.id}
    facts = {KEY: [FIRST, SECOND], TOLD: [ANSWER]}
    evidence = Evidence(
        wire={key: list(places) for key, places in facts.items()},
        journals={key: list(places) for key, places in facts.items()},
        contents={(key, place): {"content"} for key, places in facts.items() for place in places},
        written={(key, place): "content" for key, places in facts.items() for place in places},
        streams={KEY: 2, TOLD: 1},
        progress={reader: {KEY: 2, TOLD: 1} for reader in SERVICES},
        answers={filed.id: ["accepted", "duplicate", "rejected"], REFUSED: ["rejected", "duplicate"], PARKED: ["parked"]},
        inbound={**{each: ["accepted"] for each in history.sent}, REFUSED: ["rejected"], PARKED: ["parked"]},
        parked={reader: [INTRUDER] for reader in SERVICES} | {"intake": POISON[1:]},
        cases={filed.id: CASE},
        owed=[Owed(CASE, PERSON, ADDRESS, SUIT, 1, OBLIGATION)],
        created=[VISIT],
        assigned={OBLIGATION},
        told=[*((SENT[kind], what) for kind, what in EFFECTS.items()), (REPORT, AssessmentRecorded.TYPE)],
        filed=[message for kind, message in SENT.items() if issubclass(kind, FieldReport)],
        passed_on={
            OFFERED: [frozenset(), None, frozenset()],
            HANDED: [frozenset({PERSON}), frozenset({PERSON, SECOND_PERSON}), None, frozenset({PERSON})],
        },
        facts=[(*KEY, 1), (*KEY, 2), (*TOLD, 1)],
    )
    return Told(history, evidence, filed.id)


def told_of_two_cases(case: Told) -> None:
    next(iter(case.history.suits.values())).add(VISIT)
    case.evidence.cases[VISIT] = PERSON


def two_suits_in_one(case: Told) -> None:
    case.history.suits["other"] = {VISIT}
    case.evidence.cases[VISIT] = CASE


def owed_twice(case: Told) -> None:
    case.evidence.owed.append(case.evidence.owed[0]._replace(obligation_id=VISIT))
    case.evidence.assigned.add(VISIT)


def without_the_first(case: Told) -> None:
    case.evidence.journals[KEY].remove(FIRST)
    case.evidence.wire[KEY].remove(FIRST)


def test_what_is_as_it_should_be_is_left_alone() -> None:
    assert spoilt(lambda _: None) == Verdict((), (), ())


LOSSES: dict[str, Callable[[Told], object]] = {
    "no answer": lambda c: c.history.answers.pop(c.notice),
    "needs a person": lambda c: c.history.answers.update({c.notice: Answer.PARKED}),
    "kept as None": lambda c: c.evidence.inbound.pop(c.notice),
    "has no case": lambda c: c.evidence.cases.clear(),
    "of 1 defendants": lambda c: c.evidence.owed.clear(),
    "nobody was sent": lambda c: c.evidence.assigned.clear(),
    "never told as de.bleibe.assessment": lambda c: c.evidence.told.remove((REPORT, AssessmentRecorded.TYPE)),
    "is in no case's file": lambda c: c.evidence.filed.remove(SENT[SlotReported]),
    "used again and nobody refused it": lambda c: c.evidence.answers[c.notice].remove("rejected"),
    f"poison {REFUSED} was answered []": lambda c: c.evidence.answers.pop(REFUSED),
    f"poison {PARKED} on {COURT} lies parked 0 times": lambda c: c.evidence.parked["intake"].remove(POISON[1]),
    f"poison without an id on {COURT} lies parked 0 times": lambda c: c.evidence.parked["intake"].remove(POISON[2]),
    "on cases lies parked 0 times at referral": lambda c: c.evidence.parked["referral"].clear(),
    "is not on its topic": lambda c: c.evidence.wire[KEY].pop(),
    "is not told as it was written": lambda c: c.evidence.contents[KEY, SECOND].add("another"),
    "outreach has read 1 of 2": lambda c: c.evidence.progress["outreach"].update({KEY: 1}),
    "reporting has no fact": lambda c: c.evidence.facts.pop(),
}
DOUBLES: dict[str, Callable[[Told], object]] = {
    "was accepted 2 times": lambda c: c.evidence.answers[c.notice].append("accepted"),
    "is kept 2 times": lambda c: c.evidence.inbound[c.notice].append("accepted"),
    "became 2 cases": told_of_two_cases,
    "suits of strangers": two_suits_in_one,
    "has 2 persons to visit": lambda c: c.evidence.excused.add((CASE, VISIT)),
    "is owed 2 times": owed_twice,
    "was assigned anew": lambda c: c.evidence.created.append(VISIT),
    "2 times as de.bleibe.assessment": lambda c: c.evidence.told.append((REPORT, AssessmentRecorded.TYPE)),
    "was filed 2 times": lambda c: c.evidence.filed.append(REPORT),
    f"poison {REFUSED} was answered ['rejected', 'rejected']": lambda c: c.evidence.answers[REFUSED].append("rejected"),
    f"poison {PARKED} took effect": lambda c: c.evidence.inbound.update({PARKED: ["accepted"]}),
    "lies parked 2 times at intake": lambda c: c.evidence.parked["intake"].append(POISON[2]),
    "offers.skf": lambda c: c.evidence.passed_on[OFFERED].remove(None),
    "handovers.skf": lambda c: c.evidence.passed_on[HANDED].remove(None),
    "was never written": lambda c: c.evidence.written.pop((KEY, SECOND)),
    "was taken twice": lambda c: c.evidence.facts.append(c.evidence.facts[0]),
    "2 stands for 2 events": lambda c: c.evidence.wire[KEY].append(Place(2, str(uuid4()))),
    "more than one place": lambda c: c.evidence.wire[TOLD].append(Place(2, ANSWER.event_id)),
    "of which 1 were written": lambda c: c.evidence.progress["intake"].update({TOLD: 2}),
}
DISORDER: dict[str, Callable[[Told], object]] = {
    "1 came after 2": lambda c: c.evidence.wire[KEY].reverse(),
    "numbered with gaps": without_the_first,
}


@pytest.mark.parametrize("words", LOSSES)
def test_a_loss_is_found(words: str) -> None:
    assert any(words in each for each in spoilt(LOSSES[words]).lost)


@pytest.mark.parametrize("words", DOUBLES)
def test_a_double_is_found(words: str) -> None:
    assert any(words in each for each in spoilt(DOUBLES[words]).doubled)


@pytest.mark.parametrize("words", DISORDER)
def test_a_swap_is_found(words: str) -> None:
    assert any(words in each for each in spoilt(DISORDER[words]).out_of_order)


@pytest.mark.parametrize("kind", EFFECTS, ids=lambda kind: kind.__name__)
def test_each_accepted_message_has_its_effect_once_and_a_refused_one_none(kind: type[Event]) -> None:
    message, what = SENT[kind], EFFECTS[kind]
    never = spoilt(lambda c: c.evidence.told.remove((message, what)))
    twice = spoilt(lambda c: c.evidence.told.append((message, what)))
    refused = spoilt(lambda c: c.history.answers.update({message: Answer.REJECTED}))
    assert never.lost == (f"message {message} was accepted and never told as {what}",)
    assert twice.doubled == (f"message {message} was told 2 times as {what}",)
    assert f"message {message} was refused and is told as {what}" in refused.doubled


def test_a_record_is_compared_with_its_row_in_the_journal_unless_that_was_emptied() -> None:
    raw, row = written(REFERRALS.name, 1, changed(ReferralState.ACCEPTED))
    other, _ = written(REFERRALS.name, 1, changed(ReferralState.STARTED), event_id=row["event_id"])
    emptied = row | {"type": RecordErased.TYPE, "data": "{}"}

    def found(*raws: Raw, row: dict[str, Any]) -> tuple[str, ...]:
        evidence = Evidence()
        take_written(evidence, [row])
        take(evidence, raws)
        return judge(History(), evidence).lost

    unlike = f"referrals {CASE} 1 is not told as it was written"
    no_fact = f"reporting has no fact referrals {CASE} 1"
    assert found(raw, row=row) == found(raw, row=emptied) == (no_fact,)
    assert found(other, row=row) == found(raw, other, row=row) == (unlike, no_fact)


def test_what_providers_are_told_and_what_a_reply_led_to_is_read_from_the_topics() -> None:
    evidence = Evidence()
    person = HandedPerson(person_id=PERSON, family_name="Muster")
    handover = HandoverMade(
        referral_id=REFERRAL,
        case_id=CASE,
        basis=TransmissionBasis.CONSENT,
        need=Need.LEGAL_ADVICE,
        persons=(person,),
        address=None,
    )
    recall = HandoverRecalled(referral_id=REFERRAL, reason=WithdrawReason.CONSENT_WITHDRAWN)
    raws = [written(HANDED[0], n, event)[0] for n, event in enumerate((handover, recall, handover), 1)]
    take(evidence, [*raws, *raws, written(REFERRALS.name, 1, changed(ReferralState.ACCEPTED), cause=REPORT)[0]])
    assert evidence.passed_on == {(HANDED[0], str(CASE)): [frozenset({PERSON}), None, frozenset({PERSON})]}
    assert evidence.told == [(REPORT, ReferralState.ACCEPTED)]


def test_repetitions_on_the_wire_are_no_fault() -> None:
    assert spoilt(lambda c: c.evidence.wire[KEY].extend([FIRST, SECOND])) == Verdict((), (), ())


def test_a_seed_repeats_its_schedule_and_another_one_does_not() -> None:
    def of(seed: int) -> list[object]:
        return list(schedule(seed, 600, 6, ["kafka-1", "kafka-2", "kafka-3"], durable=True))

    assert of(1) == of(1) != of(2)


def test_each_kind_comes_early_and_the_leader_is_killed_where_others_can_lead() -> None:
    three = list(schedule(1, 13 * 9, 6, ["kafka-1", "kafka-2", "kafka-3"], durable=True))
    alone = list(schedule(1, 13 * 9, 6, ["broker"], durable=False))
    assert {fault.kind for fault in three} == set(Kind) == {fault.kind for fault in alone} | {Kind.KILL_LEADER}
    assert Kind.KILL_LEADER not in {fault.kind for fault in alone}
    assert {fault.victim for fault in three if fault.kind is Kind.KILL_LEADER} == {LEADER}


def test_thirty_minutes_have_two_hundred_faults_and_a_broker_that_remembers_alone_never_dies() -> None:
    assert len(list(schedule(1, 1800, 6, ["kafka-1", "kafka-2", "kafka-3"], durable=True))) >= 200
    alone = schedule(1, 1800, 6, ["broker"], durable=False)
    assert not any((fault.kind, fault.victim) == (Kind.KILL, "broker") for fault in alone)


@pytest.mark.parametrize("kind", [Kind.POISON, Kind.DUPLICATES])
async def test_a_fault_that_was_not_inflicted_does_not_count(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    inflictor = hand_on(town := filing_town())

    async def lost(*_: object) -> None:
        raise KafkaConnectionError

    async def taken(*_: object) -> None:
        pass

    monkeypatch.setattr("tests.chaos.inflict.write", lost)
    await inflictor.inflict(Fault(0, kind, None, 0))
    assert inflictor.counts[kind] == 0
    assert not town.history.poison
    assert not town.history.reused
    monkeypatch.setattr("tests.chaos.inflict.write", taken)
    await inflictor.inflict(Fault(0, kind, None, 0))
    assert inflictor.counts[kind] == 1
    assert bool(town.history.poison) is (kind is Kind.POISON)
    assert bool(town.history.reused) is (kind is Kind.DUPLICATES)


async def test_duplicates_of_nothing_do_not_count() -> None:
    inflictor = hand_on(Town(CITY, Random(3)))  # noqa: S311  a town, no secret
    await inflictor.inflict(Fault(0, Kind.DUPLICATES, None, 0))
    assert inflictor.counts[Kind.DUPLICATES] == 0


async def test_a_run_that_raises_has_a_summary_that_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    @contextlib.asynccontextmanager
    async def ground(*_: object) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as both:
            both.create_task(standing_still())
        yield

    async def standing_still() -> None:
        raise TimeoutError("kafka-2 was not ready")

    monkeypatch.setattr("tests.chaos.run.ground", ground)
    summary = await chaos(tmp_path, Options(60, 5, 3, 2, 6))
    assert (summary["ok"], summary["seed"], summary["lost"]) == (False, 5, None)
    assert summary["failed"] == ["TimeoutError: kafka-2 was not ready"]


def filing_town() -> Town:
    """It has filed one suit, which was accepted."""
    town = Town(CITY, Random(3))  # noqa: S311  a town, no secret
    town.sued()
    town.now = 60.0
    town.history.answers = {each.id: Answer.ACCEPTED for each in town.due() if each.topic == COURT}
    return town


def hand_on(town: Town) -> Inflictor:
    """For faults of the load alone: nothing runs."""
    local: Any = SimpleNamespace(running=SimpleNamespace(bootstrap="nowhere"))
    return Inflictor(Ground(local, {}, ("broker",), durable=False), town, Random(3), lambda _: None)  # noqa: S311  no secret


def changed(state: ReferralState) -> ReferralChanged:
    today = datetime.now(UTC).date()
    return ReferralChanged(
        case_id=CASE, referral_id=REFERRAL, group=NeedGroup.ADVICE, state=state, provider="skf", try_number=1, changed_on=today
    )


def written(
    topic: str, n: int, event: Event, *, event_id: UUID | None = None, cause: UUID | None = None
) -> tuple[Raw, dict[str, Any]]:
    """An event of referral about the case on its topic, and its row in the journal."""
    data, event_id = event.model_dump_json(), event_id or uuid4()
    envelope = Envelope(event_id, f"{SERVICE}referral", event.TYPE, datetime.now(UTC), str(CASE), n, causation=cause)
    row = {"topic": topic, "key": str(CASE), "n": n, "event_id": event_id, "type": event.TYPE, "data": data}
    return encode(topic, envelope, data.encode()), row


def spoilt(how: Callable[[Told], object]) -> Verdict:
    case = told()
    how(case)
    return judge(case.history, case.evidence)
