"""Merge and split: a whole file becomes part of another, or a part of it a file of its own (Zusammenführen, Trennen). Pure.

A move takes place once both keys have told of it, the one it leaves and the one it enters, and after all that either of them
told before. So each case acts on its events in the order in which intake decided, whichever key is read first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar
from uuid import UUID

from services.outreach.arranging import ended, planned
from services.outreach.assignment import withdraw
from services.outreach.casefile import (
    Attempt,
    Came,
    CaseFile,
    Consent,
    Contact,
    Owed,
    Referral,
    ReportRef,
    Step,
    Told,
    Visit,
    Waiver,
)
from services.outreach.doubles import covered_elsewhere, joined, lines, without_counterpart
from services.outreach.parting import Part
from services.outreach.visits import settle
from shared.contracts.codes import WithdrawReason
from shared.contracts.fields import Event
from shared.contracts.topics.assessments import AssessmentTakenOver, Cause
from shared.contracts.topics.cases import CaseEvent, CaseMerged, Replaced
from shared.contracts.topics.visits import (
    Excused,
    ObligationClosed,
    TakenAttempt,
    TakenContact,
    TakenObligation,
    VisitOwed,
    VisitsGivenUp,
    VisitsTakenOver,
)
from shared.messaging.model import Said

Item = TypeVar("Item", Owed, Visit, Attempt, Waiver, Contact, Told, Consent, Referral, ReportRef)


@dataclass(frozen=True, slots=True)
class Moved:
    """Both files after a move (`left` None where nothing is left), and what to tell: to teams, and by key.

    `back`: the absorbed cases that left again with a split.
    """

    left: CaseFile | None
    entered: CaseFile
    withdrawn: Sequence[Said]
    told: Sequence[tuple[UUID, Event]]
    back: Sequence[UUID] = ()


def complete(step: Step, file: CaseFile, begun: Collection[UUID]) -> bool:
    """Whether all moves that this event tells of have taken place. `begun`: the cases that wait for no part of another."""
    came = {each.case_id for each in file.came}
    if step.leaves is not None:
        return set(step.leaves.absorbed) <= came
    assert step.state is not None
    return set(step.state.absorbed) <= came and set(step.state.split_off) <= {*file.gave, *begun}


def renamed(file: CaseFile, replaced: Sequence[Replaced], on: date, needed: int) -> tuple[CaseFile, list[Event]]:
    """The file with ids that go by another now, and what to tell; obligations that become the same are joined."""
    if not replaced:
        return file, []
    names = {each.was: each.now for each in replaced}
    apart = [[_owed(each, names) for each in line] for line in lines(file.owed)]
    after = replace(_renamed(file, names), owed=joined(apart, on))
    after, ends = settle(replace(after, visits=_one_at_each_address(after.visits)), needed)
    had = {each.id: each for each in file.owed}
    changed = [each for each in after.owed if each.fact() != had[each.id].fact() and not each.void]
    said: list[Event] = []
    if changed:
        facts = tuple(each.fact() for each in changed)
        said.append(VisitOwed(case_id=file.case.case_id, obligations=facts, excused=after.excused))
    return after, [*said, *_voided(after, {each.id for each in after.owed if each.void and not had[each.id].void}), *ends]


def through(first: Sequence[Replaced], then: Sequence[Replaced]) -> tuple[Replaced, ...]:
    """What goes by another id twice, in one."""
    names = {each.was: each.now for each in then}
    both = {each.was: names.get(each.now, each.now) for each in first}
    return tuple(Replaced(was=was, now=now) for was, now in (names | both).items())


def merge(into: CaseFile, gone: CaseFile, event: CaseMerged, needed: int) -> Moved:
    """All that the absorbed case's file holds, in the other's; `needed` attempts in vain exhaust an obligation."""
    names = {each.was: each.now for each in event.replaced}
    visits, withdrawn = _leave(gone, [visit for visit in gone.visits if not visit.closed])
    over = _all_via(
        _renamed(replace(gone, visits=(*(each for each in gone.visits if each.closed), *visits)), names), event.case_id
    )
    taken = {each.id for each in over.owed}
    came = {each.id: each for each in over.owed}
    apart = [[came[each.id] for each in line] for line in lines(gone.owed)]  # by the old names: two of its people may be one now
    before = replace(into, owed=joined([*lines(into.owed), *apart], event.merged_on))
    path = (event.case_id,)
    after, ends = settle(
        replace(
            before,
            excused=tuple(dict.fromkeys((*into.excused, *over.excused))),
            visits=_one_at_each_address((*into.visits, *over.visits)),
            attempts=(*into.attempts, *over.attempts),
            waivers=(*into.waivers, *over.waivers),
            contacts=(*into.contacts, *over.contacts),
            talks=tuple(sorted((*over.talks, *into.talks), key=lambda told: told.on)),
            consents=(*into.consents, *over.consents),
            referrals=(*into.referrals, *over.referrals),
            reports=(*into.reports, *over.reports),
            advice_due=into.advice_due or over.advice_due,
            came=(
                *into.came,
                *(replace(each, path=(*each.path, *path)) for each in gone.came),
                Came(event.case_id, path, gone.outcome),
            ),
            gave=(*into.gave, *gone.gave),
            names={**into.names, **over.names},
        ),
        needed,
    )
    known = {each.id: each.fact() for each in into.owed}
    changed = tuple(each.fact() for each in after.owed if each.id in known and each.fact() != known[each.id])
    said: list[Event] = [VisitOwed(case_id=into.case.case_id, obligations=changed, excused=after.excused)] if changed else []
    said += [_taken_over(after, event.case_id, over, taken), *_of_others(ends, taken)]
    said += [
        planned(into.case.case_id, each) for each in after.visits if each.id in {one.id for one in visits} and not each.closed
    ]
    if over.talks and (not into.talks or over.talks[-1].on > into.talks[-1].on):
        said.append(_assessed(into.case.case_id, event.case_id, over.talks[-1]))
    return Moved(None, after, withdrawn, [(into.case.case_id, each) for each in said])


def split(file: CaseFile, new: CaseFile, stays: CaseEvent, needed: int) -> Moved:
    """The new case's part of a file: what belongs to its proceedings, and what had come with the case it undoes.

    `new` waits with the event that begins it; `stays` is the other case's first state without it.
    """
    step = new.waiting[0]
    assert step.state is not None
    begins = step.state
    part = Part(file, begins, stays, step.undoes)
    moving = part.visits()
    visits, withdrawn = _leave(file, moving)
    over = _renamed(part.taken(visits), part.names)
    over = replace(over, owed=without_counterpart(tuple(_owed(each, {}) for each in over.owed)))
    back = next((each.outcome for each in file.came if each.case_id == step.undoes), None)
    entered, _ = settle(
        replace(
            new,
            case=begins,
            owed=(*over.owed, *new.owed),
            excused=(*over.excused, *new.excused),
            visits=(*over.visits, *new.visits),
            attempts=(*over.attempts, *new.attempts),
            waivers=(*over.waivers, *new.waivers),
            contacts=(*over.contacts, *new.contacts),
            talks=(*over.talks, *new.talks),
            consents=(*over.consents, *new.consents),
            referrals=(*over.referrals, *new.referrals),
            reports=(*over.reports, *new.reports),
            advice_due=file.advice_due,
            outcome=back or new.outcome,
            came=file.came,
            gave=file.gave,
            names=over.names,
            waiting=(Step(state=begins), *new.waiting[1:]),
        ),
        needed,
    )
    left, told = _left(file, part, begins.case_id, stays.changed_on, needed)
    said: list[Event] = [_taken_over(entered, file.case.case_id, over, {each.id for each in over.owed})]
    said += [planned(begins.case_id, each) for each in over.visits if not each.closed]
    if over.talks:
        said.append(_assessed(begins.case_id, file.case.case_id, over.talks[-1]))
    both = [*((file.case.case_id, each) for each in told), *((begins.case_id, each) for each in said)]
    aliases = [each.case_id for each in file.came if step.undoes in each.path]
    return Moved(left, entered, withdrawn, both, aliases)


def _left(file: CaseFile, part: Part, new_id: UUID, on: date, needed: int) -> tuple[CaseFile, list[Event]]:
    """What is left, and what to tell of it.

    An obligation whose end rested on what left is void, and owed anew by the state that tells of the split: nobody reads a
    `visits` event that opens an ended obligation again.
    """
    rest = part.rest(part.visits())
    had_ended = {each.id for each in file.owed if not each.open}
    after, ends = settle(rest, needed)
    void = {each.id for each in after.owed if each.open and each.id in had_ended}
    after = replace(after, owed=tuple(covered_elsewhere(each, on) if each.id in void else each for each in after.owed))
    after = replace(after, gave=(*file.gave, new_id))
    said: list[Event] = [
        VisitsGivenUp(
            case_id=file.case.case_id,
            to_case_id=new_id,
            obligation_ids=tuple(each.id for each in file.owed if each.id in part.owed_ids),
            report_ids=tuple(sorted(part.reports_gone())),
        ),
        *ends,
    ]
    said += _voided(after, void)
    gone = part.reports_gone()
    if file.talks and file.talks[-1].report_id in gone and after.talks:
        said.append(_assessed(file.case.case_id, new_id, after.talks[-1]))
    return after, said


def _voided(file: CaseFile, which: set[UUID]) -> list[Event]:
    return [
        ObligationClosed(
            case_id=file.case.case_id,
            obligation_ids=(each.id,),
            how=each.void.how,
            reason=each.void.reason,
            closed_on=each.void.on,
        )
        for each in file.owed
        if each.id in which and each.void
    ]


def _leave(file: CaseFile, visits: Iterable[Visit]) -> tuple[list[Visit], list[Said]]:
    """The visits, taken back from the teams under this file's key, still to leave under another."""
    moved: list[Visit] = []
    said: list[Said] = []
    for visit in visits:
        gone, withdrawn = withdraw(file, visit, WithdrawReason.CASE_MOVED) if not visit.closed else (visit, [])
        moved.append(replace(gone, pending=not visit.closed))
        said += withdrawn
    return moved, said


def _one_at_each_address(visits: Sequence[Visit]) -> tuple[Visit, ...]:
    """Of two open visits to one address the first that has a slot goes on."""
    best: dict[UUID, Visit] = {}
    for each in visits:
        known = best.get(each.address_id)
        if not each.closed and (known is None or (known.on is None and each.on is not None)):
            best[each.address_id] = each
    return tuple(each if each.closed or best[each.address_id] is each else ended(each) for each in visits)


def _owed(owed: Owed, names: Mapping[UUID, UUID]) -> Owed:
    return replace(
        owed,
        person_id=names.get(owed.person_id, owed.person_id),
        address_id=names.get(owed.address_id, owed.address_id),
        proceeding_id=_name(owed.proceeding_id, names),
        answers=tuple(_answer(each, names) for each in owed.answers),
    )


def _name(of: UUID | None, names: Mapping[UUID, UUID]) -> UUID | None:
    return None if of is None else names.get(of, of)


def _answer(trigger: str, names: Mapping[UUID, UUID]) -> str:
    kind, _, what = trigger.partition(":")
    return f"{kind}:{names.get(UUID(what), what)}" if kind == "title" else trigger


def _renamed(file: CaseFile, names: Mapping[UUID, UUID]) -> CaseFile:
    return replace(
        file,
        names={**{was: names.get(now, now) for was, now in file.names.items()}, **names},
        owed=tuple(_owed(each, names) for each in file.owed),
        excused=tuple(
            Excused(
                person_id=names.get(each.person_id, each.person_id),
                proceeding_id=_name(each.proceeding_id, names),
                reason=each.reason,
            )
            for each in file.excused
        ),
        visits=tuple(replace(each, address_id=names.get(each.address_id, each.address_id)) for each in file.visits),
        consents=tuple(replace(each, person_id=names.get(each.person_id, each.person_id)) for each in file.consents),
    )


def _via(items: tuple[Item, ...], case_id: UUID) -> tuple[Item, ...]:
    def with_it(item: Item) -> Item:
        return replace(item, via=(*item.via, case_id))

    return tuple(with_it(each) for each in items)


def _all_via(file: CaseFile, case_id: UUID) -> CaseFile:
    return replace(
        file,
        owed=_via(file.owed, case_id),
        visits=_via(file.visits, case_id),
        attempts=_via(file.attempts, case_id),
        waivers=_via(file.waivers, case_id),
        contacts=_via(file.contacts, case_id),
        talks=_via(file.talks, case_id),
        consents=_via(file.consents, case_id),
        referrals=_via(file.referrals, case_id),
        reports=_via(file.reports, case_id),
    )


def _of_others(ends: Iterable[Event], taken: set[UUID]) -> list[Event]:
    """The ends of obligations that were here before; those taken over tell their own."""
    said: list[Event] = []
    for end in ends:
        assert isinstance(end, ObligationClosed)
        ids = tuple(one for one in end.obligation_ids if one not in taken)
        said += [end.model_copy(update={"obligation_ids": ids})] if ids else []
    return said


def _taken_over(file: CaseFile, from_case: UUID, over: CaseFile, taken: set[UUID]) -> VisitsTakenOver:
    return VisitsTakenOver(
        case_id=file.case.case_id,
        from_case_id=from_case,
        obligations=tuple(
            TakenObligation(
                **dict(each.fact()),
                how=each.closing.how if each.closing else None,
                closed_reason=each.closing.reason if each.closing else None,
                closed_on=each.closing.on if each.closing else None,
            )
            for each in file.owed
            if each.id in taken
        ),
        excused=over.excused,
        attempts=tuple(
            TakenAttempt(report_id=each.report_id, obligation_ids=each.obligation_ids, attempted_on=each.on, result=each.result)
            for each in over.attempts
        ),
        contacts=tuple(
            TakenContact(report_id=each.report_id, kind=each.kind, contacted_on=each.on, reached=each.reached)
            for each in over.contacts
        ),
    )


def _assessed(case_id: UUID, from_case: UUID, told: Told) -> AssessmentTakenOver:
    causes = tuple(Cause(cause=each.cause, primary=each.primary, asserted_by=each.asserted_by) for each in told.talk.causes)
    return AssessmentTakenOver(
        case_id=case_id, from_case_id=from_case, report_id=told.report_id, assessed_on=told.on, causes=causes
    )
