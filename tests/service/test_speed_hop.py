"""The hop benchmark itself: every contestant brings each notice to two rows and three records, and to no more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from benchmarks.speed.hop import measure
from benchmarks.speed.hop.measure import Ground, preload, run
from benchmarks.speed.hop.peers import CONTESTANTS
from tests.the_broker import ON_KAFKA

pytestmark = pytest.mark.service

NOTICES = 50


async def test_every_contestant_takes_each_notice_once(
    bootstrap: str, admin_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "PARTITIONS", 2)  # five contestants at once make three topics each
    ground = Ground(bootstrap, admin_dsn, idempotent=ON_KAFKA, folder=tmp_path)
    here = [each for each in CONTESTANTS if each.missing() is None and not each.own_environment]
    await preload(ground, "notices.hop", NOTICES)
    runs = await asyncio.gather(*(run(ground, each, "notices.hop", NOTICES, 0) for each in here))
    assert {each.contestant for each in runs} >= {"ours", "handler", "floor"}
    assert [each for each in runs if not each.once] == []
