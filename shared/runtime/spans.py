"""Spans as JSON lines on the local disk: what `bleibe trace` reads where no tracing system is installed."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class SpanLine(TypedDict):
    """One span: ids in hex, times in nanoseconds since 1970, links as pairs of trace and span id."""

    service: str
    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    start: int
    end: int
    status: str
    attributes: dict[str, Any]
    links: list[tuple[str, str]]


class SpanFile(SpanExporter):
    """Appends spans to ``<folder>/<service>.<pid>.jsonl``, so that processes never write into each other's lines."""

    def __init__(self, folder: Path, service: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._service = service
        self._file = (folder / f"{service}.{os.getpid()}.jsonl").open("a", encoding="utf-8")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write the spans and hand them to the operating system."""
        self._file.writelines(json.dumps(_line(self._service, span), default=str) + "\n" for span in spans)
        self._file.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()


def read_spans(folder: Path) -> Iterator[SpanLine]:
    """Every span in the folder, file by file; a last line cut short by a killed process is left out."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield json.loads(line)


def _line(service: str, span: ReadableSpan) -> SpanLine:
    assert span.start_time is not None
    assert span.end_time is not None
    return {
        "service": service,
        "trace_id": f"{span.context.trace_id:032x}",
        "span_id": f"{span.context.span_id:016x}",
        "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
        "name": span.name,
        "kind": span.kind.name,
        "start": span.start_time,
        "end": span.end_time,
        "status": span.status.status_code.name,
        "attributes": dict(span.attributes or {}),
        "links": [(f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") for link in span.links],
    }
