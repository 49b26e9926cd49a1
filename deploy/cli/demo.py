"""`bleibe demo`: constructed Münster cases, played through the four services on a clock of their own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.databases import databases
from deploy.cli.output import fail
from deploy.cli.reconcile import Check, reconcile
from deploy.cli.target import SERVICES, Target
from deploy.cli.up import print_pages
from deploy.demo.clients import Office
from deploy.demo.digest import digest
from deploy.demo.material import load_material
from deploy.demo.play import Played, Report, homes, on_stage, play
from deploy.demo.scenario import FIRST_DAY, MAIL, scenario
from deploy.local.folder import POSTGRES, FolderInUseError, FolderNotOursError, default_folder
from deploy.local.outside import remove
from deploy.local.postgres import PostgresError
from deploy.local.supervisor import Local, StartError
from deploy.local.system import CLOCK, MUENSTER, SPANS, start_system, tokens
from shared.city import load_city
from shared.runtime.clock import BERLIN, step_clock

OVER_HTTP = "jobcenter"
"""This partner files over HTTP, all others over Kafka."""


def demo(*, cases: int = 500, seed: int = 1, exit: bool = False) -> None:  # noqa: A002  the option's name
    """Play constructed court cases through a system of its own, prove the promises, and keep its pages open until Ctrl-C.

    Everything it plays is constructed: real court timelines and real streets, invented people. It starts the system in the
    data folder anew; a folder that a system with other content uses is left alone.

    Example: bleibe demo --cases 50 --seed 7 --exit

    Args:
        cases: how many households, at most 500.
        seed: the same seed plays the same cases.
        exit: stop when done, with status 1 where a promise does not hold.
    """
    data = default_folder()
    try:
        with Local(data) as local:
            _clear(data)
            step_clock(data / CLOCK, datetime.combine(FIRST_DAY, MAIL, BERLIN))
            print(f"starting from {data} ...", flush=True)
            running = start_system(local)
            assert running.bootstrap is not None
            system = Target(running.databases, running.bootstrap, running.pages, data)
            held = asyncio.run(_play(system, data, cases, seed))
            if exit:
                raise SystemExit(0 if held else 1)
            print_pages(running)
            print("Ctrl-C stops everything.", flush=True)
            local.wait()
    except (FolderInUseError, FolderNotOursError, PostgresError, StartError) as error:
        fail(str(error))


def _clear(data: Path) -> None:
    """Begin anew where only demos have run: such a folder holds their clock. What others keep in theirs stays."""
    if (data / CLOCK).exists():
        remove(data, POSTGRES)
        shutil.rmtree(data / SPANS, ignore_errors=True)
        (data / CLOCK).unlink()
    elif (data / POSTGRES).exists():
        fail(f"{data} holds a system that is not a demo. Set BLEIBE_DATA to another folder for the demo.")


async def _play(system: Target, data: Path, cases: int, seed: int) -> bool:
    city = load_city(MUENSTER)
    story = scenario(load_material(city), seed, cases, FIRST_DAY, city.calendar)
    offices = {f"notices.{OVER_HTTP}": Office(system.pages["intake"], tokens(data)[f"partner-{OVER_HTTP}"])}
    print(f"{cases} constructed households, {len(story.happenings)} notices, seed {seed}", flush=True)
    async with on_stage(system, data / CLOCK, city, seed, homes(story, city.calendar), offices) as stage:
        with _progress(len(story.happenings)) as report:
            played = await play(stage, story, FIRST_DAY, report)
        answers = dict(stage.clients.answers)
    await _tell(system, played, answers)
    checks = await reconcile(system)
    for check in checks:
        print(_line(check), flush=True)
    return all(check.ok for check in checks)


@contextmanager
def _progress(total: int) -> Iterator[Report]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("notices"), TimeElapsedColumn())
    with Progress(*columns) as progress:
        bar = progress.add_task("", total=total)
        yield lambda day, notices: progress.update(bar, completed=notices, description=f"{day:%d.%m.%Y}")


async def _tell(system: Target, played: Played, answers: dict[str, int]) -> None:
    """The figures of the play, on the wall clock."""
    async with databases(system, SERVICES) as connections:
        written = sum([await connection.fetchval("select count(*) from journal") for connection in connections.values()])
    found = await digest(system)
    waits = sorted(played.latencies)
    pace = played.notices / played.seconds
    print(f"\n{played.notices} notices on {played.days} days in {played.seconds:.0f} s: {pace:.0f} a second")
    print("  answers: " + ", ".join(f"{count} {answer}" for answer, count in sorted(answers.items())))
    print(f"  {len(found.cases)} cases, {len(found.obligations)} obligations, {found.deadlines} deadlines")
    print(f"  the same seed gives the same content: sha256 {found.sha256[:16]}")
    print(f"  {written / max(1, played.notices):.1f} records a notice, answers of caseworkers and providers included")
    if waits:
        half, most = waits[len(waits) // 2], waits[int(len(waits) * 0.95)]
        print(f"  notice to assignment: {half * 1000:.0f} ms for half of them, {most * 1000:.0f} ms for 95 %\n", flush=True)


def _line(check: Check) -> str:
    return f"{'holds ' if check.ok else 'BROKEN'}  {check.name}: {check.detail}"
