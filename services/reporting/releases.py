"""When a quarter is published, and when a correction may follow: never so that two releases tell what one hides. Pure.

A running quarter is never published: yesterday's figure subtracted from today's would be one household.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.reporting.indicators import Figure, QuarterReport
from services.reporting.periods import last_day
from services.reporting.protection import K
from shared.contracts.catalogue import FIGURES
from shared.contracts.topics.figures import FigurePublished
from shared.messaging.model import Said

SETTLING = timedelta(days=28)
"""How long after its end a quarter's visits and papers come in before it is published."""

CORRECTABLE = timedelta(days=183)
"""How long after its first release a quarter is still corrected."""

Key = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Release:
    """All versions published of a quarter, oldest first; sealed once one of its cases was erased."""

    quarter: str
    versions: tuple[QuarterReport, ...]
    sealed: bool

    @property
    def newest(self) -> QuarterReport:
        """What counts as published."""
        return self.versions[-1]


def is_settled(quarter: str, today: date) -> bool:
    """Whether the quarter is over for long enough to be published."""
    return today > last_day(quarter) + SETTLING


def may_be_corrected(release: Release, today: date) -> bool:
    """Whether a correction is looked for at all."""
    return not release.sealed and today <= release.versions[0].as_of + CORRECTABLE


def correction(release: Release, now: QuarterReport, k: int = K) -> QuarterReport | None:
    """The figures as they would be published now, or None where they are the same or would tell too much.

    Compared with every earlier version, the same counts are protected, and each published one is equal or differs by at
    least k; so no difference of two versions is about fewer than k.
    """
    new = _by_key(now.figures)
    for version in release.versions:
        old = _by_key(version.figures)
        if old.keys() != new.keys() or any(old[key].protected != new[key].protected for key in old):
            return None
        if any(0 < abs((new[key].count or 0) - (old[key].count or 0)) < k for key in old):
            return None
    newest = _by_key(release.newest.figures)
    return now if any(new[key].count != newest[key].count for key in new) else None


def announced(report: QuarterReport, before: QuarterReport | None = None) -> list[Said]:
    """The events for what is new or changed in this report."""
    known = _by_key(before.figures) if before else {}
    return [_said(report, each) for each in report.figures if known.get(_key(each)) != each]


def _said(report: QuarterReport, figure: Figure) -> Said:
    parts = [figure.name, report.quarter, figure.district, *([figure.code] if figure.code else [])]
    data = FigurePublished(
        figure_id=":".join(parts),
        as_of=report.as_of,
        count=figure.count,
        share=figure.share,
        value=figure.value,
        protected=figure.protected,
    )
    return Said(FIGURES.name, data.figure_id, data)


def _by_key(figures: Sequence[Figure]) -> dict[Key, Figure]:
    return {_key(figure): figure for figure in figures}


def _key(figure: Figure) -> Key:
    return figure.name, figure.district, figure.code
