"""What commands print, and how they end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table


def fail(message: str, status: int = 1) -> NoReturn:
    """Say what is wrong and what to do next, and end."""
    print(message, file=sys.stderr)
    raise SystemExit(status)


def run(work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401  whatever the work returns
    """Run a command's work; where the system does not answer, say so."""
    try:
        return asyncio.run(work)
    except OSError as error:
        fail(f"The system does not answer ({type(error).__name__}). `bleibe doctor` says which part.", 3)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table, or a word that there is nothing."""
    if not rows:
        print("nothing")
        return
    grid = Table(*columns, box=None, header_style="bold")
    for row in rows:
        grid.add_row(*("" if cell is None else str(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else 200).print(grid)
