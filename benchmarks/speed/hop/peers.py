"""The contestants: the program of each, and how many of the notices it gets.

Slow ones get a twentieth: their rate does not depend on it, and nobody waits an hour for a table. quixstreams asks for an older
pydantic than ours, so it has an environment of its own below `.cache`, made on first use.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
REQUIREMENTS = ROOT / "requirements" / "benchmarks-quixstreams.txt"
QUIX = ROOT / ".cache" / "quixstreams"
INSTALL_S = 600


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to do the hop."""

    name: str
    module: str
    share: float = 1.0
    needs: str | None = None
    """A package of the benchmarks' requirements."""

    own_environment: bool = False

    def missing(self) -> str | None:
        """What stands in its way; None: nothing."""
        if self.needs is not None and importlib.util.find_spec(self.needs) is None:
            return f"{self.needs} is not installed; see requirements/benchmarks.txt"
        return None

    def command(self) -> list[str]:
        """Its program. Raises CalledProcessError where its environment cannot be made."""
        python = str(_quix_python()) if self.own_environment else sys.executable
        return [python, "-m", f"benchmarks.speed.hop.{self.module}"]


OURS = Contestant("ours", "ours")
FLOOR = Contestant("floor", "floor")
HANDLER = Contestant("handler", "handler", share=0.05)
CONTESTANTS = (
    OURS,
    HANDLER,
    Contestant("faststream-outbox", "outbox", share=0.05, needs="faststream_outbox"),
    Contestant("quixstreams", "quix", own_environment=True),
    FLOOR,
)


def quix_version() -> str:
    """As it is pinned for its environment."""
    name = "quixstreams=="
    return next(each.removeprefix(name).split()[0] for each in REQUIREMENTS.read_text().splitlines() if each.startswith(name))


def _quix_python() -> Path:
    """The interpreter of quixstreams' environment."""
    python, stamp = QUIX / "bin" / "python", QUIX / REQUIREMENTS.name
    if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        venv.create(QUIX, clear=True, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(REQUIREMENTS)]
        subprocess.run(command, check=True, timeout=INSTALL_S)  # noqa: S603  our own list
        stamp.write_bytes(REQUIREMENTS.read_bytes())
    return python
