"""A case's story told from its spans: every trace that touched it, as trees with times."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from shared.runtime.clock import BERLIN
from shared.runtime.spans import SpanLine

_NEEDLES: Final = ("bleibe.notice_id", "bleibe.case_id", "messaging.message.id")
_SHOWN: Final = ("bleibe.event_type", "bleibe.outcome", "bleibe.reason", "error.type")


def story(spans: Iterable[SpanLine], needle: str) -> list[str]:
    """The lines of all traces about a notice or case id, oldest first, linked traces included; [] when none is.

    A notice's story is its case's story. Spans about other cases are left out, unless a span of this one hangs below.
    """
    every = list(spans)
    cases = _cases(every, needle)
    about = [span for span in every if _ids(span) & cases]
    traces = {span["trace_id"] for span in about} | {trace for span in about for trace, _ in span["links"]}
    traces |= {span["trace_id"] for span in every if any(trace in traces for trace, _ in span["links"])}

    by_trace: dict[str, list[SpanLine]] = defaultdict(list)
    for span in every:
        if span["trace_id"] in traces:
            by_trace[span["trace_id"]].append(span)
    lines: list[str] = []
    for trace in sorted(by_trace.values(), key=lambda spans: min(span["start"] for span in spans)):
        lines += _trace(trace, cases)
    return lines


def _cases(every: list[SpanLine], needle: str) -> set[str]:
    """The case itself, or a notice with the cases named beside it, else in its traces."""
    if any(span["attributes"].get("bleibe.case_id") == needle for span in every):
        return {needle}
    beside = [span for span in every if needle in _ids(span)]
    traces = {span["trace_id"] for span in beside}
    named = _named(beside) or _named(span for span in every if span["trace_id"] in traces)
    return {needle} | named


def _named(spans: Iterable[SpanLine]) -> set[str]:
    return {span["attributes"]["bleibe.case_id"] for span in spans if "bleibe.case_id" in span["attributes"]}


def _ids(span: SpanLine) -> set[str]:
    return {span["attributes"][key] for key in _NEEDLES if key in span["attributes"]}


def _trace(spans: list[SpanLine], cases: set[str]) -> Iterator[str]:
    known = {span["span_id"] for span in spans}
    kept = _kept(spans, cases)
    children: dict[str | None, list[SpanLine]] = defaultdict(list)
    for span in sorted((span for span in spans if span["span_id"] in kept), key=lambda span: (span["start"], span["end"])):
        children[span["parent_id"] if span["parent_id"] in known else None].append(span)
    begin = min(span["start"] for span in spans)
    total = max(span["end"] for span in spans) - begin
    day = datetime.fromtimestamp(begin / 1e9, UTC).astimezone(BERLIN)
    yield f"trace {spans[0]['trace_id']}  {day:%Y-%m-%d}  {total / 1e6:.1f} ms"
    waiting = [(span, "", span is children[None][-1]) for span in reversed(children[None])]
    while waiting:
        span, indent, last = waiting.pop()
        yield f"{indent}{'└─ ' if last else '├─ '}{_told(span, begin)}"
        below = children[span["span_id"]]
        deeper = indent + ("   " if last else "│  ")
        waiting += [(child, deeper, child is below[-1]) for child in reversed(below)]


def _kept(spans: list[SpanLine], cases: set[str]) -> set[str]:
    """All spans but those about other cases alone, and every span above a kept one."""
    by_id = {span["span_id"]: span for span in spans}
    kept: set[str] = set()
    for span in spans:
        case = span["attributes"].get("bleibe.case_id")
        if case is not None and case not in cases:
            continue
        above: SpanLine | None = span
        while above is not None and above["span_id"] not in kept:
            kept.add(above["span_id"])
            above = by_id.get(above["parent_id"] or "")
    return kept


def _told(span: SpanLine, begin: int) -> str:
    at = datetime.fromtimestamp(span["start"] / 1e9, UTC).astimezone(BERLIN)
    facts = [str(span["attributes"][key]) for key in _SHOWN if key in span["attributes"]]
    facts += [f"caused by trace {trace}" for trace, _ in span["links"]]
    if span["status"] == "ERROR":
        facts.append("FAILED")
    time = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d} +{(span['start'] - begin) / 1e6:.1f} ms"
    took = f"({(span['end'] - span['start']) / 1e6:.1f} ms)"
    return "  ".join([time, span["service"], span["name"], took, *facts])
