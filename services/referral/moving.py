"""Merged and split cases: what moves from file to file, whichever of the two cases' events is heard first. Pure.

What came with a merge remembers its way (`came_with`), so that a split that undoes the merge takes it along. Any other split
leaves needs and referrals where they are, except what is for the arrears of the new case's suits, and what rests on the consent
of persons who are now the new case's alone; who they are is known once the old case's own state tells whom it keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from services.referral.casefile import Assessed, CaseFile, Consent, hear_case, in_order, names_of, rename
from services.referral.departing import taken_back, without_persons
from services.referral.referral import AT_PROVIDER, GROUPS, Referral, take_back
from shared.contracts.catalogue import REFERRALS
from shared.contracts.codes import Need, TransmissionBasis, WithdrawReason
from shared.contracts.topics.cases import CaseMerged, CaseSplit
from shared.contracts.topics.referrals import ReferralsGivenUp, ReferralsTakenOver, TakenRuling, TakenTry
from shared.messaging.model import Said

Files = Mapping[UUID, CaseFile]
Item = TypeVar("Item", Assessed, Consent, Referral)


@dataclass(slots=True)
class Moved:
    """The files a move changed, and what it says."""

    files: dict[UUID, CaseFile] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)


def place_of(files: Files, case_id: UUID) -> tuple[UUID, tuple[UUID, ...]]:
    """The case that this id means now, and the aliases on the way there."""
    way: list[UUID] = []
    while (into := files[case_id].merged_into) is not None:
        way.append(case_id)
        case_id = into
    return case_id, tuple(way)


def family(files: Files, case_id: UUID) -> list[UUID]:
    """The case that this id means, and all that a split ever made of one with it."""
    found: list[UUID] = []
    ahead = [case_id]
    while ahead:
        each, _ = place_of(files, ahead.pop())
        if each not in found:
            found.append(each)
            ahead += sorted(files[each].kin)
    return found


def merge(files: Files, event: CaseMerged) -> Moved:
    """The absorbed case's whole file becomes part of the other, which may not have been heard of yet. Its id stays, an alias.

    Where the split that undoes this merge was heard before, all goes to the split's case at once. Where that case, or the
    surviving one, is erased, nothing moves: what is here is the caller's to erase.
    """
    now = dict(files)
    absorbed = rename(now[event.case_id], names_of(event.replaced))
    into = absorbed.undone_into or event.into_case_id
    if now[place_of(now, into)[0]].erased:
        return Moved()
    was_undone = absorbed.undone_into is not None
    alias = _alias(absorbed, into, former=frozenset({event.into_case_id}) if was_undone else frozenset())
    now[event.case_id] = alias
    _count_in(now, event.into_case_id, alias, left=was_undone)
    place, way = place_of(now, into)
    way = (event.case_id, *way)
    for each in way[1:]:
        absorbed = rename(absorbed, now[each].renamed)
    brought = _on_the_way(absorbed, way)
    links = {
        "parted": {**now[place].parted, **brought.parted},
        "suits_gone": {**now[place].suits_gone, **brought.suits_gone},
        "kin": now[place].kin | brought.kin - {place},
    }
    now[place] = _received(now[place].model_copy(update=links), brought)
    told = _taken_over(now[place], event.case_id, brought.referrals)
    return _changes(files, now, told)


def split(files: Files, event: CaseSplit) -> Moved:
    """The new case begins; where it undoes a merge, with all that had come with the absorbed case."""
    now = dict(files)
    names = names_of(event.replaced)
    new = hear_case(now[event.case_id], event)
    parent, way = place_of(now, event.split_from)
    now[event.case_id] = new.model_copy(
        update={
            "taken_in": new.taken_in | set(event.absorbed),
            "split_off": new.split_off | set(event.split_off),
            "kin": new.kin | {parent},
            "void": new.void | now[parent].void,
        }
    )
    if now[parent].erased:
        if event.undoes is not None and not now[event.undoes].erased:
            _undo_nothing(now, event.case_id, event.undoes)
        return _changes(files, now, ())
    for each in (*way, parent):
        now[each] = now[each].model_copy(update={"split_off": now[each].split_off | {event.case_id}})
    links = {
        "parted": {**now[parent].parted, event.case_id: names},
        "suits_gone": {**now[parent].suits_gone, event.case_id: frozenset(each.proceeding_id for each in event.proceedings)},
        "kin": now[parent].kin | {event.case_id},
    }
    now[parent] = now[parent].model_copy(update=links)
    told = _undo(now, event, event.undoes) if event.undoes is not None and not now[event.undoes].erased else ()
    return _changes(files, now, told)


def follow(files: Files, case_id: UUID) -> Moved:
    """What is for a suit that went with a split, or rests on consents of persons who went, goes after them."""
    file = files[case_id]
    if not (file.parted and file.ready):
        return Moved()
    now = dict(files)
    told: list[Said] = []
    for to, names in sorted(file.parted.items()):
        gone = file.strangers & set(names)
        consents = tuple(each for each in file.consents if each.person_id in gone)
        moving = tuple(each for each in file.referrals if _is_for(file, each, to) or _rests_on(file, each, consents))
        place, _ = place_of(now, to)
        if now[place].erased:
            file, left = without_persons(_without(file, consents, moving), gone, to)
            now[case_id] = file
            told += [*taken_back(case_id, to, moving), *left]
            continue
        if not (consents or moving) or place == case_id:
            continue
        file = _without(file, consents, moving)
        moving, recalled = _without_who_stayed(file, moving)
        part = rename(CaseFile(case_id=case_id, consents=consents, referrals=moving, void=file.void), names)
        now |= {case_id: file, place: _received(now[place], part)}
        told += [*recalled, *_taken_over(now[place], case_id, moving), *_given_up(case_id, place, moving)]
    return _changes(files, now, told)


def _alias(file: CaseFile, into: UUID, former: frozenset[UUID]) -> CaseFile:
    """All that is kept of an absorbed case under its own id."""
    return CaseFile(
        case_id=file.case_id,
        merged_into=into,
        taken_in=file.taken_in,
        undone=file.undone,
        split_off=file.split_off,
        renamed=file.renamed,
        former=former,
    )


def _count_in(now: dict[UUID, CaseFile], into: UUID, alias: CaseFile, *, left: bool) -> None:
    """Each case on the way has taken in this one and all that was part of it; one that it left again since need not list it."""
    place, way = place_of(now, into)
    came = alias.taken_in | {alias.case_id}
    for each in (*way, place):
        file = now[each]
        undone = alias.undone | (came | alias.split_off if left else frozenset())
        if not file.erased:
            now[each] = file.model_copy(
                update={
                    "taken_in": file.taken_in | came,
                    "split_off": file.split_off | alias.split_off,
                    "undone": file.undone | undone,
                }
            )
        for former in file.former:
            _count_in(now, former, alias, left=True)
        left = left or bool(file.former)


def _undo(now: dict[UUID, CaseFile], event: CaseSplit, undoes: UUID) -> Sequence[Said]:
    """Take out what came with the absorbed case, from wherever it is; its id now means the new case."""
    alias = now[undoes]
    if alias.merged_into is None:
        _undo_nothing(now, event.case_id, undoes)
        return ()
    holder, way = place_of(now, undoes)
    file = now[holder]
    for each in (*way[1:], holder):
        alias = rename(alias, now[each].renamed)
    now[undoes] = alias.model_copy(update={"merged_into": event.case_id, "former": now[undoes].former | {holder}})
    came_along = alias.taken_in | alias.split_off
    part = CaseFile(
        case_id=holder,
        assessments=tuple(_until(each, undoes) for each in file.assessments if undoes in each.came_with),
        consents=tuple(_until(each, undoes) for each in file.consents if undoes in each.came_with),
        referrals=tuple(_until(each, undoes) for each in file.referrals if undoes in each.came_with),
        void=file.void,
    )
    stays = file.model_copy(
        update={
            "assessments": tuple(each for each in file.assessments if undoes not in each.came_with),
            "consents": tuple(each for each in file.consents if undoes not in each.came_with),
            "referrals": tuple(each for each in file.referrals if undoes not in each.came_with),
            "undone": file.undone | came_along | {undoes},
            "kin": file.kin | {event.case_id},
            "apart": True,
        }
    )
    new = _received(now[event.case_id], part)
    new = new.model_copy(
        update={
            "taken_in": new.taken_in | alias.taken_in,
            "split_off": new.split_off | alias.split_off,
            "undone": new.undone | came_along,
            "apart": True,
        }
    )
    now |= {holder: stays, event.case_id: new}
    return (*_taken_over(new, holder, part.referrals), *_given_up(holder, event.case_id, part.referrals))


def _undo_nothing(now: dict[UUID, CaseFile], new: UUID, undoes: UUID) -> None:
    """Nothing has come with the absorbed case yet, or nothing of it is left: what its id still brings is the new case's."""
    alias = now[undoes]
    if alias.merged_into is None:
        now[undoes] = alias.model_copy(update={"undone_into": new, "kin": alias.kin | {new}})
    else:
        now[undoes] = alias.model_copy(update={"merged_into": new})


def _received(file: CaseFile, part: CaseFile) -> CaseFile:
    """The file with all of this part, by its own ids."""
    part = rename(part, file.renamed)
    referrals = tuple(each.model_copy(update={"case_id": file.case_id}) for each in part.referrals)
    return file.model_copy(
        update={
            "assessments": in_order((*file.assessments, *part.assessments)),
            "consents": (*file.consents, *part.consents),
            "void": file.void | part.void,
            "referrals": (*file.referrals, *referrals),
            "apart": file.apart or part.apart,
        }
    )


def _on_the_way(file: CaseFile, way: tuple[UUID, ...]) -> CaseFile:
    """The file's needs, consents and referrals, remembering by which cases they came."""

    def came(item: Item) -> Item:
        return item.model_copy(update={"came_with": (*item.came_with, *way)})

    return file.model_copy(
        update={
            "assessments": tuple(came(each) for each in file.assessments),
            "consents": tuple(came(each) for each in file.consents),
            "referrals": tuple(came(each) for each in file.referrals),
        }
    )


def _until(item: Item, undone: UUID) -> Item:
    """The item with its way up to the case whose merge is undone."""
    return item.model_copy(update={"came_with": item.came_with[: item.came_with.index(undone) + 1]})


def _without(file: CaseFile, consents: Iterable[Consent], referrals: Iterable[Referral]) -> CaseFile:
    gone = {each.consent_id for each in consents} | {each.referral_id for each in referrals}
    return file.model_copy(
        update={
            "consents": tuple(each for each in file.consents if each.consent_id not in gone),
            "referrals": tuple(each for each in file.referrals if each.referral_id not in gone),
        }
    )


def _is_for(file: CaseFile, referral: Referral, to: UUID) -> bool:
    """Whether it is for the arrears of a suit that went to this case."""
    suit = referral.proceeding_id
    return suit is not None and file.parted[to].get(suit, suit) in file.suits_gone.get(to, ())


def _without_who_stayed(file: CaseFile, moving: Sequence[Referral]) -> tuple[tuple[Referral, ...], list[Said]]:
    """What still is to be done goes out again without persons who are this case's alone; what is decided stands."""
    again = [each for each in moving if each.state in AT_PROVIDER and set(each.handed) - file.strangers]
    told = [said for each in again for said in take_back(each, WithdrawReason.CASE_MOVED, offer=False)]
    return tuple(each.model_copy(update={"handed": ()}) if each in again else each for each in moving), told


def _rests_on(file: CaseFile, referral: Referral, consents: Sequence[Consent]) -> bool:
    """Whether a provider has it on these consents and nobody else's."""
    if referral.basis is not TransmissionBasis.CONSENT or referral.state not in AT_PROVIDER:
        return False
    standing = file.consents_for(referral.need)
    return bool(standing) and all(each in consents for each in standing)


def _taken_over(file: CaseFile, from_case_id: UUID, referrals: Sequence[Referral]) -> tuple[Said, ...]:
    tries = tuple(
        TakenTry(
            referral_id=each.referral_id,
            group=GROUPS[each.need],
            try_number=asked.number,
            offered_on=asked.offered_on,
            answered_on=asked.answered_on,
            answer=asked.answer,
        )
        for each in referrals
        for asked in each.asked
    )
    rulings = tuple(
        TakenRuling(referral_id=each.referral_id, decision=each.decision, decided_on=each.decided_on)
        for each in referrals
        if each.need is Need.ARREARS_ASSUMPTION and each.decision is not None and each.decided_on is not None
    )
    if not (tries or rulings):
        return ()
    event = ReferralsTakenOver(case_id=file.case_id, from_case_id=from_case_id, tries=tries, rulings=rulings)
    return (Said(REFERRALS.name, str(file.case_id), event),)


def _given_up(case_id: UUID, to_case_id: UUID, referrals: Sequence[Referral]) -> tuple[Said, ...]:
    ids = tuple(each.referral_id for each in referrals)
    event = ReferralsGivenUp(case_id=case_id, to_case_id=to_case_id, referral_ids=ids)
    return (Said(REFERRALS.name, str(case_id), event),) if ids else ()


def _changes(before: Files, now: Files, said: Iterable[Said]) -> Moved:
    return Moved({each: file for each, file in now.items() if file is not before[each] and file != before[each]}, list(said))
