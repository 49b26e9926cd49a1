"""What became of each message from outside: answered, kept once, told as what follows from it; poison refused or parked. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from shared.contracts.codes import Answer, ReferralState
from shared.contracts.fields import Event
from shared.contracts.topics.assessments import AssessmentRecorded, ConsentGiven
from shared.contracts.topics.field_reports import AttemptReported, ConsentReported, FieldReport
from shared.contracts.topics.replies import ApplicationAnswered, OfferAccepted, OfferRejected, SupportStarted
from shared.contracts.topics.visits import VisitAttempted
from tests.chaos.evidence import Evidence, message_id, readers_of
from tests.chaos.history import History

EFFECTS: dict[type[Event], str] = {
    AttemptReported: VisitAttempted.TYPE,
    ConsentReported: ConsentGiven.TYPE,
    OfferAccepted: ReferralState.ACCEPTED,
    OfferRejected: ReferralState.REJECTED_BY_PROVIDER,
    SupportStarted: ReferralState.STARTED,
    ApplicationAnswered: ReferralState.DECIDED,
}
"""What is told because of an accepted message, once. A slot that was chosen may be the one that was told before."""


def lost_messages(history: History, evidence: Evidence) -> Iterator[str]:
    """What was not answered, or accepted without an effect."""
    yield from _unanswered(history, evidence)
    for message, what, times in _effects(history, evidence):
        if times == 0 and history.answers.get(message) is Answer.ACCEPTED:
            yield f"message {message} was accepted and never told as {what}"
    reports = {each for each, letter in history.sent.items() if isinstance(letter.data, FieldReport)}
    yield from (f"report {each} is in no case's file" for each in history.accepted(reports) - set(evidence.filed))
    for message in history.reused:
        if Answer.REJECTED not in evidence.answers.get(message, ()):
            yield f"the id of {message} was used again and nobody refused it"
    yield from (words for words, times in _poison(history, evidence) if times == 0)


def doubled_messages(history: History, evidence: Evidence) -> Iterator[str]:
    """What took effect twice, or though it was refused."""
    for message, answers in evidence.answers.items():
        if (count := answers.count(Answer.ACCEPTED)) > 1:
            yield f"message {message} was accepted {count} times"
    yield from (f"message {each} is kept {len(kept)} times" for each, kept in evidence.inbound.items() if len(kept) > 1)
    for message, what, times in _effects(history, evidence):
        if times > 1:
            yield f"message {message} was told {times} times as {what}"
        if times and history.answers.get(message) is Answer.REJECTED:
            yield f"message {message} was refused and is told as {what}"
    yield from (f"report {each} was filed {times} times" for each, times in Counter(evidence.filed).items() if times > 1)
    yield from (words for words, times in _poison(history, evidence) if times > 1)
    taken_in = {message_id(raw) for raw in history.poison} & {
        each for each, kept in evidence.inbound.items() if Answer.ACCEPTED in kept
    }
    yield from (f"poison {each} took effect" for each in taken_in)


def _unanswered(history: History, evidence: Evidence) -> Iterator[str]:
    yield from (f"message {each} has no answer" for each in history.sent.keys() - history.answers.keys())
    for message, answer in history.answers.items():
        if answer is Answer.PARKED:
            yield f"message {message} needs a person although it is well-formed"
        if answer is Answer.ACCEPTED and evidence.inbound.get(message) != [answer]:
            yield f"message {message} was accepted and is kept as {evidence.inbound.get(message)}"


def _effects(history: History, evidence: Evidence) -> Iterator[tuple[UUID, str, int]]:
    """Of each message, what it is to be told as and how often it was."""
    told = Counter(evidence.told)
    for message, letter in history.sent.items():
        if (what := EFFECTS.get(type(letter.data))) is not None:
            yield message, what, told[message, what]
        if isinstance(letter.data, AttemptReported) and letter.data.talk is not None:
            yield message, AssessmentRecorded.TYPE, told[message, AssessmentRecorded.TYPE]


def _poison(history: History, evidence: Evidence) -> Iterator[tuple[str, int]]:
    """Of each record that nobody can take in, how often it was answered, and how often it lies where a person sees it.

    Each should be once; who can be told apart is answered, and refused or parked; what has no id is parked alone.
    """
    for raw in history.poison:
        message = message_id(raw)
        if message is not None:
            answers = [each for each in evidence.answers.get(message, ()) if each != Answer.DUPLICATE]
            yield f"poison {message} was answered {answers}", len(answers)
            if Answer.PARKED not in answers:
                continue
        for reader in readers_of(raw.topic):
            times = evidence.parked[reader].count(raw)
            yield f"poison {message or 'without an id'} on {raw.topic} lies parked {times} times at {reader}", times
