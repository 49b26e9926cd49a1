"""Starting, awaiting and ending the child processes of a test."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

ROOT = Path(__file__).parents[3]


@contextlib.asynccontextmanager
async def child(*args: object) -> AsyncIterator[Process]:
    """A child process, which does not outlive the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contract.messaging.child", *map(str, args), cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ended(process: Process, within_s: float = 30) -> int:
    """Its exit status, once it has ended by itself or by a signal sent."""
    return await asyncio.wait_for(process.wait(), within_s)
