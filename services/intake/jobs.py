"""Erasing households: as people ask, when their time is over, and when a revoked notice leaves nothing. One way for all.

All that is told of it leaves with the same transaction: `case.erased` for every case, the register's tombstone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from services.intake import erasing_store, store
from services.intake.erasing_store import Holding
from services.intake.facts import StatementKey
from services.intake.retention import cut_off, due, healings, kept, words
from services.intake.revoking import Rest, rest_of, revoked_with
from shared.calendar import latest_start, period_end
from shared.city import Retention
from shared.contracts.catalogue import CASES, HOUSEHOLDS
from shared.contracts.topics.cases import CaseErased
from shared.messaging.erasure import Gone, Memory
from shared.messaging.model import Said, Tx
from shared.runtime.clock import BERLIN

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Erasing:
    """The jobs of erasing, with the periods of the city."""

    memory: Memory
    periods: Retention

    async def asked(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Erase what people asked for; a case on hold keeps its household."""
        requests = await erasing_store.requests(tx)
        if not requests:
            return ()
        found = await self._hold(tx, {each.household_id for each in requests})
        free = {each: holding for each, holding in found.items() if not holding.held}
        now_at = {each.id: each.household_id for each in await erasing_store.requests(tx)}
        done = []
        for each in (one for one in requests if one.household_id == now_at[one.id]):  # one merged just now has its turn next
            outcome = "erased" if each.household_id in free else "held" if each.household_id in found else "unknown"
            done.append((each.id, outcome, len(free[each.household_id].cases) if outcome == "erased" else 0))
        said = await self._erase(tx, list(free.values()), now)
        await erasing_store.answer(tx, done, now)
        return said

    async def over(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Erase what is past its period by the clock."""
        today = now.astimezone(BERLIN).date()
        waited = latest_start(today, months=self.periods.waiting_months)
        unplaced = await erasing_store.expire(tx, today, waited, now - timedelta(days=self.periods.loose_days))
        await self.memory.erase(tx, Gone(messages=self._outside(unplaced)))
        months = self.periods.closed_case_months
        households = await erasing_store.closed_since(tx, cut_off(today, months))
        found = (await self._hold(tx, households)).values() if households else ()
        return await self._erase(
            tx,
            [
                each
                for each in found
                if not each.held
                and due([kept(case.last, held=case.id in each.held) for case in each.cases if case.last], months, today)
            ],
            now,
        )

    async def revoked(self, tx: Tx, now: datetime) -> Sequence[Said]:
        """Erase revoked notices that two persons agreed on, and what rested on nothing else.

        Done is what is gone: one on hold waits, and so does one that came to another household while we waited for the lock.
        """
        agreed = await erasing_store.agreed_revocations(tx)
        if not agreed:
            return ()
        found = await self._hold(tx, await erasing_store.households_of(tx, agreed), agreed)
        statements = await erasing_store.statements_of(tx, list(found))
        said: list[Said] = []
        empty = []
        for household_id, holding in found.items():
            if holding.held:
                continue
            rest = rest_of(holding.household, holding.cases, statements.get(household_id, ()), agreed)
            if rest.nothing:
                empty.append(holding)
            else:
                said += await self._take_out(tx, rest, holding.aliases)
        said += await self._erase(tx, empty, now)
        await self._take_out_unplaced(tx, agreed)
        await erasing_store.revocations_done(tx, agreed, now)
        return said

    async def _hold(self, tx: Tx, households: Collection[UUID], also: Collection[StatementKey] = ()) -> dict[UUID, Holding]:
        """Keep everybody else off these households and notices, in intake's order of locks, and read the households."""
        statements, keys = await erasing_store.names(tx, households, also)
        await store.lock(tx, store.NOTICES, (f"notice|{source}|{each}" for source, each in statements))
        await store.lock(tx, store.MATCH_KEYS, keys)
        return await erasing_store.holdings(tx, households)

    async def _erase(self, tx: Tx, gone: Sequence[Holding], now: datetime) -> list[Said]:
        if not gone:
            return []
        cases = [case for each in gone for case in each.cases]
        messages = self._outside([key for each in gone for key in each.statements])
        mentions = [found for each in gone for found in words(each.household.record)]
        await self._keep_healings(tx, gone, now)
        ids = [each.household.id for each in gone]
        await erasing_store.delete(tx, ids)
        ids += [alias for each in gone for alias in each.aliases]
        await erasing_store.drop_drafts(tx, [each for _, each in messages], mentions)
        keys = [str(each) for each in (*ids, *(case.id for case in cases))]
        await self.memory.erase(tx, Gone(keys, messages, mentions))
        log.info("erased", count=len(gone))
        told = [Said(CASES.name, str(case.id), CaseErased(case_id=case.id, household_id=case.household_id)) for case in cases]
        return told + [Said(HOUSEHOLDS.name, str(each), None) for each in ids]

    async def _keep_healings(self, tx: Tx, gone: Sequence[Holding], now: datetime) -> None:
        today = now.astimezone(BERLIN).date()
        found = []
        for each in gone:
            for healing in (one for case in each.cases if case.last for one in healings(case.last)):
                assert healing.healed_on is not None
                last = period_end(healing.healed_on, months=self.periods.healed_months)
                if last >= today:
                    found += [(self.memory.keyed("person", key), healing, last) for key in each.persons]
        await erasing_store.keep_healings(tx, found)

    async def _take_out(self, tx: Tx, rest: Rest, aliases: Sequence[UUID]) -> list[Said]:
        """Erase the notices alone, and the cases that rested on them."""
        messages = self._outside(rest.gone)
        await erasing_store.delete_statements(tx, rest.gone)
        await erasing_store.delete_cases(tx, [case.id for case in rest.emptied])
        await erasing_store.save_household(tx, rest.household)
        await erasing_store.drop_drafts(tx, [each for _, each in messages], ())
        await self.memory.erase(tx, Gone([str(case.id) for case in rest.emptied], messages))
        await self.memory.compact(tx, [str(each) for each in (rest.household.id, *aliases)])
        return [
            Said(CASES.name, str(case.id), CaseErased(case_id=case.id, household_id=case.household_id)) for case in rest.emptied
        ]

    async def _take_out_unplaced(self, tx: Tx, agreed: Sequence[StatementKey]) -> None:
        """Erase those that still wait for their case."""
        waiting = [each for each in await store.connected(tx, agreed, ()) if each.case_id is None]
        gone = revoked_with(waiting, agreed)
        await erasing_store.delete_statements(tx, gone)
        await self.memory.erase(tx, Gone(messages=self._outside(gone)))

    def _outside(self, statements: Collection[tuple[str, UUID]]) -> list[tuple[str, UUID]]:
        return [each for each in statements if each[0] in self.memory.sources]
