"""What a court's message files: the same notices as on every other channel.

There is no XJustiz message of its own for the court's notice to the city (MiZi IV/1), so the content decides:

- Terminsdaten are hearings of the suit: set, moved (Umladung) or, with the event Terminaufhebung, cancelled;
- a message that names defendants is the notice of the suit where it says so (event Klage), where it tells the day the
  file was opened, or where it has no hearing to tell.

Identity: the first notice has the message's own `eigeneNachrichtenID`; any further one, and all of a message whose id is
no UUID, have uuid5 over source, id and position. The same message files the same notices, however often it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import ValidationError

from services.intake.xjustiz.message import Address, Hearing, Message, Participant
from shared.contracts.codes import Channel, LegalBasis
from shared.contracts.topics.notices import HearingCancelled, HearingMoved, HearingSet, Notice, SuitFiled
from shared.messaging.model import Rejected
from shared.runtime.clock import BERLIN

PLAINTIFF, LANDLORD, DEFENDANT, TENANT = "101", "179", "028", "310"
"""GDS.Rollenbezeichnung 3.6. Representatives (132), bailiffs (083) and all others are no parties of the dwelling."""

_SUIT_EVENTS = {"017", "301"}
_CANCELLED_EVENT = "026"
_RESUMMONED = "003"
_NO_SUITS = ("nachricht.eeb.", "nachricht.gds.fehler.")
_CIVIL = {None, "034", "039", "047"}
_ORAL = {None, "007", "009", "035", *(f"{n:03}" for n in (*range(12, 17), *range(20, 28)))}
"""GDS.Terminsart 2.1: oral hearings of a suit; no announcement of a decision, no oath, no arrest."""


@dataclass(frozen=True, slots=True)
class Filing:
    """Notices with their ids, and the keys of what a person should know of them (texts/xjustiz.json)."""

    notices: tuple[tuple[UUID, Notice], ...]
    warnings: tuple[str, ...]


def file(message: Message, source: str) -> Filing:
    """The notices of a message that came from this source.

    Raises:
        Rejected: `no_notice`, `no_civil_suit`, `missing` or `nothing_to_file`, or the rule of the contract that a field breaks.
    """
    if message.name.startswith(_NO_SUITS):
        raise Rejected(None, "no_notice")
    if message.subject not in _CIVIL:
        raise Rejected("sachgebiet", "no_civil_suit")
    for field, value in (("eigenenachrichtenid", message.id), ("erstellungszeitpunkt", message.created_at)):
        if value is None:
            raise Rejected(field, "missing")
    assert message.id is not None
    notices = list(_notices(message))
    if not notices:
        raise Rejected(None, "nothing_to_file")
    ids = (_identity(source, message.id, n) for n in range(len(notices)))
    return Filing(tuple(zip(ids, notices, strict=True)), tuple(_warnings(message, notices)))


def _identity(source: str, message_id: str, n: int) -> UUID:
    try:
        own = UUID(message_id)
    except ValueError:
        own = None
    return own if own is not None and n == 0 else uuid5(uuid5(NAMESPACE_URL, source), f"{message_id}|{n}")


def _notices(message: Message) -> Iterator[Notice]:
    defendants = _parties(message, DEFENDANT, TENANT)
    hearings = [each for each in message.hearings if each.kind in _ORAL]
    cancelled = _CANCELLED_EVENT in message.events
    if defendants and (message.events & _SUIT_EVENTS or message.registered_on or not (message.hearings or cancelled)):
        assert message.created_at is not None
        yield _notice(
            SuitFiled,
            message,
            filed_on=message.registered_on or message.created_at.astimezone(BERLIN).date(),
            plaintiffs=_parties(message, PLAINTIFF, LANDLORD),
            defendants=defendants,
        )
    for each in hearings:
        yield _hearing(message, each, cancelled=cancelled)
    if cancelled and not message.hearings:
        yield _notice(HearingCancelled, message)


def _hearing(message: Message, hearing: Hearing, *, cancelled: bool) -> Notice:
    if cancelled:
        return _notice(HearingCancelled, message, hearing_at=hearing.at)
    if hearing.category == _RESUMMONED:
        previous = next(
            (each.at for each in message.hearings if each.id == hearing.refers_to is not None and each is not hearing), None
        )
        return _notice(HearingMoved, message, hearing_at=hearing.at, previous_at=previous)
    return _notice(HearingSet, message, hearing_at=hearing.at)


def _notice(kind: type[Notice], message: Message, **fields: Any) -> Notice:  # noqa: ANN401  the fields of a notice are anything
    proceeding = {"court_code": message.court, "docket": message.docket} if message.court and message.docket else None
    if proceeding is None and kind is not SuitFiled:
        raise Rejected("aktenzeichen", "missing")
    suit = kind is SuitFiled
    try:
        return kind.model_validate(
            {
                "channel": Channel.XJUSTIZ,
                "actor": message.sender or message.court or "XJustiz",
                "legal_basis": LegalBasis.SGB2_22_9 if suit else LegalBasis.EGGVG_20,
                "recorded_at": message.created_at,
                "proceeding": proceeding,
                **fields,
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Rejected(".".join(map(str, first["loc"])), first["type"]) from None


def _parties(message: Message, *roles: str) -> list[dict[str, Any]]:
    """The participants in the first of these roles that anybody has."""
    for role in roles:
        if found := [each for each in message.participants if role in each.roles and each.family_name]:
            return [_party(each) for each in found]
    return []


def _party(each: Participant) -> dict[str, Any]:
    address = _dwelling(each)
    given = None if address is None else {
        "street": address.street,
        "house_number": address.house_number,
        "addition": address.addition,
        "postcode": address.postcode,
        "place": address.place,
    }  # fmt: skip
    return {"family_name": each.family_name, "given_name": each.given_name, "address": given, "language": each.language}


def _dwelling(each: Participant) -> Address | None:
    """The first address with a street that is no former one: a post office box cannot be visited."""
    return next((address for address in each.addresses if address.street and not address.former), None)


def _warnings(message: Message, notices: list[Notice]) -> Iterator[str]:
    if not message.validated:
        yield "no_schema" if (message.version or "").startswith("3.6") else "other_version"
    suit = any(isinstance(each, SuitFiled) for each in notices)
    if suit and message.registered_on is None:
        yield "filing_day_assumed"
    if not suit and _parties(message, DEFENDANT, TENANT):
        yield "suit_must_be_known"
    if any(each.blocked for each in message.participants):
        yield "address_blocked"
    if any(each.in_words for each in message.hearings):
        yield "hour_in_words"
    if any(each.kind not in _ORAL for each in message.hearings):
        yield "other_appointments"
    if any(_dwelling(each) is None for each in message.participants if {DEFENDANT, TENANT} & each.roles):
        yield "without_address"
