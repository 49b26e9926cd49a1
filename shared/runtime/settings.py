"""What a service is told from outside: environment variables that begin with ``BLEIBE_``, secrets in files."""

import ssl
import sys
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.transport import kafka_hosts, open_hosts, require_verified

# `deploy` is installed beside `shared`, as source tree and as wheel alike.
MUENSTER = Path(__file__).resolve().parents[2] / "deploy" / "muenster"


class KafkaSettings(BaseSettings):
    """Where Kafka is, and who we are to it: nobody, or a user with a password; over a network always both, and TLS.

    Raises pydantic's ``ValidationError`` that names the variable and never shows its value.
    """

    model_config = SettingsConfigDict(env_prefix="BLEIBE_", hide_input_in_errors=True, frozen=True)

    bootstrap_servers: str
    """Kafka's ``host:port``, several separated by commas."""

    kafka_user: str | None = None
    kafka_password_file: Path | None = None
    kafka_ca_file: Path | None = None
    """The certificate of the authority that signed the brokers' (PEM). With it we speak TLS and check host names."""

    private_hosts: str = ""
    """Names, separated by commas, in a container network of this machine alone: only they may be spoken to in clear."""

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if (self.kafka_user is None) != (self.kafka_password_file is None):
            raise ValueError("set both BLEIBE_KAFKA_USER and BLEIBE_KAFKA_PASSWORD_FILE, or neither")
        if self.kafka_ca_file and self.kafka_user is None:
            raise ValueError("with BLEIBE_KAFKA_CA_FILE set BLEIBE_KAFKA_USER and BLEIBE_KAFKA_PASSWORD_FILE, too")
        if self.kafka_ca_file is None and open_hosts(kafka_hosts(self.bootstrap_servers), self.privately()):
            raise ValueError(
                "Kafka is reached over a network: set BLEIBE_KAFKA_USER, BLEIBE_KAFKA_PASSWORD_FILE and BLEIBE_KAFKA_CA_FILE"
            )
        return self

    def privately(self) -> tuple[str, ...]:
        """The private hosts, each by itself."""
        return tuple(name.strip() for name in self.private_hosts.split(",") if name.strip())

    def kafka_clients(self) -> dict[str, Any]:
        """Connection settings of every Kafka client, in aiokafka's words. Raises ``OSError`` where a file cannot be read."""
        return {"bootstrap_servers": self.bootstrap_servers.split(","), **self.kafka_security()}

    def kafka_security(self) -> dict[str, Any]:
        """How to sign in and encrypt: nothing for a Kafka that asks nobody for a name. Raises as ``kafka_clients``."""
        if self.kafka_user is None or self.kafka_password_file is None:
            return {}
        signed_in = {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.kafka_user,
            "sasl_plain_password": _secret(self.kafka_password_file),
        }
        if self.kafka_ca_file is None:
            return signed_in | {"security_protocol": "SASL_PLAINTEXT"}
        context = ssl.create_default_context(cafile=str(self.kafka_ca_file))
        return signed_in | {"security_protocol": "SASL_SSL", "ssl_context": context}


class ServiceSettings(KafkaSettings):
    """The settings all services share; a service with more of its own subclasses this."""

    database_dsn: SecretStr | None = None
    database_dsn_file: Path | None = None

    kafka_idempotent: bool = True
    """False only for a broker without idempotent producers."""

    kafka_replication: int = Field(default=1, ge=1)
    kafka_session_timeout_ms: int = Field(default=20_000, ge=1000)
    """A static member that is back within it finds its partitions as it left them; one that is not loses them then."""

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
    """A name that survives a restart makes the process a static member of its consumer group; two must not share one."""

    batch_max_records: int = Field(default=500, ge=1)
    batch_timeout_ms: int = Field(default=10, ge=1)
    relay_poll_ms: int = Field(default=20, ge=1)
    grace_s: float = Field(default=15, gt=0)
    """Seconds a shutdown may take before the process ends anyway."""

    @field_validator("instance")
    @classmethod
    def _no_empty_name(cls, given: str | None) -> str | None:
        """Empty is none: Compose can empty a variable, not leave one out."""
        return given or None

    @model_validator(mode="after")
    def _one_dsn(self) -> Self:
        if (self.database_dsn is None) == (self.database_dsn_file is None):
            raise ValueError("set exactly one of BLEIBE_DATABASE_DSN and BLEIBE_DATABASE_DSN_FILE")
        return self

    def dsn(self) -> str:
        """The database address in clear, for the one place that connects. Raises ``ValueError`` for an unprotected one."""
        if self.database_dsn is not None:
            dsn = self.database_dsn.get_secret_value()
        else:
            assert self.database_dsn_file is not None
            dsn = _secret(self.database_dsn_file)
        require_verified(dsn, self.privately())
        return dsn

    def data_key(self) -> bytes:
        """The key of the keyed hashes, at least 32 bytes. Raises ``ValueError`` for a shorter one."""
        key = _secret(self.data_key_file).encode()
        if len(key) < 32:
            raise ValueError("the data key is shorter than 32 bytes; write 64 random hex digits into its file")
        return key


def _secret(path: Path) -> str:
    secret = path.read_text(encoding="utf-8").strip()
    if not secret:
        raise ValueError(f"{path.name} is empty: write the secret into it")
    return secret
