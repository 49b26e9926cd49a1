"""A way to a server on this machine that can be cut and mended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

from deploy.local.ports import LOOPBACK


class Proxy:
    """Passes bytes on to a port. While cut, every connection is closed, new ones at once."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    def cut(self) -> None:
        """The server is away."""
        self._cut = True
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        """The server is back."""
        self._cut = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(LOOPBACK, self._target)
        self._open |= {writer, back}
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        self._open -= {writer, back}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@contextlib.asynccontextmanager
async def proxied(dsn: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before a database, and the database's address through it."""
    parts = urlsplit(dsn)
    assert parts.port is not None
    proxy = Proxy(parts.port)
    server = await asyncio.start_server(proxy.serve, LOOPBACK, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy, urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")))
    finally:
        proxy.cut()
        server.close()
        await server.wait_closed()
