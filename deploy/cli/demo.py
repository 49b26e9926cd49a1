"""`bleibe demo`: constructed notices from real court timelines, played through the whole system."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.output import fail
from deploy.cli.reconcile import reconcile
from deploy.cli.up import print_pages
from deploy.demo.clients import Office
from deploy.demo.digest import digest
from deploy.demo.material import load_material
from deploy.demo.play import homes, on_stage, play
from deploy.demo.running import Ground, NotForDemos, ground
from deploy.demo.scenario import JOBCENTER, scenario
from deploy.demo.settled import NotSettled
from deploy.demo.stories import doubt, stories
from deploy.demo.summary import summary
from deploy.local.folder import FolderInUseError, FolderNotOursError, default_folder
from deploy.local.postgres import PostgresError
from deploy.local.supervisor import StartError
from deploy.local.system import DATA_KEY, MUENSTER, PERSONS, SPANS, tokens
from shared.city import City, load_city
from shared.contracts.catalogue import NOTICES
from shared.messaging.asking import never_make_topics
from shared.runtime.settings import ServiceSettings
from shared.runtime.telemetry import configure_tracing, shutdown_tracing


def demo(*, cases: int = 500, seed: int = 1, exit: bool = False) -> None:  # noqa: A002  the option's name is --exit
    """Play real court cases as constructed Münster notices, day by day on the system's own clock, and prove the promises.

    It uses the system that runs from the data folder on a demo's clock, and goes on where that stands, with new households
    and court files; else it starts one anew, with empty databases, and keeps its pages open until Ctrl-C. A folder that a
    system with other content uses is left alone. The same seed played anew gives the same notices, cases, obligations and
    deadlines: the digest tells. Ends with status 1 where a promise does not hold.

    Example: bleibe demo --cases 50 --exit

    Args:
        cases: how many court cases.
        seed: which households, and what they do.
        exit: stop when done.
    """
    city = load_city(MUENSTER)
    try:
        with ground(default_folder(), city.calendar) as here:
            kept = asyncio.run(_demo(here, city, cases, seed))
            if here.own is not None and not exit:
                print("\nCtrl-C stops everything.", flush=True)
                here.own.wait()
    except (FolderInUseError, FolderNotOursError, NotForDemos, NotSettled, PostgresError, StartError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("Stopped in the middle.", 130)
    if not kept:
        raise SystemExit(1)


async def _demo(here: Ground, city: City, cases: int, seed: int) -> bool:
    """Play, and say what came of it. Returns whether every promise holds."""
    never_make_topics()
    material = load_material(city)
    told = scenario(material, seed, cases, here.first_day, city.calendar)
    beside = stories(material, here.first_day, city.calendar)
    happenings = sorted([*told.happenings, *(each for story in beside for each in story.happenings)], key=lambda each: each.on)
    known = homes(told, city.calendar) | {key: home for story in beside for key, home in story.homes.items()}
    undertakings = {name: day for story in beside for name, day in story.undertakings.items()}
    data = Path(here.running.data)
    _trace(here, data)
    try:
        offices = {NOTICES.of(JOBCENTER): Office(here.running.pages["intake"], tokens(data)[f"partner-{JOBCENTER}"])}
        async with on_stage(here.target, here.clock, city, seed, known, offices, undertakings) as stage:
            with _Bar(len(happenings)) as bar:
                played = await play(stage, happenings, here.first_day, bar.report)
            await stage.deliver(doubt(material, stage.now.date(), city.calendar))
            lines = await summary(here.target, played, stage.clients, here.first_day, stage.now.date())
    finally:
        shutdown_tracing()
    lines.append(("digest", (await digest(here.target)).sha256))
    print()
    for name, text in lines:
        print(f"  {name:<12}{text}")
    checks = await reconcile(here.target)
    print()
    for check in checks:
        print(f"{'holds ' if check.ok else 'BROKEN'}  {check.name}: {check.detail}")
    print()
    print_pages(here.running)
    return all(check.ok for check in checks)


def _trace(here: Ground, data: Path) -> None:
    """The partners' own spans, so that a trace begins with whoever told the city."""
    settings = ServiceSettings(
        database_dsn_file=data / "intake.dsn",
        bootstrap_servers=here.target.bootstrap,
        tokens_file=data / PERSONS,
        data_key_file=data / DATA_KEY,
        spans_dir=data / SPANS,
    )
    configure_tracing("demo-partner", settings)


class _Bar:
    """A progress bar on a terminal, a line for each month of the clock elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._console = Console()
        self._month = ""
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("notices"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        print(f"playing {self._total} constructed notices ...", flush=True)
        self._progress.start()
        self._task = self._progress.add_task("", total=self._total)
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def report(self, day: object, sent: int) -> None:
        """How far it is."""
        self._progress.update(self._task, completed=sent, description=str(day))
        month = str(day)[:7]
        if month != self._month and not self._console.is_terminal:
            print(f"  {month}: {sent} of {self._total} notices", flush=True)
        self._month = month
