"""`bleibe deadlines` on a file that cannot be read: it names the key and says what to write, never the value."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.cli.deadlines import deadlines


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ('{"filed": "2026-11-02"}', ("filed: no such key", "filed_on", "landlord_land")),
        ('{"filed_on": "vorgestern"}', ("filed_on: write a day as 2026-11-23",)),
        ('{"hearing_at": "morgen"}', ("hearing_at", "2027-01-14T09:30:00+01:00")),
        ('{"filed_on": ', ("no JSON object", "docs/examples/facts.json")),
        ('{"land": "Atlantis"}', ("land", "use one of", "NW")),
        ('{"filed_on": "2026-11-02", "served_on": "2026-11-01"}', ("served only after it was filed",)),
    ],
)
def test_what_is_wrong_and_what_to_write(
    document: str, told: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "facts.json"
    file.write_text(document, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        deadlines(file, as_json=True)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    for words in told:
        assert words in said.err
    for value in ("vorgestern", "morgen", "Atlantis"):
        assert value not in said.err


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        deadlines(tmp_path / "nowhere.json")
    assert "nowhere.json" in capsys.readouterr().err
