"""A way to a server on this machine that can be cut, slowed down, swallow what it should pass on, and be mended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

from deploy.local.ports import LOOPBACK


class Proxy:
    """Passes bytes on to port `target`, each `delay_s` late. While cut, every connection is closed, new ones at once.

    `swallowed`: how many bytes never arrived.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay_s = 0.0
        self.port = 0
        self.swallowed = 0
        self._cut = False
        self._passing = asyncio.Event()
        self._passing.set()
        self._robbed: set[asyncio.StreamWriter] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """The server is away."""
        self._cut = True
        self._passing.set()
        self._stay_cut()

    def swallow(self) -> None:
        """Connections stay open and nothing comes through, neither bytes nor an end: nobody is told that the other is away."""
        self._passing.clear()

    def mend(self) -> None:
        """The server is back, and as fast as ever. A connection that lost something ends now: its rest would make no sense."""
        self._cut, self.delay_s = False, 0.0
        self._passing.set()
        for writer in self._robbed:
            writer.transport.abort()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def closed(self) -> None:
        """Cut for good, when every connection has ended."""
        self.cut()
        await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:  # the server is away indeed
            writer.transport.abort()
            return
        ways = {writer, back}
        self._open |= ways
        self._stay_cut()
        await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
        self._open -= ways
        self._robbed -= ways

    def _stay_cut(self) -> None:
        """Also for connections that were being made when it was cut."""
        if self._cut:
            for writer in self._open:
                writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if writer in self._robbed or not self._passing.is_set():
                    self.swallowed += len(data)
                    self._robbed.add(writer)
                    continue
                writer.write(data)
                await writer.drain()
        await self._passing.wait()
        writer.transport.abort()


@contextlib.asynccontextmanager
async def listening(target: int = 0) -> AsyncIterator[Proxy]:
    """A proxy on a port of its own; where it leads may be said later."""
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.serve, LOOPBACK, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await server.wait_closed()
        await proxy.closed()


def through(dsn: str, proxy: Proxy) -> str:
    """The database's address through the proxy."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{proxy.port}")))


@contextlib.asynccontextmanager
async def proxied(dsn: str) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy before a database, and the database's address through it."""
    port = urlsplit(dsn).port
    assert port is not None
    async with listening(port) as proxy:
        yield proxy, through(dsn, proxy)
