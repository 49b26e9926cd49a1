"""Facts and rules to deadlines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from services.intake.law.facts import Facts
from services.intake.law.model import Deadline, Input, Step
from services.intake.law.rules import Direction, Place, Roll, Rule
from shared.calendar import NATIONWIDE, Calendar, roll_back, roll_forward
from shared.contracts.codes import Basis, Evidence


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a period starts: the fact it is named after, its day and what that rests on."""

    fact: str
    on: date
    source: Evidence
    basis: Basis
    inputs: tuple[Input, ...]


def deadlines(
    facts: Facts,
    rules: Iterable[Rule],
    calendar_of: Callable[[str], Calendar] = Calendar,
) -> tuple[Deadline, ...]:
    """Every deadline the facts give rise to, earliest first; `calendar_of` gives the calendar of a Land code.

    A rule applies where it was in force on the day its period starts.

    Raises:
        ValueError: a Land code names no Land.
    """
    found = []
    for rule in rules:
        start = _start(rule, facts)
        if start is not None and rule.in_force(start.on):
            found.append(_deadline(rule, start, facts, calendar_of))
    return tuple(sorted(found, key=lambda deadline: deadline.date))


def _deadline(rule: Rule, start: _Start, facts: Facts, calendar_of: Callable[[str], Calendar]) -> Deadline:
    steps = _steps(rule, start, facts, calendar_of)
    end = steps[-1].on
    basis = Basis.LOWER_BOUND if rule.floor or steps[-1].kind == "land_unknown" else start.basis
    passed = facts.today is not None and end < facts.today
    return Deadline(
        rule=rule.id,
        date=end,
        basis=basis,
        norm=rule.norm,
        rule_version=rule.version,
        who=rule.who,
        inputs=start.inputs,
        steps=steps,
        passed=passed,
        remark=_remark(rule, end, facts, passed=passed),
    )


def _steps(rule: Rule, start: _Start, facts: Facts, calendar_of: Callable[[str], Calendar]) -> tuple[Step, ...]:
    first = Step("start", start.on, fact=start.fact, source=start.source)
    if rule.direction is Direction.AS_GIVEN:
        return (first, Step("as_given", start.on))
    lands = _lands(rule, facts)
    calendars = [calendar_of(land) for land in lands]
    forward = rule.direction is Direction.FORWARD
    raw = rule.period.after(start.on) if forward else rule.period.before(start.on)
    steps = [first, Step(str(rule.direction), raw, period=rule.period.parts())]
    if rule.roll is not Roll.NONE:
        end = roll_forward(raw, calendars) if rule.roll is Roll.NEXT else roll_back(raw, calendars)
        if end != raw:
            steps.append(Step(str(rule.roll), end, before=raw, lands=lands))
        if NATIONWIDE in lands:
            here = roll_forward(raw, calendars[:1]) if rule.roll is Roll.NEXT else roll_back(raw, calendars[:1])
            steps += [Step("land_unknown", end, before=here)] if here != end else []
        elif len(lands) > 1:
            steps.append(Step("two_calendars", end, lands=lands))
    return tuple(steps)


def _lands(rule: Rule, facts: Facts) -> tuple[str, ...]:
    if rule.place is Place.COURT or facts.landlord_land in (None, facts.land):
        return (facts.land,)
    return (facts.land, str(facts.landlord_land))


def _remark(rule: Rule, end: date, facts: Facts, *, passed: bool) -> str | None:
    eviction = facts.day("eviction_at")
    if rule.id == "BAILIFF_NOTICE_MIN":
        # A minimum to be kept by the bailiff, not a day to be missed.
        return "BAILIFF_NOTICE_MIN_TOO_SHORT" if eviction is not None and eviction < end else None
    if passed:
        return "ENFORCEMENT_PROTECTION_PASSED" if rule.id == "ENFORCEMENT_PROTECTION" else "PASSED"
    return None


def _start(rule: Rule, facts: Facts) -> _Start | None:
    for n, trigger in enumerate(rule.trigger):
        if trigger == "last_service":
            start = _service(facts, last=True)
        elif trigger == "first_service":
            start = _service(facts, last=False)
        else:
            start = _plain(trigger, facts, fallback=n > 0)
        if start is not None:
            return start
    return None


def _plain(fact: str, facts: Facts, *, fallback: bool) -> _Start | None:
    on = facts.day(fact)
    if on is None:
        return None
    source = facts.evidence_of(fact)
    exact = source is not Evidence.WORD and not fallback
    return _Start(fact, on, source, Basis.EXACT if exact else Basis.LOWER_BOUND, (Input(fact, on, source),))


def _service(facts: Facts, *, last: bool) -> _Start | None:
    """Where a period that runs from service starts: exact, or never later than the truth.

    Exact needs every defendant's date from the court or a document that was seen. Otherwise the last service is not
    before any of the dates known that way, and we take the earliest of them; the first service is not before the filing.
    Word of mouth may move the start earlier, never later.
    """
    known = [Input("served_on", each.on, each.evidence) for each in facts.served if each is not None]
    seen = [each for each in known if each.source is not Evidence.WORD]
    if facts.served and len(seen) == len(facts.served):
        chosen = (max if last else min)(seen, key=lambda each: each.value)
        name = "served_on" if len(seen) == 1 else "last_service" if last else "first_service"
        return _Start(name, chosen.value, chosen.source, Basis.EXACT, tuple(seen))
    filing = [] if facts.filed_on is None else [Input("filed_on", facts.filed_on, facts.evidence_of("filed_on"))]
    word = [each for each in known if each.source is Evidence.WORD]
    bounds = ((seen or filing) if last else (filing or seen)) + word
    if not bounds:
        return None
    chosen = min(bounds, key=lambda each: each.value)
    return _Start(chosen.fact, chosen.value, chosen.source, Basis.LOWER_BOUND, tuple(bounds))
