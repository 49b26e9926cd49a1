"""What is spoken in clear stays on this machine: settings for anything else are refused before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from shared.runtime.settings import KafkaSettings, ServiceSettings
from shared.runtime.transport import require_verified

HERE = ["127.0.0.1:9092", "localhost:9092", "[::1]:9092", "127.0.0.1:1,127.0.0.1:2"]
AWAY = ["kafka:9092", "192.0.2.1:9092", "127.0.0.1:9092,kafka.example.org:9092", "[2001:db8::1]:9092", "localhost.example.org:1"]


@pytest.fixture
def password(tmp_path: Path) -> Path:
    (tmp_path / "password").write_text("secret\n")
    return tmp_path / "password"


@pytest.mark.parametrize("bootstrap", HERE)
def test_on_this_machine_kafka_may_be_spoken_to_in_clear(bootstrap: str, password: Path) -> None:
    assert KafkaSettings(bootstrap_servers=bootstrap).kafka_security() == {}
    signed_in = KafkaSettings(bootstrap_servers=bootstrap, kafka_user="intake", kafka_password_file=password)
    assert signed_in.kafka_security() == {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "intake",
        "sasl_plain_password": "secret",
    }


@pytest.mark.parametrize("bootstrap", AWAY)
def test_over_a_network_kafka_is_not_spoken_to_in_clear_nor_without_a_name(bootstrap: str, password: Path) -> None:
    with pytest.raises(ValidationError, match="reached over a network: set BLEIBE_KAFKA_USER"):
        KafkaSettings(bootstrap_servers=bootstrap)
    with pytest.raises(ValidationError, match="BLEIBE_KAFKA_CA_FILE"):
        KafkaSettings(bootstrap_servers=bootstrap, kafka_user="intake", kafka_password_file=password)
    with pytest.raises(ValidationError, match="set BLEIBE_KAFKA_USER"):
        KafkaSettings(bootstrap_servers=bootstrap, kafka_ca_file=password)
    whole = KafkaSettings(bootstrap_servers=bootstrap, kafka_user="intake", kafka_password_file=password, kafka_ca_file=password)
    assert whole.kafka_user == "intake"


def test_only_a_container_network_of_this_machine_counts_as_this_machine() -> None:
    assert KafkaSettings(bootstrap_servers="kafka:9092", private_hosts="kafka, postgres").kafka_security() == {}
    for name in ("kafka.example.org", "192.0.2.1", "2001:db8::1"):
        with pytest.raises(ValidationError, match="a name without a dot"):
            KafkaSettings(bootstrap_servers="127.0.0.1:9092", private_hosts=name)


def test_a_user_has_a_password_and_a_password_a_user(password: Path) -> None:
    with pytest.raises(ValidationError, match="or neither"):
        KafkaSettings(bootstrap_servers="127.0.0.1:1", kafka_user="intake")
    with pytest.raises(ValidationError, match="or neither"):
        KafkaSettings(bootstrap_servers="127.0.0.1:1", kafka_password_file=password)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://intake:secret@127.0.0.1:5432/intake",
        "postgresql://intake:secret@[::1]:5432/intake",
        "postgresql://localhost/intake",
        "postgresql:///intake?host=/var/run/postgresql",
        "postgresql://intake:secret@db.example.org/intake?sslmode=verify-full&sslrootcert=/ca.pem",
        "postgresql://intake:secret@postgres:5432/intake",
    ],
)
def test_a_database_on_this_machine_or_one_that_is_verified_is_spoken_to(dsn: str) -> None:
    require_verified(dsn, ["postgres"])


@pytest.mark.parametrize("dsn", ["postgresql:///intake", "postgresql://127.0.0.1/intake?service=elsewhere"])
def test_an_address_that_leaves_the_host_to_somebody_else_is_refused(dsn: str) -> None:
    with pytest.raises(ValueError, match="names no host"):
        require_verified(dsn)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://intake:secret@db.example.org/intake",
        "postgresql://intake:secret@192.0.2.1:5432/intake?sslmode=require",
        "postgresql://intake:secret@localhost,db.example.org/intake",
        "postgresql://intake:secret@/intake?host=db.example.org&sslmode=verify-ca",
        "postgresql://intake:secret@[2001:db8::1]:5432/intake",
    ],
)
def test_a_database_over_a_network_is_verified_or_not_spoken_to(dsn: str, password: Path) -> None:
    settings = ServiceSettings(
        database_dsn=SecretStr(dsn), bootstrap_servers="127.0.0.1:1", tokens_file=password, data_key_file=password
    )
    with pytest.raises(ValueError, match="sslmode=verify-full") as refused:
        settings.dsn()
    assert "secret" not in str(refused.value)
