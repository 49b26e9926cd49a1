"""What a service shows on /metrics, after traffic: every number is there and moves."""

from __future__ import annotations

import time
from functools import partial

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.cli.databases import database
from deploy.cli.target import SERVICES, Target
from deploy.local.system import MUENSTER
from shared.city import load_city
from shared.messaging.wire import Raw
from shared.runtime.metrics import Name
from tests.system.one_notice import COURT, Sender, message, settled, suit, write
from tests.waiting import eventually

pytestmark = pytest.mark.system

Numbers = dict[tuple[str, tuple[tuple[str, str], ...]], float]
NOTICES = 5
A_WEEK_S = 7 * 86400
PARTNERS = {partner.id for partner in load_city(MUENSTER).partners}


OPENED, HEARD = "de.bleibe.case.opened.v1", "de.bleibe.notice.suit-filed.v1"
SPOKEN = {
    "intake": ("notices", HEARD),
    "outreach": ("cases", OPENED),
    "referral": ("cases", OPENED),
    "reporting": ("cases", OPENED),
}


async def test_numbers_move_with_the_traffic(system: Target) -> None:
    await settled(system)
    before = {service: await numbers(system, service) for service in SERVICES}
    began = time.time()
    sender = Sender(system.bootstrap)
    await sender.send(*(message(COURT, suit(n)) for n in range(NOTICES)))
    await sender.until_answered()
    await settled(system)

    async def moved(service: str) -> bool:
        """A batch is counted after its commit, and the outbox is looked at every two seconds."""
        then, now = before[service], await numbers(system, service)
        topic, event_type = SPOKEN[service]
        handled = (Name.EVENTS_HANDLED, (("outcome", "effective"), ("topic", topic), ("type", event_type)))
        batches = [
            (f"{name}{part}", ())
            for name in (Name.BATCH_RECORDS, Name.BATCH_STATEMENTS, Name.BATCH_SECONDS)
            for part in ("_count", "_sum")
        ]
        return (
            now.get(handled, 0) - then.get(handled, 0) == NOTICES
            and all(now[each] > then[each] for each in batches)
            and now[Name.OUTBOX_EVENTS, ()] == 0
        )

    for service in SERVICES:
        await eventually(partial(moved, service))
        shown = await numbers(system, service)
        assert (Name.OUTBOX_AGE, ()) in shown
        assert {reason for name, ((_, reason),) in pairs(shown, Name.PARKED_EVENTS)} == {"failed", "behind", "gap"}

    async def seen() -> bool:
        """The services look at lag and partners every two seconds."""
        now = await numbers(system, "intake")
        lag = {label: value for (name, label), value in now.items() if name == Name.LAG_RECORDS}
        last = {label[0][1]: value for (name, label), value in now.items() if name == Name.LAST_NOTICE}
        assert min(last.values(), default=began) > began - A_WEEK_S, "who never wrote is silent since this system began"
        wrote = {partner for partner, at in last.items() if at >= began}
        return lag.get((("topic", COURT),)) == 0 and last.keys() == PARTNERS and wrote == {"ag-muenster"}

    await eventually(seen)


async def test_a_message_that_waits_for_a_person_is_counted(system: Target) -> None:
    before = await waiting(system)
    whole = message(COURT, suit(1))
    await write(system.bootstrap, [Raw(whole.topic, whole.key, b"{", whole.headers)])

    async def counted() -> bool:
        shown = (await numbers(system, "intake"))[Name.PARKED_EVENTS, (("reason", "failed"),)]
        return shown == await waiting(system) == before + 1

    await eventually(counted)


async def waiting(system: Target) -> int:
    """What failed in intake, by its database: the number on the page may be two seconds old."""
    async with database(system, "intake") as intake:
        failed: int = await intake.fetchval("select count(*) from parked where reason = 'failed'")
    return failed


async def numbers(system: Target, service: str) -> Numbers:
    """The page's samples by name and labels."""
    async with httpx.AsyncClient(trust_env=False) as http:
        page = (await http.get(f"{system.pages[service]}/metrics")).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def pairs(found: Numbers, name: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    return [each for each in found if each[0] == name]
