"""Logs as one JSON object a line, or readable on a terminal: a constant event name and a few known facts.

What a line may say is a list, not a habit. Unknown keys and values that do not look like a code, an id or a number
are left out and counted under ``dropped``; of an exception only its type and place remain, because its message may
quote what a person wrote. The libraries' own log records take the same way.
"""

import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from datetime import date
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from uuid import UUID

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

ALLOWED_KEYS: Final = frozenset(
    {
        *("event", "level", "timestamp", "service", "instance", "pid", "dropped"),
        *("trace_id", "span_id", "case_id", "notice_id", "event_id", "event_type", "household_id", "referral_id"),
        *("topic", "partition", "offset", "key", "keysequence", "expected", "last", "group", "partner", "team"),
        *("outcome", "reason", "rule", "field", "count", "records", "statements", "ms", "seconds", "attempt", "limit"),
        *("condition", "host", "port", "version", "signal", "exit_status", "on", "person_id", "role", "status"),
        *("error", "error_at", "sqlstate", "constraint", "logger", "where"),
    }
)

# Their message templates are constants with %s for values; other libraries format values into the text.
_PLAIN_TEMPLATES: Final = ("aiokafka", "opentelemetry", "uvicorn.error")
_EVENT_NAME: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_CODE: Final = re.compile(r"[A-Za-z0-9_.,:/*@<>=+-]{1,400}")
_ROOT: Final = Path(__file__).resolve().parents[2]
_OURS: Final = ("services/", "shared/", "deploy/")


def configure_logging(service: str, *, as_json: bool) -> None:
    """Send this process's logs, its libraries' and its uncaught exceptions to standard error."""
    renderer: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _Named(service),
            _exception_as_type_and_place,
            _allowed,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    for known in logging.root.manager.loggerDict.values():
        if isinstance(known, logging.Logger):  # FastStream gives its logger a handler of its own on import
            known.handlers.clear()
            known.propagate = True
    logging.basicConfig(handlers=[_FromLibraries()], level=logging.INFO, force=True)
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    sys.excepthook = _uncaught


def logger() -> FilteringBoundLogger:
    """The logger; event names are constants such as ``relay.sent``, facts are keywords from `ALLOWED_KEYS`."""
    log: FilteringBoundLogger = structlog.get_logger()
    return log


class _Named:
    """Adds the service and the current trace."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        line["service"] = self._service
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line.setdefault("trace_id", f"{context.trace_id:032x}")
            line.setdefault("span_id", f"{context.span_id:016x}")
        return line


def _exception_as_type_and_place(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    raised = line.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    if isinstance(raised, tuple):
        raised = raised[1]
    if isinstance(raised, BaseException):
        line.update(describe(raised))
    return line


def describe(raised: BaseException) -> dict[str, str]:
    """An exception as `error` (its type and its causes' types), `error_at`, and what the database named by code."""
    causes = list(_causes(raised))
    facts = {"error": "<".join(type(cause).__name__ for cause in causes), "error_at": _place(causes[-1])}
    for cause in causes:
        for key, attribute in (("sqlstate", "sqlstate"), ("constraint", "constraint_name")):
            value = getattr(cause, attribute, None)
            if isinstance(value, str):
                facts[key] = value
    return facts


def _causes(raised: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = raised
    for _ in range(8):
        if cause is None:
            return
        yield cause
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        else:
            cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)


def _place(raised: BaseException) -> str:
    """Our own frames from the outermost to the innermost, and the frame that raised."""
    frames = []
    at = raised.__traceback__
    while at is not None:
        frames.append(f"{_short(at.tb_frame.f_code.co_filename)}:{at.tb_lineno}")
        at = at.tb_next
    shown = [frame for frame in frames[:-1] if frame.startswith(_OURS)][-5:] + frames[-1:]
    return ">".join(shown) or "nowhere"


def _short(path: str) -> str:
    for start in ("site-packages/", f"{_ROOT}/"):
        if start in path:
            return path.rpartition(start)[2]
    return Path(path).name


def _allowed(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    kept: EventDict = {}
    dropped = 0
    for key, value in line.items():
        safe = str(value) if key == "event" else _safe(value)
        if key in ALLOWED_KEYS and (safe is not None or value is None):
            kept[key] = safe
        else:
            dropped += 1
    if "logger" not in kept and not _EVENT_NAME.fullmatch(str(kept["event"])):
        kept["event"] = "unnamed"
        dropped += 1
    if dropped:
        kept["dropped"] = dropped
    return kept


def _safe(value: object) -> str | float | None:
    """The value as the line may show it; None when it may not."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, UUID | date):
        return str(value)
    if isinstance(value, str) and _CODE.fullmatch(value):
        return value
    return None


class _FromLibraries(logging.Handler):
    """Hands the records of libraries on: a constant template where it is one, the place of the call always."""

    def emit(self, record: logging.LogRecord) -> None:
        plain = record.name.startswith(_PLAIN_TEMPLATES) and isinstance(record.msg, str)
        facts: MutableMapping[str, Any] = {
            "logger": record.name,
            "where": f"{_short(record.pathname)}:{record.lineno}",
            "exc_info": record.exc_info,
        }
        logger().log(record.levelno, record.msg.strip() if plain else "library.message", **facts)


def _uncaught(kind: type[BaseException], raised: BaseException, at: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, raised, at)
    else:
        logger().critical("process.crashed", exc_info=raised)
