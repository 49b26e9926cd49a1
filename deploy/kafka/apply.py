"""Make a cluster what the catalogue asks for: topics and their settings, users, grants. May be repeated."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import NoError, for_code

from deploy.kafka.admin import Acl, acl, administrating, allow, delete_users, set_passwords, withdraw
from deploy.kafka.compare import Cluster, look
from deploy.kafka.ownership import foreign, former, surplus
from deploy.kafka.wanted import Grant
from shared.messaging.topics import TopicSpec, config_of, ensure_topics


class SettingsRefusedError(RuntimeError):
    """The cluster did not take some topics' settings; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Access:
    """What was changed: grants made and taken away, users deleted; and what is somebody else's."""

    given: Collection[Acl]
    taken: Collection[Acl]
    deleted: Collection[str]
    foreign: Collection[Acl]


async def apply_topics(clients: Mapping[str, Any], topics: Mapping[str, TopicSpec]) -> int:
    """Create what is missing and correct settings; how many topics there are. Partitions and copies stay as they are.

    Raises SettingsRefusedError.
    """
    async with administrating(clients) as admin:
        cluster = await look(admin)
        await ensure_topics(clients, list(topics.values()), cluster.copies)
        await _correct_settings(admin, cluster, topics)
    return len(topics)


async def _correct_settings(admin: AIOKafkaAdminClient, cluster: Cluster, topics: Mapping[str, TopicSpec]) -> None:
    wanted = {name: config_of(spec, cluster.copies) for name, spec in topics.items() if name in cluster.topics}
    wrong = {name: config for name, config in wanted.items() if not config.items() <= cluster.topics[name].config.items()}
    if wrong:
        answers = await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, configs=config) for name, config in wrong.items()]
        )
        rows = [row for answer in answers for row in answer.resources]
        if refused := [_refusal(name, code, message) for code, message, _, name in rows if for_code(code) is not NoError]:
            raise SettingsRefusedError("\n".join(refused))


def _refusal(topic: str, code: int, message: str | None) -> str:
    return f"the cluster refused the settings of topic {topic} ({for_code(code).__name__}): {message or 'it does not say why'}"


async def apply_access(clients: Mapping[str, Any], grants: Collection[Grant], passwords: Mapping[str, str]) -> Access:
    """Set every principal's password, grant what is missing, take away what is ours and in the catalogue no more.

    Raises SecurityDisabled where the cluster asks nobody for a name.
    """
    async with administrating(clients) as admin:
        cluster = await look(admin)
        seen = set(cluster.grants or ())
        await set_passwords(admin, passwords)
        if missing := {acl(grant) for grant in grants} - seen:
            await allow(admin, missing)
        # users before grants: by its grants a former user of ours is known
        if stale := former(seen, passwords) & set(cluster.users or ()):
            await delete_users(admin, stale)
        if extra := surplus(seen, grants, passwords):
            await withdraw(admin, extra)
    return Access(missing, extra, stale, foreign(seen, grants, passwords))


def passwords_in(folder: Path, principals: Collection[str]) -> dict[str, str]:
    """Each principal's password, from the file of that name; made up and written, for its owner alone, where there is none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {each: _password(folder / each) for each in principals}


def _password(file: Path) -> str:
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as new:
            new.write(secrets.token_urlsafe(24))
    password = file.read_text().strip()
    if not password:
        raise ValueError(f"{file} is empty: delete it, and another password is made up")
    return password
