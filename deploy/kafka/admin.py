"""What aiokafka's admin client cannot ask or say: grants (ACLs) and the passwords of users (SCRAM-SHA-512).

Kafka is told the salted password alone, never the password.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.admin import DescribeAclsRequest

from deploy.kafka.requests import Alteration, Creation, Deletion, Users
from deploy.kafka.wanted import Grant, Kind, Operation

ANY, ALLOW, LITERAL = 1, 3, 3
KINDS = {Kind.TOPIC: 2, Kind.GROUP: 3}
OPERATIONS = {Operation.READ: 3, Operation.WRITE: 4}
SCRAM_SHA_512, ITERATIONS = 2, 8192

Acl = tuple[int, str, int, str, str, int, int]
"""Kind, name, pattern, principal, host, operation, permission, as Kafka numbers them."""


@contextlib.asynccontextmanager
async def administrating(clients: Mapping[str, Any]) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client with aiokafka's connection settings. Raises KafkaError where the cluster cannot be reached."""
    admin = AIOKafkaAdminClient(**clients)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


def acl(grant: Grant) -> Acl:
    """A grant as Kafka numbers it."""
    return KINDS[grant.kind], grant.name, LITERAL, f"User:{grant.principal}", "*", OPERATIONS[grant.operation], ALLOW


async def acls(admin: AIOKafkaAdminClient) -> set[Acl]:
    """All that the cluster grants or denies. Raises SecurityDisabled where it asks nobody for a name."""
    answer = await admin._send_request(DescribeAclsRequest(ANY, None, ANY, None, None, ANY, ANY))  # noqa: SLF001  no public way
    _raise(answer.error_code, answer.error_message)
    return {(kind, name, pattern, *one) for kind, name, pattern, found in answer.resources for one in found}


async def allow(admin: AIOKafkaAdminClient, new: Collection[Acl]) -> None:
    """Create these."""
    answer = await admin._send_request(Creation(sorted(new)))  # noqa: SLF001  no public way
    for code, message in answer.creation_responses:
        _raise(code, message)


async def withdraw(admin: AIOKafkaAdminClient, old: Collection[Acl]) -> None:
    """Delete these."""
    answer = await admin._send_request(Deletion(sorted(old)))  # noqa: SLF001  no public way
    for code, message, _ in answer.filter_responses:
        _raise(code, message)


async def set_passwords(admin: AIOKafkaAdminClient, passwords: Mapping[str, str]) -> None:
    """Let these users sign in, by name, with these passwords and no others."""
    rows: list[tuple[Any, ...]] = []
    for user, password in passwords.items():
        salt = os.urandom(32)
        salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
        rows.append((user, SCRAM_SHA_512, ITERATIONS, salt, salted, {}))
    answer = await admin._send_request(Alteration([], rows))  # noqa: SLF001  no public way
    for _, code, message, _ in answer.results:
        _raise(code, message)


async def delete_users(admin: AIOKafkaAdminClient, old: Collection[str]) -> None:
    """Let these users sign in no more."""
    answer = await admin._send_request(Alteration([(user, SCRAM_SHA_512, {}) for user in sorted(old)], []))  # noqa: SLF001  no public way
    for _, code, message, _ in answer.results:
        _raise(code, message)


async def users(admin: AIOKafkaAdminClient) -> set[str]:
    """All who can sign in."""
    answer = await admin._send_request(Users())  # noqa: SLF001  no public way
    _raise(answer.error_code, answer.error_message)
    return {user for user, *_ in answer.results}


def _raise(code: int, message: str | None) -> None:
    if (error := for_code(code)) is not NoError:
        raise error(message or "")
