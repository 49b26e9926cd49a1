"""Additive only: the current schemas against the released ones, and each kind of break made by hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.contracts.catalogue import CATALOGUE
from shared.contracts.compatibility import Change, breaks
from shared.contracts.publish import ROOT
from shared.contracts.schemas import schema

CURRENT = {event.TYPE: schema(topic, event) for topic in CATALOGUE for event in topic.events}
RELEASED = {
    (described := json.loads(file.read_text("utf-8")))["title"]: described
    for file in (ROOT / "docs/contracts/released").glob("*.schema.json")
}
OWN, FOREIGN = "de.bleibe.visit.planned.v1", "de.bleibe.notice.suit-filed.v1"

Mutation = Callable[[dict[str, Any]], object]


def test_nothing_breaks_the_released_contracts() -> None:
    assert RELEASED
    assert [str(change) for change in breaks(RELEASED, CURRENT) if change.breaking] == []


def test_an_unchanged_event_is_no_change() -> None:
    assert breaks(CURRENT, CURRENT) == []


BREAKS_OWN: dict[str, tuple[Mutation, str, str]] = {
    "field removed": (lambda s: s["properties"].pop("window"), "window", "the field is gone"),
    "required now": (lambda s: s["required"].append("alarms"), "alarms", "required now"),
    "no longer required": (lambda s: s["required"].remove("visit_id"), "visit_id", "no longer required"),
    "new required field": (
        lambda s: (s["properties"].update(at={"type": "string"}), s["required"].append("at")),
        "at",
        "required now",
    ),
    "type changed": (lambda s: s["properties"].update(visit_id={"type": "integer"}), "visit_id", "string uuid is gone"),
    "null is gone": (lambda s: s["properties"]["planned_on"]["anyOf"].pop(), "planned_on", "null is gone"),
    "null is new": (
        lambda s: s["properties"].update(visit_id={"anyOf": [s["properties"]["visit_id"], {"type": "null"}]}),
        "visit_id",
        "null is new",
    ),
    "code gone": (lambda s: s["$defs"]["Window"]["enum"].remove("16-19"), "window", "codes gone: 16-19"),
    "code list gone": (lambda s: s["$defs"]["Window"].pop("enum"), "window", "a code list came or went"),
    "list item changed": (
        lambda s: s["properties"]["obligation_ids"].update(items={"type": "string"}),
        "obligation_ids[]",
        "string uuid is gone",
    ),
    "list bounded": (lambda s: s["properties"]["obligation_ids"].update(maxItems=3), "obligation_ids", "maxItems None became 3"),
    "another default": (lambda s: s["properties"]["alarms"].update(default=["NO_SLOT"]), "alarms", "another default"),
    "moved": (lambda s: s.update({"x-topic": "cases"}), "", "moved from visits to cases"),
}


@pytest.mark.parametrize("kind", BREAKS_OWN)
def test_a_break_of_our_own_event_names_its_readers(kind: str) -> None:
    mutate, path, what = BREAKS_OWN[kind]
    found = _mutated(OWN, mutate)
    assert Change(OWN, "visits", path, what, ("intake", "referral", "reporting")) in found


BREAKS_FOREIGN: dict[str, tuple[Mutation, str, str]] = {
    "field removed": (lambda s: s["properties"].pop("hearing_at"), "hearing_at", "the field is gone"),
    "required now": (lambda s: s["required"].append("hearing_at"), "hearing_at", "required now"),
    "narrower upper bound": (
        lambda s: s["properties"]["defendants"].update(maxItems=10),
        "defendants",
        "maxItems 50 became 10",
    ),
    "narrower lower bound": (
        lambda s: s["properties"]["defendants"].update(minItems=2),
        "defendants",
        "minItems 1 became 2",
    ),
    "shorter text": (
        lambda s: s["$defs"]["Party"]["properties"]["family_name"].update(maxLength=20),
        "defendants[].family_name",
        "maxLength 200 became 20",
    ),
    "another pattern": (
        lambda s: s["$defs"]["ProceedingRef"]["properties"]["court_code"].update(pattern="^R"),
        "proceeding.court_code",
        "another pattern",
    ),
    "number refused": (
        lambda s: s["properties"].update(monthly_rent={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        "monthly_rent",
        "number is gone",
    ),
    "code gone": (lambda s: s["$defs"]["Channel"]["enum"].remove("CSV"), "channel", "codes gone: CSV"),
}


@pytest.mark.parametrize("kind", BREAKS_FOREIGN)
def test_a_break_of_an_outside_event_names_its_senders_and_its_reader(kind: str) -> None:
    mutate, path, what = BREAKS_FOREIGN[kind]
    assert Change(FOREIGN, "notices", path, what, ("every partner", "intake")) in _mutated(FOREIGN, mutate)


def test_an_event_that_is_gone_breaks_all_its_readers() -> None:
    current = {name: described for name, described in CURRENT.items() if name != OWN}
    assert breaks(CURRENT, current) == [Change(OWN, "visits", "", "the event is gone", ("intake", "referral", "reporting"))]


def test_refusing_unknown_fields_is_a_break() -> None:
    found = _mutated(OWN, lambda s: s.update(additionalProperties=False))
    assert [(each.what, each.breaking) for each in found] == [("unknown fields are refused now", True)]


def test_a_part_inside_a_corrected_notice_is_compared_with_the_part_of_its_kind() -> None:
    corrected = "de.bleibe.notice.corrected.v1"
    found = _mutated(corrected, lambda s: s["$defs"]["HearingMoved"]["properties"].pop("previous_at"))
    assert [(each.path, each.what) for each in found] == [("content.previous_at", "the field is gone")]


def test_a_new_code_of_ours_is_a_note_for_those_to_upgrade_first() -> None:
    found = _mutated(OWN, lambda s: s["$defs"]["Window"]["enum"].append("19-22"))
    assert found == [Change(OWN, "visits", "window", "new codes: 19-22", ("intake", "referral", "reporting"), breaking=False)]
    assert str(found[0]).endswith("on visits, first upgrade intake, referral, reporting")


HARMLESS: dict[str, tuple[str, Mutation]] = {
    "optional field, ours": (OWN, lambda s: s["properties"].update(floor={"type": "integer", "default": 0})),
    "optional field, outside": (FOREIGN, lambda s: s["properties"].update(floor={"type": "integer", "default": 0})),
    "no longer required, outside": (FOREIGN, lambda s: s["required"].remove("filed_on")),
    "new code, outside": (FOREIGN, lambda s: s["$defs"]["Channel"]["enum"].append("PIGEON")),
    "wider bound, outside": (FOREIGN, lambda s: s["properties"]["defendants"].update(maxItems=500)),
    "other words": (OWN, lambda s: s.update(description="said otherwise")),
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_an_addition_is_harmless(kind: str) -> None:
    event, mutate = HARMLESS[kind]
    assert _mutated(event, mutate) == []


def _mutated(event: str, mutate: Mutation) -> list[Change]:
    changed = copy.deepcopy(CURRENT[event])
    before = copy.deepcopy(changed)
    mutate(changed)
    assert changed != before, "the mutation changes something"
    return breaks({event: CURRENT[event]}, {event: changed})
