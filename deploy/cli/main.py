"""`bleibe`: the one command line, for those who run a system and those who try it out."""

from __future__ import annotations

import logging

from cyclopts import App

from deploy.cli import cluster, erase, importing, parked
from deploy.cli.contracts import contracts
from deploy.cli.deadlines import deadlines
from deploy.cli.demo import demo
from deploy.cli.doctor import doctor
from deploy.cli.output import fail
from deploy.cli.reconcile import reconcile_command
from deploy.cli.recover import recover
from deploy.cli.repair import rebuild, republish
from deploy.cli.target import NoSystem
from deploy.cli.trace import trace
from deploy.cli.up import up
from deploy.cli.wire import send, watch
from shared.city import CityDataError

app = App(
    name="bleibe",
    help="The event backbone of a city's eviction prevention. Each command's --help has an example.",
    version_flags=["--version"],
)
app.command(up)
app.command(demo)
app.command(send)
app.command(watch)
app.command(reconcile_command, name="reconcile")
app.command(parked.app)
app.command(republish)
app.command(recover)
app.command(rebuild)
app.command(trace)
app.command(doctor)
app.command(cluster.app)
app.command(contracts)
app.command(deadlines)
app.command(importing.app)
app.command(erase.app)
app.command(erase.hold)
app.command(erase.revocations)


def main() -> None:
    """The console script."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        app()
    except (NoSystem, CityDataError) as missing:
        fail(str(missing), 3)
