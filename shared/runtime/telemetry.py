"""Tracing: one trace runs from a notice to the visit's assignment; what happens weeks later has a trace of its own.

`bleibe trace` shows all traces of a case side by side, by the case id that each of them names.

Spans leave the process through one gate, `AllowedOnly`: attributes outside the list, exception messages and status
texts stay behind, so that no name or address can reach a trace, whatever the code above does.
"""

import re
import threading
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Link, Span, Status, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.runtime.settings import ServiceSettings
from shared.runtime.spans import SpanFile

ALLOWED_ATTRIBUTES: Final = frozenset(
    {
        "bleibe.assignment_id",
        "bleibe.batch_size",
        "bleibe.case_id",
        "bleibe.causation_id",
        "bleibe.event_type",
        "bleibe.household_id",
        "bleibe.keysequence",
        "bleibe.notice_id",
        "bleibe.obligation_id",
        "bleibe.outcome",
        "bleibe.reason",
        "bleibe.referral_id",
        "bleibe.statements",
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "messaging.batch.message_count",
        "messaging.consumer.group.name",
        "messaging.destination.name",
        "messaging.destination.partition.id",
        "messaging.kafka.message.key",
        "messaging.kafka.message.tombstone",
        "messaging.kafka.offset",
        "messaging.message.id",
        "messaging.operation.name",
        "messaging.operation.type",
        "messaging.system",
    }
)

_KEY: Final = "messaging.kafka.message.key"  # an outside sender may have written a name there
_QUEUE = 65_536  # spans; when the exporter stands still, newer ones are lost, never memory
_PROPAGATOR = TraceContextTextMapPropagator()
_UNRECORDED = re.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00")


class AllowedOnly(SpanExporter):
    """Hands copies of spans to `inner` that hold listed attributes alone; an exception keeps its type."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export the cleaned copies."""
        return self._inner.export([_cleaned(span) for span in spans])

    def shutdown(self) -> None:
        """End the inner exporter."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the inner exporter."""
        return self._inner.force_flush(timeout_millis)


class _Process:
    """The process's own tracer; without `configure_tracing` it records nothing."""

    provider: TracerProvider | None = None
    tracer: Tracer = trace.NoOpTracer()


def configure_tracing(service: str, settings: ServiceSettings) -> None:
    """Send this process's spans to the OTLP endpoint, else into the spans folder, else nowhere.

    Once a process, before the first span. A trace begun elsewhere is followed as its sender decided.
    """
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.sample_ratio),
        resource=Resource({"service.namespace": "bleibe", "service.name": service}),
        shutdown_on_exit=False,  # `shutdown_tracing` is bounded, the SDK's own way out is not
    )
    exporter: SpanExporter | None = None
    if settings.otlp_endpoint is not None:
        endpoint = settings.otlp_endpoint.rstrip("/").removesuffix("/v1/traces")
        exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=5)
    elif settings.spans_dir is not None:
        exporter = SpanFile(settings.spans_dir, service)
    if exporter is not None:
        provider.add_span_processor(
            BatchSpanProcessor(
                AllowedOnly(exporter), max_queue_size=_QUEUE, max_export_batch_size=2048, schedule_delay_millis=500
            )
        )
    _Process.provider = provider
    _Process.tracer = provider.get_tracer("bleibe")


def shutdown_tracing(timeout_s: float = 3) -> bool:
    """Send what is left and stop; False when it took longer than `timeout_s` and was left behind."""
    provider, _Process.provider, _Process.tracer = _Process.provider, None, trace.NoOpTracer()
    if provider is None:
        return True
    ending = threading.Thread(target=provider.shutdown, daemon=True)
    ending.start()
    ending.join(timeout_s)
    return not ending.is_alive()


def tracer() -> Tracer:
    """The tracer of this process; ask at each use, it changes with `configure_tracing`."""
    return _Process.tracer


def unrecorded(traceparent: str | None) -> bool:
    """Whether it names a trace that its sender asks nobody to record (W3C); what is malformed does not."""
    return traceparent is not None and _UNRECORDED.fullmatch(traceparent) is not None


def parent_context(traceparent: str | None) -> Context:
    """The context that a message's `traceparent` names; an empty one when it is absent or malformed (W3C)."""
    if traceparent is None:
        return Context()
    return _PROPAGATOR.extract({"traceparent": traceparent}, Context())


def traceparent(of: Span | Context | None = None) -> str | None:
    """The W3C `traceparent` of a span or context, by default of the current one; None outside of any trace."""
    context = trace.set_span_in_context(of, Context()) if isinstance(of, Span) else of
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context)
    return carrier.get("traceparent")


def _cleaned(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={k: v for k, v in (span.attributes or {}).items() if k in ALLOWED_ATTRIBUTES and (k != _KEY or _is_id(v))},
        events=[
            Event(event.name, {"exception.type": str((event.attributes or {})["exception.type"])}, event.timestamp)
            for event in span.events
            if "exception.type" in (event.attributes or {})
        ],
        links=[Link(link.context) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _is_id(value: object) -> bool:
    try:
        UUID(str(value))
    except ValueError:
        return False
    return True
