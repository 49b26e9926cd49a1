"""Words for codes on intake's pages: senders by name, courts by name, advice for an answer."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_currency, format_decimal

from services.intake.answers import advice
from services.intake.likeness.weights import city as weights
from services.intake.questions import Question
from shared.city import City
from shared.messaging.model import Answer
from shared.runtime.texts import Lang


class Wording:
    """What the templates ask for by code."""

    def __init__(self, city: City) -> None:
        self._senders = {partner.ce_source: partner.name for partner in city.partners}
        self.courts = {court.code: court.name for court in city.courts}

    def sender(self, source: str) -> str:
        """A partner's name; one that is no longer registered by its source."""
        return self._senders.get(source, source)

    def sender_of(self, topic: str) -> str:
        """The name of the partner whose topic this is."""
        return self.sender(f"urn:bleibe:partner:{topic.partition('.')[2]}")

    def court(self, code: str) -> str:
        """A court's name, or its code where it is not one of ours."""
        return self.courts.get(code, code)

    def advice(self, answer: Answer | None, rule: str | None, lang: Lang) -> str:
        """What to do about an answer."""
        key = f"rejected.{rule}" if answer is Answer.REJECTED else str(answer or Answer.PARKED)
        words = advice(key)
        return words.en if lang == "en" else words.de

    def euro(self, amount: Decimal, lang: Lang) -> str:
        """An amount of money: 1.837,50 €."""
        return format_currency(amount, "EUR", locale="en_GB" if lang == "en" else "de_DE")

    def kind(self, event_type: str | None) -> str:
        """The text key of a notice's type: `type.suit-filed`; `type.unknown` for what is no notice of ours."""
        name = (event_type or "").removeprefix("de.bleibe.notice.").removesuffix(".v1")
        return f"type.{name}" if name in _KINDS else "type.unknown"

    @property
    def certain(self) -> float:
        """The score from which a notice is attached without asking anybody."""
        return weights().certain

    def likely(self, question: Question) -> str:
        """The text key of how likely two cases are one, in thirds of what is asked at all; the middle one starts at 3 : 2."""
        if not question.reasons:
            return "likely.key"
        known = weights()
        third = (known.certain - known.possible) / 3
        words = (("certain", known.certain), ("very", known.certain - third), ("likely", known.possible + third))
        return next((f"likely.{word}" for word, least in words if question.score >= least), "likely.possible")

    def points(self, weight: float, lang: Lang) -> str:
        """A weight in bits with one decimal place."""
        return format_decimal(weight, "0.0", locale="en_GB" if lang == "en" else "de_DE")

    def speaks(self, weight: float) -> str:
        """The text key of what an agreement of this weight says, for one person or against."""
        words = next(word for word, least in (("much", 6), ("some", 2), ("little", 0.5), ("nothing", 0)) if abs(weight) >= least)
        return f"speaks.{words}" if words == "nothing" else f"speaks.{words}_{'for' if weight > 0 else 'against'}"


_KINDS = frozenset(
    {
        "suit-filed", "termination-reported", "arrears-warning-reported", "eviction-date-notified", "service-reported",
        "hearing-set", "hearing-moved", "hearing-cancelled", "proceeding-ended", "self-reported", "corrected", "revoked",
    }
)  # fmt: skip
