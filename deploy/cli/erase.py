"""`bleibe erase`, `bleibe hold`, `bleibe revocations`: what is to go, what must stay, and who agreed. Intake carries it out."""

from __future__ import annotations

import asyncio
import getpass
import time
from datetime import UTC, datetime
from uuid import UUID

from cyclopts import App

from deploy.cli.databases import database
from deploy.cli.output import fail, run, table
from deploy.cli.target import target
from services.intake import agreeing
from services.intake.retention import names_somebody
from services.intake.snapshot import HouseholdState
from shared.contracts.lasting import last_copies
from shared.messaging.model import Rejected

app = App(name="erase", help="Erase a household everywhere, now.")
revocations = App(name="revocations", help="Revoked notices: list them, and agree that one is erased. It takes two persons.")

WAIT_S = 30


@app.command
def household(household_id: UUID, *, reason: str) -> None:
    """Erase a household and its cases in every service, and say by when the last copy on each topic is gone.

    Example: bleibe erase household 0e7b5f3c-3f0a-4d53-9c1e-0c8f3c1b2a11 --reason "Art. 17, letter of 3 March"

    Args:
        household_id: its id in the register, or that of one of its cases.
        reason: why; it is kept, so it must name nobody.
    """
    run(_erase(household_id, reason))


async def _erase(household_id: UUID, reason: str) -> None:
    async with database(target(), "intake") as intake:
        meant = await intake.fetchrow(
            """
            select id, state from households
            where id in (
                select $1 union all
                select household_id from household_aliases where id = $1 union all
                select household_id from cases where id = $1
            )
            """,
            household_id,
        )
        if meant is None:
            fail(f"Intake knows no household or case {household_id}. It may be erased already; nothing was done.")
        if names_somebody(reason, HouseholdState.model_validate_json(meant["state"]).record):
            fail("The reason names a member of the household and would outlive them. Give one without names; nothing was done.")
        request = await intake.fetchval(
            "insert into erasures (household_id, who, reason) values ($1, $2, $3) returning id",
            meant["id"],
            getpass.getuser(),
            reason,
        )
        until = time.monotonic() + WAIT_S
        row = None
        while row is None and time.monotonic() < until:
            await asyncio.sleep(0.2)
            row = await intake.fetchrow("select outcome, cases from erasures where id = $1 and done_at is not null", request)
    if row is None:
        fail(
            f"Asked for, and not done yet: does intake run? `bleibe doctor` says so. It erases when it does (request {request})."
        )
    if row["outcome"] == "held":
        fail("A case of this household is on hold; nothing was erased. `bleibe hold CASE --lift` lifts it.")
    if row["outcome"] == "unknown":
        fail(f"Household {meant['id']} was erased meanwhile; nothing was done.")
    print(f"erased: household {meant['id']} with {row['cases']} cases; the other services follow within seconds")
    print("The last copy is gone by the end of:")
    table(("topic", "day"), [(_name(topic.name, topic.family), day.isoformat()) for topic, day in last_copies(datetime.now(UTC))])


def _name(name: str, family: str | None) -> str:
    return f"{name}.<{family}>" if family else name


def hold(case_id: UUID, *, reason: str = "", lift: bool = False) -> None:
    """Keep a case, and so its household, whatever its age, for as long as a proceeding needs it; or lift the hold.

    The id of a merged case means the case it is part of now; a case split from one on hold is on hold, too.

    Example: bleibe hold 0e7b5f3c-3f0a-4d53-9c1e-0c8f3c1b2a11 --reason "appeal pending"

    Args:
        case_id: the case.
        reason: why it must be kept; kept as long as the hold.
        lift: end the hold.
    """
    if not lift and not reason:
        fail("Say why: --reason. Or end a hold with --lift.", 2)
    run(_lift(case_id) if lift else _hold(case_id, reason))


async def _hold(case_id: UUID, reason: str) -> None:
    async with database(target(), "intake") as intake:
        held = await intake.fetchval(
            """
            insert into holds (case_id, who, reason) select coalesce(merged_into, id), $2, $3 from cases where id = $1
            on conflict (case_id) do update set who = excluded.who, reason = excluded.reason returning true
            """,
            case_id,
            getpass.getuser(),
            reason,
        )
    print(f"on hold: {case_id}") if held else fail(f"Intake knows no case {case_id}.")


async def _lift(case_id: UUID) -> None:
    async with database(target(), "intake") as intake:
        lifted = await intake.fetchval(
            """
            with meant as (select coalesce(merged_into, id) as id from cases where id = $1)
            delete from holds h using cases c, meant m
            where c.id = h.case_id and m.id = coalesce(c.merged_into, c.id) returning true
            """,
            case_id,
        )
    print(f"lifted: {case_id}") if lifted else fail(f"Case {case_id} is not on hold.")


@revocations.command(name="list")
def list_() -> None:
    """List revoked notices whose data are blocked and not erased yet, and who agreed so far.

    Example: bleibe revocations list
    """
    run(_list())


async def _list() -> None:
    async with database(target(), "intake") as intake:
        found = await agreeing.revoked(intake)
    columns = ("source", "notice", "case", "revoked on", "first", "second")
    table(columns, [(each.source, each.id, each.case_id, each.revoked_on, each.first, each.second) for each in found])


@revocations.command
def agree(notice_id: UUID) -> None:
    """Agree that a revoked notice is erased: the second person's word erases it, and whatever rests on it alone.

    Example: bleibe revocations agree 0e7b5f3c-3f0a-4d53-9c1e-0c8f3c1b2a11
    """
    run(_agree(notice_id, getpass.getuser()))


async def _agree(notice_id: UUID, who: str) -> None:
    async with database(target(), "intake") as intake, intake.transaction():
        found = await agreeing.revoked_as(intake, notice_id)
        if not found:
            fail(f"No notice {notice_id} is revoked and still kept. `bleibe revocations list` shows those there are.")
        try:
            second = [await agreeing.agree(intake, (each.source, each.id), who, datetime.now(UTC)) for each in found]
        except Rejected as refused:
            fail(
                f"{who} has agreed already; it takes a second person."
                if refused.rule == "second_person"
                else "Two persons have agreed already: intake erases the notice as soon as nothing holds its case."
            )
    if all(second):
        print(f"{who} is the second person to agree: intake erases the notice within seconds")
    else:
        print(
            f"{who} agrees; a second person's `bleibe revocations agree {notice_id}`, or their word on intake's page, erases it"
        )
