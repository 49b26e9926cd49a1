"""What is claimed: rent, arrears, compensation, and by whom. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from services.intake.facts import Statement, best
from services.intake.persons import Atlas
from services.intake.proceedings import Suit
from shared.calendar import NATIONWIDE
from shared.contracts.codes import LandlordKind, MoneyBand
from shared.contracts.topics.households import Claim
from shared.contracts.topics.notices import ArrearsWarningReported, SuitFiled, TerminationReported

_LIMITS = {1000: MoneyBand.UNDER_1000, 2000: MoneyBand.FROM_1000, 3000: MoneyBand.FROM_2000, 5000: MoneyBand.FROM_3000}
_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Money:
    """What is claimed in euros, as the weightiest statement says."""

    rent: Decimal | None
    arrears: Decimal | None
    compensation: Decimal | None

    @property
    def months(self) -> int | None:
        """Arrears in whole months of rent."""
        return int(self.arrears / self.rent) if self.arrears is not None and self.rent else None

    def or_else(self, other: Money) -> Money:
        """What is left unsaid here is taken from there."""
        return Money(
            other.rent if self.rent is None else self.rent,
            other.arrears if self.arrears is None else self.arrears,
            other.compensation if self.compensation is None else self.compensation,
        )


def money(statements: Sequence[Statement]) -> Money:
    """What these statements claim."""
    claims = [
        (each, each.content)
        for each in statements
        if isinstance(each.content, SuitFiled | TerminationReported | ArrearsWarningReported)
    ]
    return Money(
        rent=best((each, content.monthly_rent) for each, content in claims),
        arrears=best((each, content.claimed_arrears) for each, content in claims),
        compensation=best((each, content.claimed_compensation) for each, content in claims if isinstance(content, SuitFiled)),
    )


def band(arrears: Decimal | None) -> MoneyBand:
    """The band of a sum in euros."""
    if arrears is None:
        return MoneyBand.UNKNOWN
    return next((name for limit, name in _LIMITS.items() if arrears < limit), MoneyBand.FROM_5000)


def landlord_kind(statements: Sequence[Statement]) -> LandlordKind:
    """The kind of landlord, where anybody knows it."""
    said = (
        (each, None if each.content.landlord_kind is LandlordKind.UNKNOWN else each.content.landlord_kind)
        for each in statements
        if isinstance(each.content, SuitFiled | TerminationReported | ArrearsWarningReported)
    )
    return best(said) or LandlordKind.UNKNOWN


def landlord_land(statements: Sequence[Statement], atlas: Atlas) -> str | None:
    """Whose holidays count beside ours at the landlord's seat (§ 193 BGB): nobody's where every plaintiff is in the city.

    A notice names no Land, and one is not to be guessed: of any other landlord only what is a holiday everywhere counts.
    """
    plaintiffs = best((each, each.content.plaintiffs or None) for each in statements if isinstance(each.content, SuitFiled))
    local = plaintiffs and all(each.address is not None and atlas.locate(each.address).in_city for each in plaintiffs)
    return None if local else NATIONWIDE


def claim(case_id: UUID, suit: Suit | None, statements: Sequence[Statement]) -> Claim:
    """The register's claim of one suit, or of a case without one; what the suit leaves unsaid is taken from the case."""
    about = suit.statements if suit else statements
    plaintiffs = best((each, each.content.plaintiffs or None) for each in about if isinstance(each.content, SuitFiled))
    ref = suit.ref if suit else None
    claimed = money(about).or_else(money(statements))
    return Claim(
        case_id=case_id,
        proceeding_id=suit.id if suit else None,
        court_code=ref.court_code if ref else None,
        docket=ref.docket if ref else None,
        landlords=tuple(f"{each.given_name or ''} {each.family_name}".strip()[:_NAME_LENGTH] for each in plaintiffs or ()),
        landlord_kind=landlord_kind(statements),
        monthly_rent=claimed.rent,
        claimed_arrears=claimed.arrears,
        claimed_compensation=claimed.compensation,
    )
