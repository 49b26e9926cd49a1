"""Broker settings of a local Kafka that asks who is there: SCRAM for clients, ACLs, and TLS where a certificate is given.

For tests of what a real installation must have; docs/operations says how one is set up.
"""

from __future__ import annotations

from pathlib import Path

from deploy.local.kafka import ADMIN

_CLIENTS, _CONTROLLER = "listener.name.clients", "listener.name.controller"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def secured(password: str, tls: tuple[Path, Path] | None = None) -> dict[str, str]:
    """Settings for `Local.start_kafka`, together with the same password of `admin`, who may do everything.

    `tls` are a PEM file of private key (PKCS 8) and certificate, and one of the authority that signed it; without them the
    clients' listener is not encrypted.
    """
    signed_in = f'required username="{ADMIN}" password="{password}"'
    protocol = "SASL_PLAINTEXT" if tls is None else "SASL_SSL"
    return ({} if tls is None else _encrypted(*tls)) | {
        "listener.security.protocol.map": f"CLIENTS:{protocol},CONTROLLER:SASL_PLAINTEXT",
        f"{_CLIENTS}.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        f"{_CLIENTS}.scram-sha-512.sasl.jaas.config": f"{_SCRAM} {signed_in};",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        # Controllers know no users yet when they meet, so the first of them is written down here.
        f"{_CONTROLLER}.sasl.enabled.mechanisms": "PLAIN",
        f"{_CONTROLLER}.plain.sasl.jaas.config": f'{_PLAIN} {signed_in} user_{ADMIN}="{password}";',
        "sasl.mechanism.controller.protocol": "PLAIN",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN}",
    }


def _encrypted(certificate: Path, authority: Path) -> dict[str, str]:
    ours = {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(certificate)}
    return ours | {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(authority)}
