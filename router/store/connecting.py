"""From an address to a connection that is let in and whose server serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from router.store.address import Address
from router.store.wire import Wire, Word


async def open_wire(address: Address, resumed: Callable[[], None] = lambda: None, follows: bool = False) -> Wire:
    """Raises OSError, ConnectionLost, and ServerError: shut out, or the server still loads its file."""
    loop = asyncio.get_running_loop()
    wire = Wire(resumed, follows)
    if address.path:
        await loop.create_unix_connection(lambda: wire, address.path)
    else:
        host, port = address.hosts[0]
        await loop.create_connection(lambda: wire, host, port, ssl=address.ssl_context())
    try:
        greeting: list[tuple[Word, ...]] = [("CLIENT", "SETNAME", "vipline")]
        if address.password:
            greeting.insert(0, ("AUTH", *filter(None, (address.username, address.password))))
        if address.db:
            greeting.append(("SELECT", address.db))
        for command in (*greeting, ("PING",)):
            await wire.ask(command)
    except BaseException:
        wire.transport.abort()
        raise
    return wire
