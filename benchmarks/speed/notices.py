"""Constructed suits against people nobody is, at real addresses of Münster; the same number is always the same suit."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from uuid import UUID

from benchmarks.matching.towns import Towns
from deploy.local.system import MUENSTER
from shared.contracts.codes import Channel, LegalBasis
from shared.contracts.topics.notices import Party, ProceedingRef, SuitFiled
from shared.contracts.topics.parts import GivenAddress
from shared.messaging.wire import Envelope, Raw, encode

COURT = "notices.ag-muenster"
_SOURCE = "urn:bleibe:partner:ag-muenster"


def suits(
    numbers: Iterable[int], *, topic: str = COURT, source: str = _SOURCE, traced: float = 0.0, identity: str = "suit"
) -> Iterator[Raw]:
    """One suit a number, each against a household of its own; `traced`: the share that an outside trace asks to record.

    Another `identity` tells the same suits in other messages.
    """
    towns, addresses = Towns(), _addresses()
    for number in numbers:
        draw = random.Random(f"suit {number}")  # noqa: S311  figures, not secrets
        person = towns.household(number)
        street, house = draw.choice(addresses)
        now = datetime.now(UTC)
        data = SuitFiled(
            channel=Channel.PARTNER_JSON,
            actor="geschaeftsstelle",
            legal_basis=LegalBasis.SGB2_22_9,
            recorded_at=now,
            filed_on=now.date(),
            proceeding=ProceedingRef(court_code="R2713", docket=f"{draw.randint(1, 99)} C {number}/{now:%y}"),
            defendants=(
                Party(
                    family_name=person.family_name,
                    given_name=person.given_name,
                    address=GivenAddress(street=street, house_number=house, postcode="48143", place="Münster"),
                ),
            ),
        )
        notice_id = UUID(int=random.Random(f"{identity} {number}").getrandbits(128), version=4)  # noqa: S311  as above
        flags = "01" if draw.random() < traced else "00"
        trace = f"00-{draw.getrandbits(128):032x}-{draw.getrandbits(64):016x}-{flags}"
        envelope = Envelope(notice_id, source, data.TYPE, now, str(notice_id), traceparent=trace)
        yield encode(topic, envelope, data.model_dump_json(exclude_none=True).encode())


def _addresses() -> list[tuple[str, str]]:
    with (MUENSTER / "streets.csv").open(encoding="utf-8") as rows:
        return [(row["street"], number) for row in csv.DictReader(rows) for number in row["numbers"].split()]
