"""`bleibe cluster apply`: make a Kafka cluster what the catalogue asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiokafka.errors import KafkaError, SecurityDisabled
from cyclopts import App

from deploy.cli.output import fail, run
from deploy.cli.target import named_kafka, target_city
from deploy.kafka.apply import SettingsRefusedError, apply_access, apply_topics, passwords_in
from deploy.kafka.compare import describe
from deploy.kafka.wanted import grants, principals, topics
from shared.city import City
from shared.messaging.topics import TopicSpec
from shared.runtime.service import topic_specs

app = App(name="cluster", help="The Kafka cluster: its topics, its users and what they may do.")


def specs(city: City) -> dict[str, TopicSpec]:
    """How the catalogue creates the city's topics, by name."""
    return {spec.name: spec for spec in topic_specs(list(topics(city)))}


@app.command
def apply(*, passwords: Path | None = None) -> None:
    """Create the topics that are missing, correct their settings and, with a folder of passwords, users and grants.

    Speaks to the cluster that BLEIBE_BOOTSTRAP_SERVERS names, as BLEIBE_KAFKA_USER, who must be an administrator there. May be
    repeated; a changed password file changes the password. Grants and users of ours that the
    catalogue does not name any more are taken away; what belongs to others on the same cluster is listed and left.

    Example: bleibe cluster apply --passwords deploy/secrets/kafka

    Args:
        passwords: a folder with a file for each user; one that is missing is made up and written.
    """
    run(_apply(passwords))


async def _apply(passwords: Path | None) -> None:
    clients = named_kafka().kafka_clients()
    city = target_city()
    try:
        refused = await _apply_topics(clients, city)
        if passwords is not None:
            await _apply_access(clients, city, passwords)
    except SecurityDisabled:
        fail("This cluster asks nobody for a name: set authorizer.class.name and a SASL listener on its brokers first.")
    except KafkaError as error:
        fail(f"The cluster refused ({type(error).__name__}). Sign in as an administrator, and see that all brokers run.", 3)
    if refused:
        fail(refused, 3)


async def _apply_topics(clients: Mapping[str, Any], city: City) -> str:
    """What the cluster refused, and why: no reason to leave somebody a grant that is to be taken away."""
    try:
        print(f"{await apply_topics(clients, specs(city))} topics")
    except SettingsRefusedError as refused:
        return str(refused)
    return ""


async def _apply_access(clients: Mapping[str, Any], city: City, passwords: Path) -> None:
    done = await apply_access(clients, grants(city), passwords_in(passwords, principals(city)))
    print(f"{len(principals(city))} users, {len(done.given)} grants made, {len(done.taken)} taken away")
    for user in sorted(done.deleted):
        print(f"deleted, as it is in the catalogue no more: user {user}")
    for entry in sorted(done.foreign):
        print(f"left as it is, somebody else's: {describe(entry)}")
