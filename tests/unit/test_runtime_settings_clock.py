"""Settings from the environment, and clocks that stand still."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.runtime.clock import BERLIN, FileClock, FixedClock, WallClock, clock_from, step_clock
from shared.runtime.settings import ServiceSettings

MORNING = datetime(2026, 11, 23, 8, 15, tzinfo=BERLIN)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("k" * 64 + "\n")
    (tmp_path / "dsn").write_text("postgresql://intake:honeysecret@localhost/intake\n")
    for name, value in {
        "BOOTSTRAP_SERVERS": "127.0.0.1:9092",
        "DATABASE_DSN_FILE": str(tmp_path / "dsn"),
        "TOKENS_FILE": str(tmp_path / "tokens.json"),
        "DATA_KEY_FILE": str(tmp_path / "key"),
    }.items():
        monkeypatch.setenv(f"BLEIBE_{name}", value)
    return tmp_path


def test_secrets_come_from_files(environment: Path) -> None:
    settings = ServiceSettings()
    assert settings.dsn() == "postgresql://intake:honeysecret@localhost/intake"
    assert settings.data_key() == b"k" * 64
    assert settings.city.parts[-2:] == ("deploy", "muenster")
    assert (environment / "key").exists()


def test_a_secret_is_neither_in_the_repr_nor_in_an_error(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLEIBE_DATABASE_DSN", "postgresql://localhost/honeysecret")
    with pytest.raises(ValidationError, match="exactly one of BLEIBE_DATABASE_DSN") as both:
        ServiceSettings()
    assert "honeysecret" not in str(both.value)
    monkeypatch.delenv("BLEIBE_DATABASE_DSN_FILE")
    settings = ServiceSettings()
    assert "honeysecret" not in repr(settings)
    assert settings.dsn() == "postgresql://localhost/honeysecret"
    monkeypatch.setenv("BLEIBE_HTTP_PORT", "honeysecret")
    with pytest.raises(ValidationError, match="http_port") as wrong:
        ServiceSettings()
    assert "honeysecret" not in str(wrong.value)
    (environment / "key").write_text("short")
    with pytest.raises(ValueError, match="64 random hex digits"):
        settings.data_key()


def test_a_file_clock_stands_still_until_it_is_stepped(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    step_clock(path, MORNING)
    clock = clock_from(str(path))
    assert [clock.now(), clock.now()] == [MORNING, MORNING]
    step_clock(path, datetime(2026, 11, 23, 23, 30, tzinfo=UTC))
    assert clock.now() == datetime(2026, 11, 24, 0, 30, tzinfo=BERLIN)
    assert clock.now().tzinfo is BERLIN
    assert clock.today() == date(2026, 11, 24)
    assert [file.name for file in tmp_path.iterdir()] == ["clock"]


def test_two_steps_within_one_tick_of_the_file_system_are_both_seen(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    step_clock(path, MORNING)
    clock = FileClock(path)
    for hour in range(24):
        step_clock(path, MORNING.replace(hour=hour))
        assert clock.now().hour == hour


def test_clocks_refuse_a_time_without_zone_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        FixedClock(datetime(2026, 11, 23))  # noqa: DTZ001  the missing zone is the subject
    with pytest.raises(FileNotFoundError):
        FileClock(tmp_path / "clock")


def test_a_fixed_clock_is_set_and_the_wall_clock_is_aware() -> None:
    clock = FixedClock(MORNING)
    clock.set(datetime(2026, 11, 30, 23, tzinfo=UTC))
    assert clock.today() == date(2026, 12, 1)
    wall = clock_from("wall")
    assert isinstance(wall, WallClock)
    assert abs(wall.now() - datetime.now(UTC)).total_seconds() < 5
    assert wall.now().tzinfo is BERLIN
