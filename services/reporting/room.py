"""What a batch of facts does to reporting: each goes to the log and into its case's row, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.reporting import store
from services.reporting.fold import fold
from services.reporting.lines import line_of
from services.reporting.parts import Parts
from services.reporting.periods import quarter_of
from shared.contracts.topics.cases import CaseErased
from shared.messaging.erasure import Gone
from shared.messaging.model import Decision, Heard, Tx

NOTHING = Decision()


@dataclass(slots=True)
class Batch:
    """The cases a batch touches, and what became of them."""

    parts: dict[UUID, Parts]
    gone: set[UUID]
    facts: dict[UUID, list[store.Fact]] = field(default_factory=dict)
    erased: set[UUID] = field(default_factory=set)
    quarters: set[str] = field(default_factory=set)


class ReportingRoom:
    """Keeps every fact it reads, and one row for each case."""

    async def load(self, tx: Tx, heard: Sequence[Heard], now: datetime) -> Batch:  # noqa: ARG002  facts carry their own days
        """Lock and read the cases these facts are about."""
        case_ids = sorted({UUID(each.key) for each in heard})
        await store.lock(tx, case_ids)
        return Batch(await store.load_parts(tx, case_ids), await store.load_erased(tx, case_ids))

    def decide(self, state: Batch, heard: Heard) -> Decision:
        """Fold one fact in. Of an erased case nothing is kept, whatever still comes."""
        case_id = UUID(heard.key)
        if isinstance(heard.data, CaseErased):
            known = state.parts.pop(case_id, None)
            line = line_of(known) if known else None
            state.quarters |= {quarter_of(day) for day in line.dates()} if line else set()
            state.facts.pop(case_id, None)
            state.erased.add(case_id)
            state.gone.add(case_id)
        elif heard.data is not None and case_id not in state.gone:
            fact = store.Fact(heard, case_id, heard.data.model_dump_json())
            fold(state.parts.setdefault(case_id, Parts()), heard.data)
            state.facts.setdefault(case_id, []).append(fact)
        return NOTHING

    async def save(self, tx: Tx, state: Batch) -> None:
        """Write the log and the rows together."""
        if state.facts:
            await store.append_facts(tx, [fact for facts in state.facts.values() for fact in facts])
            await store.save_parts(tx, {case_id: state.parts[case_id] for case_id in state.facts})
        if state.erased:
            await store.erase(tx, state.erased, state.quarters)

    def gone(self, state: Batch) -> Gone:
        """What lies parked of the erased cases."""
        return Gone([str(each) for each in state.erased])
