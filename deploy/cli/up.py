"""`bleibe up`: the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path

from deploy.cli.output import fail
from deploy.local.folder import FolderInUseError, FolderNotOursError, Running, default_folder
from deploy.local.postgres import PostgresError
from deploy.local.supervisor import Local, StartError
from deploy.local.system import start_system, tokens

PAGES = (("reporting", "/", "berichte"), ("outreach", "/", "leitung-mitte"), ("intake", "/", "sachbearbeitung"))


def up() -> None:
    """Start PostgreSQL, the broker and the four services from the data folder, and keep them running until Ctrl-C.

    Example: BLEIBE_DATA=/var/lib/bleibe bleibe up
    """
    try:
        with Local(default_folder()) as local:
            print(f"starting from {local.data} ...", flush=True)
            print_pages(start_system(local))
            print("Ctrl-C stops everything.", flush=True)
            local.wait()
    except (FolderInUseError, FolderNotOursError, PostgresError, StartError) as error:
        fail(str(error))


def print_pages(running: Running) -> None:
    """Addresses that sign in by themselves: what follows the # never leaves the browser."""
    clear = tokens(Path(running.data))
    for service, page, person in PAGES:
        print(f"  {service:<10} {running.pages[service]}/login?next={page}#{clear[person]}")
    print(f"  broker     {running.bootstrap}\n  tokens     {running.data}/tokens.json", flush=True)
