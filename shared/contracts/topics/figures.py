"""`figures`: protected figures for the public. Compacted, key = figure id; k >= 5."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from shared.contracts.fields import Count, Days, Event, FigureId, Share


class FigurePublished(Event):
    """Kennzahl: a count, a share of `count`, or a median or percentile `value` in days.

    All three are None where the number is protected.
    """

    TYPE: ClassVar[str] = "de.bleibe.figure.published.v1"
    figure_id: FigureId
    as_of: date
    count: Count | None
    share: Share | None = None
    value: Days | None = None
    protected: bool


EVENTS = (FigurePublished,)
