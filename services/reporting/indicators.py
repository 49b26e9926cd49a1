"""The indicators, their definitions fixed here (domain reference 5.8). Pure: lines of cases in, protected figures out.

All counts of a quarter by Stadtbezirk are the finest there is. A suit and a case count in the quarter in which the city
received it, an assessment and an outcome in the quarter of their own day, an offer in the quarter in which it was made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import ceil
from statistics import median

from pydantic import TypeAdapter

from services.reporting.lines import CaseLine, Guarantee, SuitLine
from services.reporting.periods import quarter_of
from services.reporting.protection import Cell, K, protect
from shared.contracts.codes import ApplicationDecision, ArrearsCause, Channel, MoneyBand, Outcome, ReferralState

CITY = "CITY"
P90_FROM = 2 * K
"""Below this many cases the ninetieth percentile is one household's own value."""


class SuitState(StrEnum):
    """A suit in the count of the visit guarantee. Due are FULFILLED and OUTSTANDING."""

    FULFILLED = "FULFILLED"
    OUTSTANDING = "OUTSTANDING"
    WAIVED = "WAIVED"
    OTHER = "OTHER"


class OutcomeGroup(StrEnum):
    """Outcomes, grouped as the city's own summary does."""

    SECURED = "SECURED"
    REHOUSED = "REHOUSED"
    TEMPORARY = "TEMPORARY"
    LOST = "LOST"
    NOT_REACHED = "NOT_REACHED"


class OfferAnswer(StrEnum):
    """What became of asking one provider."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    TIMED_OUT = "TIMED_OUT"
    DECIDED = "DECIDED"
    TAKEN_BACK = "TAKEN_BACK"
    PENDING = "PENDING"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a quarter, or the sign that it is protected. `value` is a median or percentile in days."""

    name: str
    district: str
    code: str | None = None
    count: int | None = None
    share: float | None = None
    value: float | None = None
    protected: bool = False


@dataclass(frozen=True, slots=True)
class QuarterReport:
    """All figures of a quarter as of a day."""

    quarter: str
    as_of: date
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class GuaranteeNow:
    """The visit guarantee today, for the whole city: obligations open and untried, those overdue, defendants not covered."""

    open: int
    overdue: int
    uncovered: int


REPORT = TypeAdapter(QuarterReport)

MISSING_CAUSES = frozenset({ArrearsCause.NOT_ASKED, ArrearsCause.REFUSED, ArrearsCause.UNKNOWN})
NO_PRIMARY = "NONE_NAMED"


def guarantee_now(lines: Iterable[CaseLine], today: date) -> GuaranteeNow:
    """Where the promise to visit stands today."""
    owed = [due for line in lines for due in line.owed]
    return GuaranteeNow(len(owed), sum(due < today for due in owed), sum(line.uncovered for line in lines))


def quarters_of(lines: Iterable[CaseLine]) -> list[str]:
    """Every quarter in which something counts, oldest first."""
    return sorted({quarter_of(day) for line in lines for day in line.dates()})


def report(lines: Sequence[CaseLine], quarter: str, as_of: date, districts: Iterable[str] = ()) -> QuarterReport:
    """The protected figures of one quarter; `districts` are shown even where nothing happened."""
    places = sorted({*districts, *(line.district for line in lines)})
    suits = [(line.district, suit) for line in lines for suit in line.suits if quarter_of(suit.received_on) == quarter]
    figures = [
        *_guarantee(suits, places, as_of),
        *_days(suits, places),
        *_cases([line for line in lines if quarter_of(line.received_on) == quarter]),
        *_causes([line for line in lines if line.assessed_on and quarter_of(line.assessed_on) == quarter]),
        *_outcomes([line for line in lines if line.ended_on and quarter_of(line.ended_on) == quarter], places),
        *_referrals(lines, quarter),
        *_rulings([ruling.decision for line in lines for ruling in line.rulings if quarter_of(ruling.on) == quarter]),
    ]
    return QuarterReport(quarter, as_of, tuple(figures))


def suit_state(suit: SuitLine, as_of: date) -> SuitState:
    """How a suit counts. Fulfilled: met, refused with information handed over, or three times not met.

    A suit is due once its visits are settled or their day has come; one that nobody covers is outstanding at once.
    """
    match suit.guarantee:
        case Guarantee.FULFILLED:
            return SuitState.FULFILLED
        case Guarantee.WAIVED:
            return SuitState.WAIVED
        case Guarantee.UNCOVERED:
            return SuitState.OUTSTANDING
        case Guarantee.OPEN if suit.due_on is not None and suit.due_on <= as_of:
            return SuitState.OUTSTANDING
    return SuitState.OTHER


def outcome_group(outcome: Outcome) -> OutcomeGroup:
    """The group of an outcome (domain reference 5.7)."""
    if outcome.startswith("TENANCY_KEPT"):
        return OutcomeGroup.SECURED
    if outcome.startswith(("MOVED_NEW", "MOVED_SUPPORTED")):
        return OutcomeGroup.REHOUSED
    if outcome.startswith("STAYING") or outcome in (Outcome.CARE_OR_HOSPITAL, Outcome.DETENTION):
        return OutcomeGroup.TEMPORARY
    if outcome in (Outcome.EMERGENCY_ACCOMMODATION, Outcome.ROUGH_SLEEPING, Outcome.EVICTED_WHEREABOUTS_UNKNOWN):
        return OutcomeGroup.LOST
    return OutcomeGroup.NOT_REACHED


def _guarantee(suits: Sequence[tuple[str, SuitLine]], places: Sequence[str], as_of: date) -> list[Figure]:
    counts = Counter((place, suit_state(suit, as_of).value) for place, suit in suits)
    figures = _published(_by_district("suits", "suit_state", counts, places, SuitState))
    known = {(each.name, each.district, each.code): each.count for each in figures}
    for place in [*places, CITY]:
        done = known["suit_state", place, SuitState.FULFILLED]
        outstanding = known["suit_state", place, SuitState.OUTSTANDING]
        figures.append(_share("visit_coverage", place, done, outstanding))
    return figures


def _share(name: str, place: str, done: int | None, not_done: int | None) -> Figure:
    """A share of two published counts, itself protected where one of them is."""
    if done is None or not_done is None:
        return Figure(name, place, protected=True)
    due = done + not_done
    return Figure(name, place, count=due, share=round(done / due, 3) if due else None)


def _days(suits: Sequence[tuple[str, SuitLine]], places: Sequence[str]) -> list[Figure]:
    """Calendar days from received to first attempt and first contact, working days of slack at the first contact."""
    measures: dict[str, Callable[[SuitLine], int | None]] = {
        "days_to_attempt": lambda suit: (suit.attempt_on - suit.received_on).days if suit.attempt_on else None,
        "days_to_contact": lambda suit: (suit.contact_on - suit.received_on).days if suit.contact_on else None,
        "slack_at_contact": lambda suit: suit.slack,
    }
    figures = []
    for name, measure in measures.items():
        for place in [*places, CITY]:
            values = [measure(suit) for at, suit in suits if place in (at, CITY)]
            figures += _middle(name, place, [value for value in values if value is not None])
    return figures


def _middle(name: str, place: str, values: Sequence[int]) -> list[Figure]:
    """Median and ninetieth percentile (nearest rank; of slack the tenth, since little is what hurts)."""
    low = name.startswith("slack")
    ranked = sorted(values, reverse=low)
    tail = float(ranked[ceil(0.9 * len(ranked)) - 1]) if len(ranked) >= P90_FROM else None
    return [
        Figure(f"{name}_median", place, value=float(median(values)) if len(values) >= K else None, protected=0 < len(values) < K),
        Figure(f"{name}_{'p10' if low else 'p90'}", place, value=tail, protected=0 < len(values) < P90_FROM),
    ]


def _cases(lines: Sequence[CaseLine]) -> list[Figure]:
    """New cases by the channel of the first notice and by arrears; both add up to the same total."""
    cells = [Cell(f"cases:{CITY}", "bands", "city", len(lines), margin=True)]
    channels, bands = Counter(line.channel for line in lines), Counter(line.arrears for line in lines)
    cells += [Cell(f"channel:{CITY}:{code}", "city", "channels", channels[code]) for code in Channel]
    cells += [Cell(f"arrears:{CITY}:{code}", "channels", "bands", bands[code]) for code in MoneyBand]
    return _published(cells)


def _causes(lines: Sequence[CaseLine]) -> list[Figure]:
    """Causes of assessed cases: the primary one, and any. A third count, named but not primary, stays unpublished."""
    cells = [Cell(f"assessed:{CITY}", "end", "primary", len(lines), margin=True)]
    codes = [*ArrearsCause, NO_PRIMARY]
    primary = Counter(line.primary or NO_PRIMARY for line in lines)
    further = Counter(cause for line in lines for cause in line.causes if cause != line.primary)
    for code in codes:
        also = further[code]
        cells += [
            Cell(f"cause_primary:{CITY}:{code}", "primary", f"cause {code}", primary[code]),
            Cell(f"cause_further:{CITY}:{code}", "further", f"cause {code}", also, hidden=True),
            Cell(f"cause_any:{CITY}:{code}", f"cause {code}", "end", primary[code] + also),
        ]
    cells.append(Cell("all_further", "end", "further", sum(further.values()), hidden=True))
    figures = _published(cells)
    known = {(each.name, each.code): each.count for each in figures}
    missing = [known["cause_primary", code] for code in [*MISSING_CAUSES, NO_PRIMARY]]
    published = [count for count in missing if count is not None]
    total = known["assessed", None]
    whole = len(published) == len(missing) and total is not None
    rest = total - sum(published) if whole and total is not None else None
    return [*figures, _share("cause_missing", CITY, sum(published) if whole else None, rest)]


def _outcomes(lines: Sequence[CaseLine], places: Sequence[str]) -> list[Figure]:
    """Outcomes: groups by district, single codes for the city; one circulation, since the codes add up to their group."""
    ended = [(line.district, line.outcome) for line in lines if line.outcome is not None]
    groups = Counter((place, outcome_group(outcome).value) for place, outcome in ended)
    single = Counter(outcome for _, outcome in ended)
    cells = _by_district("outcomes", "outcome_group", groups, places, OutcomeGroup, into="codes")
    cells += [Cell(f"outcome:{CITY}:{code}", f"codes {outcome_group(code)}", "end", single[code]) for code in Outcome]
    return _published(cells)


def _referrals(lines: Sequence[CaseLine], quarter: str) -> list[Figure]:
    """Offers to providers by answer, the share accepted of those answered or timed out, and days until the answer."""
    tries = [each for line in lines for each in line.tries if quarter_of(each.offered_on) == quarter]
    answers = Counter(_offer_answer(each.answer) for each in tries)
    cells = [Cell(f"offers:{CITY}", "end", "city", len(tries), margin=True)]
    cells += [Cell(f"offer_answer:{CITY}:{code}", "city", "end", answers[code]) for code in OfferAnswer]
    figures = _published(cells)
    known = {each.code: each.count for each in figures}
    declined = [known[OfferAnswer.REJECTED], known[OfferAnswer.TIMED_OUT]]
    not_taken = sum(each for each in declined if each is not None) if None not in declined else None
    days = [(each.answered_on - each.offered_on).days for each in tries if each.answered_on]
    return [
        *figures,
        _share("offer_acceptance", CITY, known[OfferAnswer.ACCEPTED], not_taken),
        *_middle("days_pending", CITY, days),
    ]


def _rulings(decisions: Sequence[ApplicationDecision]) -> list[Figure]:
    """Applications for taking over the arrears, by the authority's decision."""
    counts = Counter(decisions)
    cells = [Cell(f"rulings:{CITY}", "end", "city", len(decisions), margin=True)]
    return _published([*cells, *(Cell(f"ruling:{CITY}:{code}", "city", "end", counts[code]) for code in ApplicationDecision)])


def _offer_answer(state: ReferralState | None) -> OfferAnswer:
    match state:
        case None:
            return OfferAnswer.PENDING
        case ReferralState.ACCEPTED | ReferralState.STARTED | ReferralState.ENDED:
            return OfferAnswer.ACCEPTED
        case ReferralState.REJECTED_BY_PROVIDER:
            return OfferAnswer.REJECTED
        case ReferralState.TIMED_OUT:
            return OfferAnswer.TIMED_OUT
        case ReferralState.DECIDED:
            return OfferAnswer.DECIDED
    return OfferAnswer.TAKEN_BACK


def _by_district(
    total: str, name: str, counts: Counter[tuple[str, str]], places: Sequence[str], codes: type[StrEnum], into: str | None = None
) -> list[Cell]:
    """District by code with both margins; with `into` the code margins flow on to `<into> <code>` to be split there."""
    cells = []
    for place in places:
        of_place = sum(counts[place, code] for code in codes)
        cells.append(Cell(f"{total}:{place}", "city", f"at {place}", of_place, margin=True))
        cells += [Cell(f"{name}:{place}:{code}", f"at {place}", f"code {code}", counts[place, code]) for code in codes]
    for code in codes:
        of_code = sum(counts[place, code] for place in places)
        cells.append(Cell(f"{name}:{CITY}:{code}", f"code {code}", f"{into} {code}" if into else "end", of_code, margin=True))
    return [*cells, Cell(f"{total}:{CITY}", "end", "city", sum(counts.values()), margin=True)]


def _published(cells: Sequence[Cell]) -> list[Figure]:
    unknown = protect(cells)
    figures = []
    for cell in cells:
        if not cell.hidden:
            name, place, *code = cell.id.split(":")
            protected = cell.id in unknown
            count = None if protected else cell.value
            figures.append(Figure(name, place, code[0] if code else None, count, protected=protected))
    return figures
