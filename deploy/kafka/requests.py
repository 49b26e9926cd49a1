"""Requests of Kafka's protocol that aiokafka does not bring, or brings for one row alone: ACLs and SCRAM users."""

from __future__ import annotations

from typing import Any

from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, Schema, TaggedFields


class Creation(Request[CreateAclsRequest_v1]):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's own takes one grant a request."""

    API_KEY = 30

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self.rows = rows

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """As the client asks for it."""
        return request_struct_class(self.rows)


class Deletion(Request[DeleteAclsRequest_v1]):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's own takes one filter a request."""

    API_KEY = 31

    def __init__(self, rows: list[tuple[Any, ...]]) -> None:
        self.rows = rows

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """As the client asks for it."""
        return request_struct_class(self.rows)


_TEXT = CompactString("utf-8")
_TAGS = ("tags", TaggedFields)


class _UsersAnswer(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 50
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", _TEXT),
        (
            "results",
            CompactArray(
                ("user", _TEXT),
                ("error_code", Int16),
                ("error_message", _TEXT),
                ("credentials", CompactArray(("mechanism", Int8), ("iterations", Int32), _TAGS)),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class _UsersQuestion(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    FLEXIBLE_VERSION = True
    API_KEY = 50
    API_VERSION = 0
    RESPONSE_TYPE = _UsersAnswer
    SCHEMA = Schema(("users", CompactArray(("name", _TEXT), _TAGS)), _TAGS)


class Users(Request[_UsersQuestion]):  # type: ignore[misc]  # aiokafka has no types
    """DescribeUserScramCredentials, of all users."""

    API_KEY = 50

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """As the client asks for it."""
        return request_struct_class(None, {})


class _AlterationAnswer(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("results", CompactArray(("user", _TEXT), ("error_code", Int16), ("error_message", _TEXT), _TAGS)),
        _TAGS,
    )


class _AlterationQuestion(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    FLEXIBLE_VERSION = True
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = _AlterationAnswer
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", _TEXT), ("mechanism", Int8), _TAGS)),
        (
            "upsertions",
            CompactArray(
                ("name", _TEXT),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                _TAGS,
            ),
        ),
        _TAGS,
    )


class Alteration(Request[_AlterationQuestion]):  # type: ignore[misc]  # aiokafka has no types
    """AlterUserScramCredentials."""

    API_KEY = 51

    def __init__(self, deletions: list[tuple[Any, ...]], upsertions: list[tuple[Any, ...]]) -> None:
        self.rows = deletions, upsertions

    def build(self, request_struct_class: type[RequestStruct]) -> RequestStruct:
        """As the client asks for it."""
        return request_struct_class(*self.rows, {})
