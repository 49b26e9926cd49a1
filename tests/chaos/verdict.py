"""The known history held against the evidence. Pure, and no line of it shared with `bleibe reconcile`."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from shared.contracts.topics.notices import Notice
from tests.chaos.evidence import Evidence, Key, readers_of
from tests.chaos.history import History
from tests.chaos.messages import doubled_messages, lost_messages


@dataclass(frozen=True, slots=True)
class Verdict:
    """What went wrong, in words with ids; all empty where nothing did."""

    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    out_of_order: tuple[str, ...]


def judge(history: History, evidence: Evidence) -> Verdict:
    """All checks."""
    return Verdict(tuple(_lost(history, evidence)), tuple(_doubled(history, evidence)), tuple(_out_of_order(evidence)))


def _lost(history: History, evidence: Evidence) -> Iterator[str]:
    yield from lost_messages(history, evidence)
    notices = {each for each, letter in history.sent.items() if isinstance(letter.data, Notice)}
    yield from (f"notice {each} has no case" for each in history.accepted(notices) - evidence.cases.keys())
    for suit, defendants, covered in _persons(history, evidence):
        if covered < defendants:
            yield f"of {defendants} defendants of suit {suit} {covered} are owed a visit or excused"
    unassigned = {each.obligation_id: each for each in evidence.owed if each.obligation_id not in evidence.assigned}
    yield from (
        f"nobody was sent for obligation {each.obligation_id} of case {each.case_id}, suit {each.proceeding_id}, "
        f"round {each.round}, closed: {evidence.closed.get(each.obligation_id)}"
        for each in unassigned.values()
    )
    yield from _unsent(evidence)
    yield from _unread(evidence)


def _unsent(evidence: Evidence) -> Iterator[str]:
    for key, written in evidence.journals.items():
        for place in set(written) - set(evidence.wire.get(key, ())):
            yield f"{_name(key)} {place.n} was written and is not on its topic"
    for (key, place), prints in evidence.contents.items():
        written_as = evidence.written.get((key, place))
        if written_as is not None and prints != {written_as}:
            yield f"{_name(key)} {place.n} is not told as it was written"


def _unread(evidence: Evidence) -> Iterator[str]:
    for key, last in evidence.streams.items():
        for reader in readers_of(key[0]):
            if (read := evidence.progress[reader].get(key, 0)) < last:
                yield f"{reader} has read {read} of {last} of {_name(key)}"
    known = set(evidence.facts)
    for key, written in evidence.journals.items():
        for place in written if "reporting" in readers_of(key[0]) else ():
            if (*key, place.n) not in known:
                yield f"reporting has no fact {_name(key)} {place.n}"


def _doubled(history: History, evidence: Evidence) -> Iterator[str]:
    yield from doubled_messages(history, evidence)
    yield from _mixed_up(history, evidence)
    for suit, defendants, covered in _persons(history, evidence):
        if covered > defendants:
            yield f"suit {suit} of {defendants} defendants has {covered} persons to visit"
    obligations: defaultdict[object, set[UUID]] = defaultdict(set)
    for each in evidence.owed:
        obligations[each[:-1]].add(each.obligation_id)
    yield from (f"one visit is owed {len(ids)} times: {what}" for what, ids in obligations.items() if len(ids) > 1)
    yield from _twice("visit {} was assigned anew", evidence.created)
    yield from _passed_on_again(evidence)
    for key, place in evidence.contents.keys() - evidence.written.keys():
        yield f"{_name(key)} {place.n} is on its topic and was never written"
    yield from _twice("fact {} was taken twice", evidence.facts)
    yield from _two_places(evidence)
    for reader, progress in evidence.progress.items():
        for key, read in progress.items():
            if reader in readers_of(key[0]) and read > (written := evidence.streams.get(key, 0)):
                yield f"{reader} has read {read} of {_name(key)}, of which {written} were written"


def _mixed_up(history: History, evidence: Evidence) -> Iterator[str]:
    """One suit, one case, however many offices told it; and no two suits of strangers in one."""
    suits_of: Counter[UUID] = Counter()
    for notices in history.suits.values():
        cases = {evidence.cases[each] for each in notices if each in evidence.cases}
        suits_of.update(cases)
        if len(cases) > 1:
            yield f"suit {min(notices)} became {len(cases)} cases"
    yield from (f"case {case} took in {count} suits of strangers" for case, count in suits_of.items() if count > 1)


def _passed_on_again(evidence: Evidence) -> Iterator[str]:
    """A provider is asked once, or again after we took that back; and handed somebody over once.

    A later handover replaces the first where more persons have consented since.
    """
    for key, told in evidence.passed_on.items():
        for before, whom in itertools.pairwise(told):
            if before is not None and whom is not None and not whom > before:
                yield f"{_name(key)} passes on what was passed on before"


def _two_places(evidence: Evidence) -> Iterator[str]:
    """A sequence is one event's, and an event has one sequence, however often both were sent."""
    once = {(key, place) for key, sent in evidence.wire.items() for place in sent}
    for (key, n), count in Counter((key, place.n) for key, place in once).items():
        if count > 1:
            yield f"{_name(key)} {n} stands for {count} events"
    yield from _twice("event {} has more than one place", (place.event_id for _, place in once))


def _out_of_order(evidence: Evidence) -> Iterator[str]:
    """A repetition changes nothing; what comes for the first time must be the next one."""
    for key, sent in evidence.wire.items():
        first_time = [place.n for place in dict.fromkeys(sent)]
        for n, before in zip(first_time, [0, *first_time], strict=False):
            if n <= before:
                yield f"{_name(key)} {n} came after {before}"
    for key, written in evidence.journals.items():
        if [place.n for place in written] != list(range(1, len(written) + 1)):
            yield f"{_name(key)} is numbered with gaps"


def _persons(history: History, evidence: Evidence) -> Iterator[tuple[UUID, int, int]]:
    """Of each accepted suit a notice, how many are sued, and how many persons of its case are owed a visit or excused."""
    covered: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for case_id, person in {*((each.case_id, each.person_id) for each in evidence.owed), *evidence.excused}:
        covered[case_id].add(person)
    for docket, notices in history.suits.items():
        cases = {evidence.cases[each] for each in history.accepted(notices) if each in evidence.cases}
        if len(cases) == 1:
            yield min(notices), history.people[docket], len(covered[cases.pop()])


def _twice(words: str, each: Iterable[object]) -> Iterator[str]:
    return (words.format(one) for one, count in Counter(each).items() if count > 1)


def _name(key: Key) -> str:
    return f"{key[0]} {key[1]}"
