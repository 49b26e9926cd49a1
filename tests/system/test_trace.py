"""One trace from a partner's notice to the assignment, through both services, and the story that it tells."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest

from deploy.cli.target import Target
from deploy.local.system import SPANS
from shared.contracts.catalogue import FIELD_REPORTS, VISITS
from shared.contracts.codes import Answer, Channel, ContactKind
from shared.contracts.topics.assignments import AssignmentCreated
from shared.contracts.topics.field_reports import ContactReported
from shared.contracts.topics.visits import ContactMade
from shared.messaging.wire import Raw
from shared.runtime.clock import BERLIN
from shared.runtime.spans import SpanLine, read_spans
from shared.runtime.trace_story import story
from tests.system.one_case import ASSIGNED
from tests.system.one_notice import COURT, Sender, cases_of, header, message, read, settled, suit
from tests.waiting import eventually

pytestmark = pytest.mark.system

SPOKEN = (("intake", "process notices"), ("outreach", "process cases"), ("reporting", "process visits"))
TIME = re.compile(r"\d\d:\d\d:\d\d\.\d{3} \+\d+\.\d ms")


async def test_one_trace_runs_from_the_notice_to_the_assignment(system: Target) -> None:
    trace, partners_span = secrets.token_hex(16), secrets.token_hex(8)
    _, case = await told(system, message(COURT, suit(1), traceparent=f"00-{trace}-{partners_span}-01"))
    assignment = await record_of(system, ASSIGNED, AssignmentCreated.TYPE, case)
    _, its_trace, its_span, _ = header(assignment, "traceparent").split("-")
    assert its_trace == trace

    def unbroken(found: list[SpanLine]) -> bool:
        whole = of(found, trace)
        parents = {span["parent_id"] for span in whole.values()}
        return {span["service"] for span in whole.values()} == ALL and its_span in whole and parents <= {partners_span, *whole}

    whole = of(await spans_once(system, unbroken), trace)
    way = list(upwards(whole[its_span], whole))
    assert [span["service"] for span in way] == ["outreach", "intake"]
    assert way[-1]["parent_id"] == partners_span


async def test_the_story_is_told_for_the_notice_and_for_its_case(system: Target) -> None:
    notice, case = await told(system, message(COURT, suit(1)))
    wanted = {f"{service}  {spoken}" for service, spoken in SPOKEN}

    def told_so_far(spans: list[SpanLine]) -> set[str]:
        text = "\n".join(story(spans, str(case)))
        return {each for each in wanted if each in text}

    spans = await spans_once(system, lambda found: told_so_far(found) == wanted)
    lines = story(spans, str(case))
    assert story(spans, str(notice)) == lines
    assert all(TIME.search(line) for line in lines if not line.startswith("trace "))
    assert any(line.startswith("   ") for line in lines), "a tree has branches"


async def test_what_happens_later_stands_beside_the_beginning(system: Target) -> None:
    """A report comes without any trace, weeks later; the story of the notice tells it, in its own trace."""
    notice, case = await told(system, message(COURT, suit(1)))
    assignment = await record_of(system, ASSIGNED, AssignmentCreated.TYPE, case)
    team = assignment.topic.partition(".")[2]
    now = datetime.now(UTC)
    contact = ContactReported(
        channel=Channel.AUTHORITY,
        actor="fk-01",
        recorded_at=now,
        case_id=case,
        contact=ContactKind.TELEPHONE,
        contacted_on=now.astimezone(BERLIN).date(),
        reached=True,
    )
    sender = Sender(system.bootstrap)
    await sender.send(message(FIELD_REPORTS.of(team), contact, key=case))
    await sender.until_answered()
    later = await record_of(system, [VISITS.name], ContactMade.TYPE, case)
    _, its_trace, *_ = header(later, "traceparent").split("-")

    def roots() -> list[str] | None:
        found = [line.split()[1] for line in tale(system, notice) if line.startswith("trace ")]
        return found if len(found) > 1 else None

    _, *beside = await eventually(roots)  # each service writes its spans in its own time
    assert beside == [its_trace]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"00-" + b"0" * 32 + b"-1234567890123456-01",
        b"00-" + b"a" * 4000,
        "00-ü-ü-01".encode(),
        None,
    ],
    ids=["empty", "nonsense", "binary", "zero", "long", "umlaut", "none"],
)
async def test_a_malformed_traceparent_never_fails_a_notice(system: Target, broken: bytes | None) -> None:
    whole = message(COURT, suit(1))
    _, case = await told(system, Raw(whole.topic, whole.key, whole.value, (*whole.headers, ("traceparent", broken))))
    assignment = await record_of(system, ASSIGNED, AssignmentCreated.TYPE, case)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", header(assignment, "traceparent"))


ALL = {"intake", "outreach", "referral", "reporting"}


async def told(system: Target, notice: Raw) -> tuple[UUID, UUID]:
    """Send a notice that is accepted; its id and its case."""
    sender = Sender(system.bootstrap)
    (notice_id,) = await sender.send(notice)
    await sender.until_answered()
    assert sender.answers[notice_id].answer is Answer.ACCEPTED
    await settled(system)
    return notice_id, (await cases_of(system, [notice_id]))[notice_id]


async def record_of(system: Target, topics: list[str], event_type: str, case: UUID) -> Raw:
    """The first record of this type about the case."""

    async def there() -> Raw | None:
        raws = await read(system.bootstrap, topics)
        return next((raw for raw in raws if raw.key == str(case).encode() and header(raw, "ce_type") == event_type), None)

    found: Raw = await eventually(there)
    return found


async def spans_once(system: Target, enough: Callable[[list[SpanLine]], bool]) -> list[SpanLine]:
    """All spans written so far, as soon as there are enough; the services write them every half second."""
    spans: list[SpanLine] = []

    def there() -> bool:
        spans[:] = spans_of(system)
        return enough(spans)

    await eventually(there)
    return spans


def spans_of(system: Target) -> list[SpanLine]:
    assert system.data is not None
    return list(read_spans(system.data / SPANS))


def of(spans: list[SpanLine], trace: str) -> dict[str, SpanLine]:
    """The trace's spans by their id."""
    return {span["span_id"]: span for span in spans if span["trace_id"] == trace}


def upwards(span: SpanLine | None, by_id: Mapping[str, SpanLine]) -> Iterator[SpanLine]:
    """A span and all above it."""
    while span is not None:
        yield span
        span = by_id.get(span["parent_id"] or "")


def tale(system: Target, needle: UUID) -> list[str]:
    """What `bleibe trace` prints."""
    return story(spans_of(system), str(needle))
