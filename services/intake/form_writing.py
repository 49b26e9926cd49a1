"""A filed form as it was typed, for a correction: the opposite of `form_reading.py`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from services.intake.facts import Statement, StatementKey, effective
from services.intake.form import FormEntry, PartyEntry
from shared.contracts.topics.notices import Party, SuitFiled
from shared.runtime.clock import BERLIN


def correctable(together: Iterable[Statement], key: StatementKey) -> SuitFiled | None:
    """What a form that was filed under this key says by now; None where it is revoked, or is no form at all."""
    content = next((each.content for each in effective(together) if each.key == key), None)
    return content if isinstance(content, SuitFiled) else None


def form_of(notice: SuitFiled) -> FormEntry:
    """The form that makes this notice."""
    court = notice.proceeding
    hearing = None if notice.hearing_at is None else notice.hearing_at.astimezone(BERLIN)
    return FormEntry(
        court_code="" if court is None else court.court_code,
        docket="" if court is None else court.docket,
        received_on=_day(notice.received()),
        filed_on=_day(notice.filed_on),
        lis_pendens_on=_day(notice.lis_pendens_on),
        plaintiffs=[_party(each) for each in notice.plaintiffs] or [PartyEntry()],
        landlord_kind=notice.landlord_kind,
        defendants=[_party(each) for each in notice.defendants],
        monthly_rent=_money(notice.monthly_rent),
        claimed_arrears=_money(notice.claimed_arrears),
        claimed_compensation=_money(notice.claimed_compensation),
        hearing_on=_day(None if hearing is None else hearing.date()),
        hearing_time="" if hearing is None else f"{hearing:%H:%M}",
        termination_types=list(notice.termination_types),
        legal_basis=notice.legal_basis,
    )


def _party(party: Party) -> PartyEntry:
    at = {} if party.address is None else party.address.model_dump()
    return PartyEntry(
        family_name=party.family_name,
        given_name=party.given_name or "",
        served_on=_day(party.served_on),
        **{name: at.get(name) or "" for name in ("street", "house_number", "addition", "postcode", "place")},
    )


def _day(day: date | None) -> str:
    return "" if day is None else f"{day:%d.%m.%Y}"


def _money(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:.2f}".replace(".", ",")
