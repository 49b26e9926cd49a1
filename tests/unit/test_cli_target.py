"""Which city a command speaks of."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from deploy.cli.main import main
from deploy.cli.target import target_city
from shared.runtime.settings import MUENSTER


def test_commands_read_the_city_that_the_services_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = tmp_path / "other"
    shutil.copytree(MUENSTER, theirs)
    partners = json.loads((theirs / "partners.json").read_text())
    elsewhere = {**partners[0], "id": "ag-elsewhere", "ce_source": "urn:bleibe:partner:ag-elsewhere"}
    (theirs / "partners.json").write_text(json.dumps([*partners, elsewhere]))
    monkeypatch.delenv("BLEIBE_CITY", raising=False)
    assert [each.id for each in target_city().partners] == [each["id"] for each in partners]
    monkeypatch.setenv("BLEIBE_CITY", str(theirs))
    assert target_city().partners[-1].id == "ag-elsewhere"


def test_a_folder_without_a_city_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BLEIBE_CITY", str(tmp_path))
    monkeypatch.setattr("deploy.cli.main.app", target_city)  # what `bleibe cluster apply` asks first
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 3
    assert str(tmp_path / "city.toml") in capsys.readouterr().err
