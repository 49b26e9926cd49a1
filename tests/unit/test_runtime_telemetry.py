"""Traces: W3C headers, the gate that keeps personal data in, the span file and the story it tells."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode, Tracer
from starlette.datastructures import Headers

from shared.runtime import telemetry
from shared.runtime.settings import ServiceSettings
from shared.runtime.spans import SpanLine, read_spans
from shared.runtime.telemetry import AllowedOnly, parent_context, traceparent
from shared.runtime.trace_story import story

VECTORS = json.loads((Path(__file__).parent / "data" / "w3c_trace_context.json").read_text())["vectors"]
PARENT = "00-12345678901234567890123456789012-1234567890123456-01"


def settings(folder: Path, **more: Any) -> ServiceSettings:  # noqa: ANN401  settings of any type
    return ServiceSettings.model_validate(
        {
            "database_dsn": "postgresql://",
            "bootstrap_servers": "127.0.0.1:1",
            "tokens_file": folder / "tokens",
            "data_key_file": folder / "key",
            **more,
        }
    )


@pytest.fixture
def tracer(tmp_path: Path) -> Iterator[Tracer]:
    telemetry.configure_tracing("intake", settings(tmp_path, spans_dir=tmp_path / "spans"))
    yield telemetry.tracer()
    assert telemetry.shutdown_tracing()


def written(tmp_path: Path) -> list[SpanLine]:
    provider = telemetry._Process.provider
    assert provider is not None
    assert provider.force_flush(3000)
    return list(read_spans(tmp_path / "spans"))


@pytest.mark.parametrize("vector", VECTORS, ids=[f"{n}-{v['test']}" for n, v in enumerate(VECTORS)])
def test_w3c_vectors(vector: dict[str, Any]) -> None:
    sent = Headers(raw=[(name.lower().encode(), value.encode()) for name, value in vector["headers"]]).getlist("traceparent")
    context = trace.get_current_span(parent_context(sent[0] if len(sent) == 1 else None)).get_span_context()
    # The vectors about tracestate leave open what becomes of the trace; a valid traceparent stands by itself.
    kept = vector["trace_id_kept"] if vector["trace_id_kept"] is not None else len(sent) == 1
    if kept:
        assert f"{context.trace_id:032x}" in sent[0]
    else:
        assert not context.is_valid


@pytest.mark.parametrize("broken", ["", "ü" * 600, "00-" + "0" * 32 + "-1234567890123456-01", "\x00", "-" * 10_000])
def test_a_malformed_traceparent_begins_a_new_trace_and_never_raises(broken: str) -> None:
    assert not trace.get_current_span(parent_context(broken)).get_span_context().is_valid


def test_traceparent_round_trip(tracer: Tracer) -> None:
    assert traceparent() is None
    with tracer.start_as_current_span("read", parent_context(PARENT)) as span:
        child = traceparent(span)
        assert child is not None
        assert child[3:35] == PARENT[3:35]
        assert child != PARENT
        assert traceparent() == child
    assert traceparent(parent_context(PARENT)) == PARENT
    assert traceparent(parent_context("nonsense")) is None


def test_no_personal_data_leaves_in_a_span(tracer: Tracer, tmp_path: Path) -> None:
    honey = trace.Link(trace.get_current_span(parent_context(PARENT)).get_span_context(), {"tenant": "honeyname"})

    def decide() -> None:
        with tracer.start_as_current_span("decide", links=[honey]) as span:
            span.set_attribute("bleibe.case_id", "c1")
            span.set_attribute("tenant", "honeyname")
            span.add_event("honeyname moved", {"to": "honeystreet"})
            raise ValueError("honeyname at honeystreet")

    with pytest.raises(ValueError, match="honey"):
        decide()
    (line,) = written(tmp_path)
    assert "honey" not in json.dumps(line)
    assert line["status"] == "ERROR"
    assert line["attributes"] == {"bleibe.case_id": "c1"}
    assert [tuple(link) for link in line["links"]] == [(PARENT[3:35], PARENT[36:52])]


class Kept(SpanExporter):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


def test_an_exception_leaves_the_process_as_its_type() -> None:
    kept = Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(AllowedOnly(kept)))
    span = provider.get_tracer("test").start_span("decide")
    span.record_exception(ValueError("honeyname"))
    span.set_status(StatusCode.ERROR, "honeyname")
    span.end()
    (left,) = kept.spans
    assert "honey" not in left.to_json()
    assert [event.attributes for event in left.events] == [{"exception.type": "ValueError"}]


def test_an_unsampled_trace_is_followed_but_not_written(tracer: Tracer, tmp_path: Path) -> None:
    with tracer.start_as_current_span("read", parent_context(PARENT[:-1] + "0")) as span:
        assert (traceparent(span) or "").endswith("-00")
    assert written(tmp_path) == []


def test_shutdown_is_bounded_when_the_endpoint_is_dead(tmp_path: Path) -> None:
    telemetry.configure_tracing("intake", settings(tmp_path, otlp_endpoint="http://127.0.0.1:1"))
    with telemetry.tracer().start_as_current_span("read"):
        pass
    telemetry.shutdown_tracing(timeout_s=0.2)
    assert not telemetry.tracer().start_span("after").is_recording()


def test_a_line_cut_short_by_a_kill_is_left_out(tracer: Tracer, tmp_path: Path) -> None:
    tracer.start_span("read").end()
    assert len(written(tmp_path)) == 1
    (file,) = (tmp_path / "spans").iterdir()
    file.write_text(file.read_text() + '{"service": "intake", "trace')
    assert [line["name"] for line in read_spans(tmp_path / "spans")] == ["read"]


def span(trace_id: str, span_id: str, parent: str | None, start: int, name: str, **more: Any) -> SpanLine:  # noqa: ANN401  see SpanLine
    return {
        "service": "intake",
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_id": parent,
        "name": name,
        "kind": "INTERNAL",
        "start": start * 10**6,
        "end": (start + 2) * 10**6,
        "status": more.get("status", "UNSET"),
        "attributes": more.get("attributes", {}),
        "links": more.get("links", []),
    }


def test_the_story_of_a_case_and_of_its_notice_is_the_same() -> None:
    spans = [
        span("t1", "b", "a", 1, "handle notice", attributes={"bleibe.notice_id": "n1", "bleibe.case_id": "c1"}),
        span("t1", "c", "b", 3, "plan visit", attributes={"bleibe.case_id": "c1"}),
        span("t1", "d", "b", 2, "plan visit of another", attributes={"bleibe.case_id": "c2"}),
        span("t1", "e", "gone", 4, "send assignment", status="ERROR"),
        span("t2", "f", None, 90, "report", attributes={"bleibe.outcome": "parked"}, links=[("t1", "c")]),
        span("t3", "g", None, 5, "of no interest", attributes={"bleibe.case_id": "c2"}),
    ]
    told = story(spans, "n1")
    assert told == story(spans, "c1")
    assert told == [
        "trace t1  1970-01-01  5.0 ms",
        "├─ 01:00:00.001 +0.0 ms  intake  handle notice  (2.0 ms)",
        "│  └─ 01:00:00.003 +2.0 ms  intake  plan visit  (2.0 ms)",
        "└─ 01:00:00.004 +3.0 ms  intake  send assignment  (2.0 ms)  FAILED",
        "trace t2  1970-01-01  2.0 ms",
        "└─ 01:00:00.090 +0.0 ms  intake  report  (2.0 ms)  parked  caused by trace t1",
    ]
    assert story(spans, "unknown") == []
