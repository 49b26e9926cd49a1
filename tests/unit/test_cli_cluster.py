"""`bleibe cluster apply` where the cluster refuses something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.cli import cluster
from deploy.kafka.apply import Access, SettingsRefusedError

REFUSAL = "the cluster refused the settings of topic cases"


def test_a_refused_setting_keeps_no_grant_from_being_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuse(*_: Any) -> int:  # noqa: ANN401  whatever is asked
        raise SettingsRefusedError(REFUSAL)

    async def take_away(*_: Any) -> Access:  # noqa: ANN401  whatever is asked
        return Access([], [(2, "cases", 3, "User:team.old", "*", 3, 3)], ["team.old"], [])

    monkeypatch.setenv("BLEIBE_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr(cluster, "apply_topics", refuse)
    monkeypatch.setattr(cluster, "apply_access", take_away)
    with pytest.raises(SystemExit) as end:
        cluster.apply(passwords=tmp_path / "kafka")
    said = capsys.readouterr()
    assert end.value.code == 3
    assert said.err == f"{REFUSAL}\n"
    assert "0 grants made, 1 taken away" in said.out
    assert "user team.old" in said.out
