"""The end of TLS in front of a PostgreSQL that was built without: what PostgreSQL answers to SSLRequest, then a relay."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from functools import partial

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""Length and code of the request, which comes before anything else."""


@contextlib.asynccontextmanager
async def in_front_of(behind: Callable[[], int | None], context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port of 127.0.0.1 where PostgreSQL speaks TLS alone; `behind` says on which it speaks in clear by then."""
    server = await asyncio.start_server(partial(_serve, behind, context), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _serve(
    behind: Callable[[], int | None], context: ssl.SSLContext, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        if await reader.readexactly(len(SSL_REQUEST)) != SSL_REQUEST:
            return
        writer.write(b"S")
        await writer.start_tls(context)
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", behind())
        try:
            await asyncio.gather(_relay(reader, behind_writer), _relay(behind_reader, writer))
        finally:
            behind_writer.close()
    except (OSError, asyncio.IncompleteReadError):  # the client does not like the certificate
        pass
    finally:
        writer.close()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(65_536):
        writer.write(some)
        await writer.drain()
    writer.close()
