"""A deadline in words, German and English. The words lie in texts.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from services.intake.law.model import Deadline, Step
from shared.contracts.codes import Basis

Language = Literal["de", "en"]
Texts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why this date, as whole sentences."""

    de: str
    en: str


@cache
def load_texts() -> Texts:
    """The text catalogue: rule, fact, source, step, basis, remark, norm, unit, weekday, month."""
    return tomllib.loads(files(__package__).joinpath("texts.toml").read_text(encoding="utf-8"))


def explain(deadline: Deadline, texts: Texts) -> Explanation:
    """What the deadline means, how it was computed, how certain it is and on which norm it rests."""
    return Explanation(de=_explain(deadline, texts, "de"), en=_explain(deadline, texts, "en"))


def explain_step(step: Step, texts: Texts, language: Language) -> str:
    """One step of the arithmetic as a sentence."""
    sentence: str = texts["step"][step.kind][language]
    return sentence.format(
        on=_day(step.on, texts, language),
        before=_day(step.before, texts, language) if step.before else "",
        fact=texts["fact"][step.fact][language] if step.fact else "",
        source=texts["source"][step.source][language] if step.source else "",
        period=", ".join(_amount(unit, n, texts, language) for unit, n in step.period),
        lands=", ".join(step.lands),
    )


def _explain(deadline: Deadline, texts: Texts, language: Language) -> str:
    basis = "unconfirmed" if deadline.basis is Basis.LOWER_BOUND and not deadline.confirmed else str(deadline.basis)
    sentences = [
        texts["rule"][deadline.rule][language],
        *(explain_step(step, texts, language) for step in deadline.steps),
        texts["basis"][basis][language],
    ]
    if deadline.remark:
        sentences.append(texts["remark"][deadline.remark][language])
    norm: str = texts["norm"]["line"][language]
    sentences.append(norm.format(norm=deadline.norm, rule=deadline.rule, version=deadline.rule_version))
    return " ".join(sentences)


def _amount(unit: str, n: int, texts: Texts, language: Language) -> str:
    one, many = texts["unit"][unit][language]
    return str(one if n == 1 else many.format(n=n))


def _day(day: date, texts: Texts, language: Language) -> str:
    weekday = texts["weekday"][language][day.weekday()]
    if language == "de":
        return f"{weekday}, {day:%d.%m.%Y}"
    return f"{weekday} {day.day} {texts['month']['en'][day.month - 1]} {day.year}"
