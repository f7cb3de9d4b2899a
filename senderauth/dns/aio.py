"""Inside an asyncio program: requests become futures, works become tasks. The only file that loads asyncio.

The event loop itself is the client's reactor: `add_reader` with sockets of our own, drained until empty,
costs a quarter of asyncio's datagram transports, which read one message a turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from senderauth.dns.drive import Request


def running_loop() -> asyncio.AbstractEventLoop:
    """The loop that runs in this thread."""
    return asyncio.get_running_loop()


async def wait(request: Request) -> Any:
    """What `resume` will be called with. Who is cancelled meanwhile is not resumed."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def resume(value: Any) -> None:
        if not future.done():
            future.set_result(value)

    request(resume)
    return await future


async def sleep(seconds: float) -> None:
    """Lets time pass."""
    await asyncio.sleep(seconds)


async def gather(works: tuple[Coroutine[Any, Any, Any], ...]) -> list[Any]:
    """The results in order; on the first error, and when cancelled, no work is left behind."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
