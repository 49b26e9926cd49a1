"""`bleibe contracts`: the documents of the contracts, written from the models."""

from __future__ import annotations

from pathlib import Path

from deploy.cli.output import fail
from shared.contracts.publish import write

ROOT = Path(__file__).parents[2]


def contracts(*, check: bool = False) -> None:
    """Write JSON Schemas, examples, AsyncAPI and the register of processing below docs/contracts.

    Example: bleibe contracts --check

    Args:
        check: write nothing; fail where a file is not current.
    """
    if check:
        stale = [
            str(path) for path, text in documents().items() if not (ROOT / path).exists() or (ROOT / path).read_text() != text
        ]
        if stale:
            fail("not current, run `bleibe contracts`: " + ", ".join(stale))
        print("all current")
        return
    write(ROOT)
