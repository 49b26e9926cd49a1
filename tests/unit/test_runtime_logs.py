"""Logs: known facts alone, whoever logs."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog
from pydantic import BaseModel

from shared.runtime.logs import configure_logging, describe, logger

CASE = UUID("0197a0c4-0000-4000-8000-000000000001")


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level, sys.excepthook = handlers, level, hook
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_has_service_event_and_bound_ids(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("intake", as_json=True)
    with structlog.contextvars.bound_contextvars(case_id=CASE):
        logger().info("case.opened", records=3)
    (line,) = lines(capsys)
    line.pop("timestamp")
    assert line == {"event": "case.opened", "level": "info", "service": "intake", "case_id": str(CASE), "records": 3}


def test_unknown_keys_and_free_text_are_dropped_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("intake", as_json=True)
    logger().info("notice.read", tenant="honeyname", reason="Frau Honey, honeystreet 1", outcome="parked", key={"honey": 1})
    logger().info("notice of honeyname read")
    first, second = lines(capsys)
    assert "honey" not in json.dumps([first, second])
    assert (first["outcome"], first["dropped"]) == ("parked", 3)
    assert (second["event"], second["dropped"]) == ("unnamed", 1)


def test_an_exception_is_its_type_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    class Tenant(BaseModel):
        age: int

    configure_logging("intake", as_json=True)
    try:
        try:
            Tenant.model_validate({"age": "honeyname"})
        except ValueError as wrong:
            raise RuntimeError("honeyname has no age") from wrong
    except RuntimeError:
        logger().exception("notice.failed")
    (line,) = lines(capsys)
    assert "honey" not in json.dumps(line)
    assert line["error"] == "RuntimeError<ValidationError"
    assert "pydantic/main.py:" in line["error_at"]


def test_database_errors_keep_their_codes() -> None:
    class UniqueViolation(Exception):
        sqlstate = "23505"
        constraint_name = "one_case_per_docket"
        detail = "Key (docket)=(honeydocket) already exists."

    facts = describe(UniqueViolation("honeydocket"))
    assert facts == {
        "error": "UniqueViolation",
        "error_at": "nowhere",
        "sqlstate": "23505",
        "constraint": "one_case_per_docket",
    }


def test_libraries_take_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    faststream = logging.getLogger("faststream")
    faststream.addHandler(logging.StreamHandler())
    faststream.propagate = False
    configure_logging("intake", as_json=True)
    faststream.error("ValidationError: input_value='honeyname'")
    logging.getLogger("aiokafka.consumer").warning("Heartbeat failed for %s", "honeyname")
    first, second = lines(capsys)
    assert "honey" not in json.dumps([first, second])
    assert (first["event"], first["logger"]) == ("library.message", "faststream")
    assert first["where"].startswith("tests/unit/test_runtime_logs.py:")
    assert second["event"] == "Heartbeat failed for %s"


def test_an_uncaught_exception_says_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("intake", as_json=True)
    wrong = ValueError("honeyname")
    sys.excepthook(ValueError, wrong, None)
    (line,) = lines(capsys)
    assert (line["event"], line["error"], line["level"]) == ("process.crashed", "ValueError", "critical")
    assert "honey" not in json.dumps(line)


def test_on_a_terminal_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("intake", as_json=False)
    logger().info("case.opened", tenant="honeyname")
    out = capsys.readouterr().err
    assert "case.opened" in out
    assert "honey" not in out
    assert not out.startswith("{")
