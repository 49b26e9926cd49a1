"""Where which class of data may travel, and that a misplaced field is found."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import create_model

from shared.contracts.catalogue import CATALOGUE, Kind, Topic
from shared.contracts.codes import Need
from shared.contracts.fields import FieldClass, Id, Money, Name, Registry, Staff, Text
from shared.contracts.placement import misplaced
from shared.contracts.topics.assessments import AssessmentRecorded
from shared.contracts.topics.cases import CaseOpened
from shared.contracts.topics.notices import SuitFiled

FACTS = [Kind.FACT, Kind.SPECIAL_FACT, Kind.PUBLIC]


@pytest.mark.parametrize("topic", CATALOGUE, ids=lambda topic: topic.name)
def test_every_field_stands_where_its_class_may(topic: Topic) -> None:
    assert list(misplaced(topic.kind, topic.events)) == []


@pytest.mark.parametrize("kind", FACTS)
@pytest.mark.parametrize(
    ("hint", "says"),
    [
        (str, "has no field class"),
        (Name, "is personal"),
        (Text | None, "is personal"),
        (tuple[Name, ...], "is personal"),
        (dict[str, Id], "has no field class"),
        (Money, "is personal"),
        (Staff, "is staff"),
        (Annotated[str, FieldClass.CODE], "takes any text"),
        (Annotated[bytes, FieldClass.MEASURE], "takes any text"),
        (Annotated[Any, FieldClass.CODE], "takes any text"),
        (int, "has no field class"),
        (Decimal, "has no field class"),
    ],
)
def test_a_fact_topic_refuses(kind: Kind, hint: object, says: str) -> None:
    mutated = create_model("Mutated", __base__=CaseOpened, remark=(hint, ...))  # type: ignore[arg-type]  # the hint is the mutation
    found = [each for each in misplaced(kind, [mutated]) if each.startswith("Mutated.remark")]
    assert found
    assert says in found[0]


def test_a_part_deep_inside_is_found_too() -> None:
    part = create_model("Part", remark=(Name, ...))
    mutated = create_model("Mutated", __base__=CaseOpened, parts=(tuple[part, ...], ()))
    assert list(misplaced(Kind.FACT, [mutated])) == ["Mutated.parts.remark is personal, which a fact topic never carries"]


def test_special_categories_stand_on_assessments_alone() -> None:
    mutated = create_model("Mutated", __base__=CaseOpened, need=(Annotated[Need, FieldClass.SPECIAL], ...))
    assert [*misplaced(Kind.SPECIAL_FACT, [AssessmentRecorded, mutated])] == []
    assert [*misplaced(Kind.FACT, [mutated])] == ["Mutated.need is special, which a fact topic never carries"]
    assert [topic.name for topic in CATALOGUE if topic.kind is Kind.SPECIAL_FACT] == ["assessments"]


def test_the_public_sees_no_id() -> None:
    mutated = create_model("Mutated", case=(UUID, ...))
    assert [*misplaced(Kind.PUBLIC, [mutated])] == ["Mutated.case is identifier, which a public topic never carries"]


def test_a_notice_would_fail_on_a_fact_topic() -> None:
    assert {each.split(" ")[0] for each in misplaced(Kind.FACT, [SuitFiled])} >= {
        "SuitFiled.actor",
        "SuitFiled.defendants.family_name",
        "SuitFiled.proceeding.docket",
        "SuitFiled.monthly_rent",
    }


def test_a_registered_string_has_a_pattern_that_no_free_text_passes() -> None:
    described = [event.model_json_schema() for topic in CATALOGUE for event in topic.events if topic.kind in FACTS]
    assert described
    for schema in described:
        for text in _strings(schema):
            assert "enum" in text or "const" in text or "format" in text or "pattern" in text, text
    assert Registry("districts") == "districts"


def _strings(schema: object) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [text for part in schema for text in _strings(part)]
    if not isinstance(schema, dict):
        return []
    below = [text for part in schema.values() for text in _strings(part)]
    return [schema, *below] if schema.get("type") == "string" else below
