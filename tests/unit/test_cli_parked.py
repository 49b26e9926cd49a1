"""`bleibe parked` asked about a service that there is none of: it says which there are."""

from __future__ import annotations

import pytest

from deploy.cli import parked


@pytest.mark.parametrize("words", [["list", "intakes"], ["show", "intakes", "1"], ["retry", "intakes", "1"]])
def test_an_unknown_service_is_answered_with_those_there_are(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parked.app(words)
    said = capsys.readouterr()
    assert "outreach" in said.out + said.err
