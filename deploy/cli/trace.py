"""`bleibe trace`: one case's story, from the spans of all services."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from deploy.cli.output import fail
from deploy.local.folder import default_folder
from deploy.local.system import SPANS
from shared.runtime.spans import read_spans
from shared.runtime.trace_story import story


def trace(id_: UUID, *, spans: Path | None = None) -> None:
    """Print the story of a notice or a case as a tree with times.

    Example: bleibe trace 0b8e0a52-8f52-4c22-bb7e-6c8f4be5a1de

    Args:
        id_: a notice id or a case id.
        spans: where the span files are; by default those of the system in the data folder.
    """
    folder = spans or default_folder() / SPANS
    if not folder.exists():
        fail(f"No spans under {folder}. With an OTLP endpoint set, look there instead.")
    lines = story(read_spans(folder), str(id_))
    if not lines:
        fail(f"No span speaks of {id_}. Spans are written half a second after the event; was it sampled?")
    print("\n".join(lines))
