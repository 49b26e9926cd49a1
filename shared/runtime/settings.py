"""What a service is told from outside: environment variables that begin with ``BLEIBE_``, secrets in files."""

import sys
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# `deploy` is installed beside `shared`, as source tree and as wheel alike.
MUENSTER = Path(__file__).resolve().parents[2] / "deploy" / "muenster"


class ServiceSettings(BaseSettings):
    """The settings all services share; a service with more of its own subclasses this.

    Raises pydantic's ``ValidationError`` that names the variable and never shows its value.
    """

    model_config = SettingsConfigDict(env_prefix="BLEIBE_", hide_input_in_errors=True, frozen=True)

    database_dsn: SecretStr | None = None
    database_dsn_file: Path | None = None
    bootstrap_servers: str
    """Kafka's ``host:port``, several separated by commas."""

    kafka_idempotent: bool = True
    """False only for a broker without idempotent producers."""

    kafka_replication: int = Field(default=1, ge=1)
    kafka_session_timeout_ms: int = Field(default=10_000, ge=1000)
    kafka_fetch_wait_ms: int = Field(default=500, ge=1)
    """How long an empty fetch may wait. Kafka answers sooner when something comes; the embedded broker looks only then."""

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=0, ge=0, le=65535)
    """0 takes any free port."""

    city: Path = MUENSTER
    """The folder of the city's data: districts, partners, teams, providers, promises."""

    tokens_file: Path
    data_key_file: Path
    """Holds the secret of the keyed hashes that outlive an erasure."""

    clock: str = "wall"
    """``wall`` or the path of a clock file."""

    otlp_endpoint: str | None = None
    spans_dir: Path | None = None
    """Where spans go as JSON lines while no OTLP endpoint is set."""

    sample_ratio: float = Field(default=1.0, ge=0, le=1)
    log_json: bool = Field(default_factory=lambda: not sys.stderr.isatty())
    """JSON lines, unless a person watches on a terminal."""

    instance: str | None = None
    """A name that survives a restart makes the process a static member of its consumer group."""

    batch_max_records: int = Field(default=500, ge=1)
    batch_timeout_ms: int = Field(default=10, ge=1)
    relay_poll_ms: int = Field(default=20, ge=1)
    grace_s: float = Field(default=15, gt=0)
    """Seconds a shutdown may take before the process ends anyway."""

    @model_validator(mode="after")
    def _one_dsn(self) -> Self:
        if (self.database_dsn is None) == (self.database_dsn_file is None):
            raise ValueError("set exactly one of BLEIBE_DATABASE_DSN and BLEIBE_DATABASE_DSN_FILE")
        return self

    def dsn(self) -> str:
        """The database address in clear, for the one place that connects."""
        if self.database_dsn is not None:
            return self.database_dsn.get_secret_value()
        assert self.database_dsn_file is not None
        return _secret(self.database_dsn_file)

    def data_key(self) -> bytes:
        """The key of the keyed hashes, at least 32 bytes. Raises ``ValueError`` for a shorter one."""
        key = _secret(self.data_key_file).encode()
        if len(key) < 32:
            raise ValueError("the data key is shorter than 32 bytes; write 64 random hex digits into its file")
        return key


def _secret(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()
