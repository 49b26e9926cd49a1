"""`bleibe contracts`: the documents of the contracts, written from the models."""

from __future__ import annotations

from pathlib import Path

from deploy.cli.output import fail
from shared.contracts.publish import stale, write

ROOT = Path(__file__).parents[2]


def contracts(*, check: bool = False) -> None:
    """Write JSON Schemas, examples, AsyncAPI and the register of processing below docs/contracts.

    Example: bleibe contracts --check

    Args:
        check: write nothing; fail where a file is not current.
    """
    if not check:
        print("\n".join(write(ROOT)) or "all current")
    elif old := stale(ROOT):
        fail("not current, run `bleibe contracts`: " + ", ".join(old))
