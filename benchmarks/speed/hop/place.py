"""Where a contestant finds its input and leaves its output; and the moment at which it begins. Standard library alone."""

from __future__ import annotations

import functools
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Self
from urllib.parse import urlsplit

from shared.runtime.collecting import collect_seldom


@dataclass(frozen=True, slots=True)
class Place:
    """One run of one contestant. `tag` ends the names of its output topics and is its consumer group."""

    bootstrap: str
    dsn: str
    notices: str
    tag: str
    idempotent: bool
    spans: str

    @classmethod
    def given(cls) -> Self:
        """The place written to this process's standard input: a data source does not belong on a command line.

        Every contestant looks for garbage as seldom as our services do.
        """
        collect_seldom()
        return cls(**json.loads(sys.stdin.readline()))

    def line(self) -> bytes:
        """As it is written there."""
        return json.dumps(asdict(self)).encode() + b"\n"

    def topic(self, output: str) -> str:
        """The full name of an output topic."""
        return f"{output}.{self.tag}"

    def sqlalchemy(self) -> str:
        """The data source as SQLAlchemy writes it."""
        return urlsplit(self.dsn)._replace(scheme="postgresql+asyncpg").geturl()


@functools.cache
def began() -> None:
    """Say that the first notice is in hand; only the first call does. The clock is the machine's, one for all processes."""
    print(time.monotonic(), flush=True)
