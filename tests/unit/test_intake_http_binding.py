"""CloudEvents over HTTP become records: the conformance scenarios, and what clients get wrong."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.http_binding import BATCHED, STRUCTURED, Unusable, decode
from shared.messaging.wire import Raw

FEATURE = Path(__file__).parent / "data" / "cloudevents" / "http-protocol-binding.feature"
BINARY = {"content-type": "application/json", "ce-specversion": "1.0"}
TOPIC = "notices.ag-muenster"


def scenarios() -> Iterator[tuple[str, str, dict[str, str], object]]:
    """Each scenario with each of its content types: request, content type, attributes and data wanted."""
    for block in FEATURE.read_text(encoding="utf-8").split("Scenario Outline:")[1:]:
        request, wanted = re.findall(r'"""\n(.*?)"""', block, re.DOTALL)
        table, examples = block.split("Examples:")
        rows = dict(re.findall(r"\|\s*(\w+)\s*\|\s*(\S+)\s*\|", table.split("attributes are:")[1].split("And the data")[0]))
        rows.pop("key")
        for media in re.findall(r"\|\s*(application/.*?)\s*\|", examples):
            yield request, media, rows, json.loads(wanted)


def parse(request: str) -> tuple[dict[str, str], bytes]:
    head, body = re.split(r"\n\s*\n", request, maxsplit=1)
    lines = (line.strip().split(": ", 1) for line in head.strip().splitlines()[1:])
    return {name.lower(): value for name, value in lines}, body.encode()


def headers_of(raw: Raw) -> dict[str, str]:
    return {name: (value or b"").decode() for name, value in raw.headers}


@pytest.mark.parametrize(("request_text", "media", "attributes", "data"), list(scenarios()))
def test_conformance(request_text: str, media: str, attributes: dict[str, str], data: object) -> None:
    headers, body = parse(request_text.replace("<contentType>", media))
    (raw,) = decode(headers, body, TOPIC)
    there = headers_of(raw)
    wanted = {name: value for name, value in attributes.items() if name != "datacontenttype"}
    assert {name: there[f"ce_{name}"] for name in wanted} == wanted
    assert json.loads(raw.value or b"") == data


def test_the_feature_has_all_its_scenarios() -> None:
    assert len(list(scenarios())) == 4


def test_a_batch_keeps_its_order() -> None:
    events = [{"id": str(n), "specversion": "1.0", "data": {"n": n}} for n in range(3)]
    raws = decode({"content-type": BATCHED}, json.dumps(events).encode(), TOPIC)
    assert [raw.key for raw in raws] == [b"0", b"1", b"2"]
    assert [raw.value for raw in raws] == [b'{"n":0}', b'{"n":1}', b'{"n":2}']


def test_header_values_are_percent_decoded() -> None:
    (raw,) = decode({**BINARY, "ce-id": "a", "ce-subject": "M%C3%BCnster"}, b"{}", TOPIC)
    assert headers_of(raw)["ce_subject"] == "Münster"


def test_data_may_come_as_base64() -> None:
    event = {"id": "a", "data_base64": base64.b64encode(b'{"n":1}').decode()}
    (raw,) = decode({"content-type": STRUCTURED}, json.dumps(event).encode(), TOPIC)
    assert raw.value == b'{"n":1}'


@pytest.mark.parametrize(
    ("media", "body", "rule"),
    [
        (STRUCTURED, b"{", "not_json"),
        (STRUCTURED, b"\xff", "not_json"),
        (STRUCTURED, b"[" * 100_000, "not_json"),
        (STRUCTURED, b"[]", "not_an_event"),
        (BATCHED, b"{}", "not_a_batch"),
        (BATCHED, b"[]", "empty_batch"),
        (BATCHED, b"[1]", "not_an_event"),
        (BATCHED, b"[" + b"{}," * 1000 + b"{}]", "too_many"),
        ("text/plain", b"{}", "unsupported_media_type"),
        ("application/json", b"{}", "unsupported_media_type"),
        ("", b"{}", "unsupported_media_type"),
    ],
)
def test_what_is_no_event_names_its_rule(media: str, body: bytes, rule: str) -> None:
    with pytest.raises(Unusable) as refused:
        decode({"content-type": media}, body, TOPIC)
    assert refused.value.rule == rule


def nested(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(values) | st.dictionaries(st.text(), values)


json_values = st.recursive(st.none() | st.booleans() | st.floats() | st.text(), nested)


@given(media=st.sampled_from([STRUCTURED, BATCHED]), body=st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_nothing_a_client_sends_breaks_the_decoder(media: str, body: bytes) -> None:
    with contextlib.suppress(Unusable):
        decode({"content-type": media}, body, TOPIC)
