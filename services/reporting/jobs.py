"""What operations watch of the promise to visit (Besuchszusage): the same figures as on the city's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.reporting import store
from shared.messaging.model import Said, Tx
from shared.runtime.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Watch:
    """Counts what is owed, overdue and not covered."""

    metrics: Metrics

    async def run(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Count; says nothing to the other services."""
        self.metrics.guarantee(*await store.guarantee(tx, now.date()))
        return ()
