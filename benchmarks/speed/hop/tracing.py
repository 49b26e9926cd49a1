"""Tracing for contestants that bring their own spans: 1 % of traces and whatever the sender marked, written to the same disk."""

from __future__ import annotations

from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from benchmarks.speed.hop.place import Place
from shared.runtime.spans import SpanFile


def tracer_provider(name: str, place: Place) -> TracerProvider:
    """A provider with the sampler that our services have."""
    provider = TracerProvider(sampler=ParentBasedTraceIdRatio(0.01), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(SpanFile(Path(place.spans), name)))
    return provider
