"""The daily work: publish each quarter once it has settled, and what may be corrected of those before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.reporting import indicators, store
from services.reporting.releases import announced, correction, is_settled, may_be_corrected
from shared.messaging.model import Said, Tx


@dataclass(frozen=True, slots=True)
class Publishing:
    """Releases figures; `districts` appear even where nothing happened."""

    districts: Iterable[str]

    async def run(self, tx: Tx, now: datetime) -> list[Said]:
        """Publish what is due today. Running it again says nothing more."""
        today = now.date()
        released = await store.load_releases(tx)
        lines = await store.load_lines(tx)
        reports, said = [], []
        for quarter in indicators.quarters_of(lines):
            if not is_settled(quarter, today):
                continue
            earlier = released.get(quarter)
            if earlier is None:
                new = indicators.report(lines, quarter, today, self.districts)
                reports.append(new)
                said += announced(new)
            elif may_be_corrected(earlier, today):
                better = correction(earlier, indicators.report(lines, quarter, today, self.districts))
                if better is not None:
                    reports.append(better)
                    said += announced(better, earlier.newest)
        if reports:
            await store.save_releases(tx, reports)
        return said
