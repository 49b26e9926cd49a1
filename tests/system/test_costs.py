"""What one notice costs the wire: the records it leads to in all services, and their size. A budget, so that speed cannot rot."""

from __future__ import annotations

import pytest

from deploy.cli.databases import database
from deploy.cli.target import SERVICES, Target
from tests.system.one_notice import COURT, Sender, cases_of, message, settled, suit

pytestmark = pytest.mark.system

NOTICES = 10
RECORDS_A_NOTICE = 8
BYTES_A_NOTICE = 5_000


async def test_a_suits_records_are_few_and_small(system: Target) -> None:
    sender = Sender(system.bootstrap)
    sent = await sender.send(*(message(COURT, suit(n)) for n in range(NOTICES)))
    await sender.until_answered()
    await settled(system)
    cases = await cases_of(system, sent)
    assert len(set(cases.values())) == NOTICES
    async with database(system, "intake") as intake:
        households = await intake.fetch("select household_id from cases where id = any($1::uuid[])", list(cases.values()))
    keys = [str(each) for each in (*sent, *cases.values(), *(row["household_id"] for row in households))]
    records = size = 0
    for service in SERVICES:
        async with database(system, service) as journals:
            row = await journals.fetchrow(
                "select count(*) as records, coalesce(sum(octet_length(data)), 0) as size from journal where key = any($1)", keys
            )
            assert row is not None
            records, size = records + row["records"], size + row["size"]
    assert 6 * NOTICES <= records <= RECORDS_A_NOTICE * NOTICES
    assert size <= BYTES_A_NOTICE * NOTICES
