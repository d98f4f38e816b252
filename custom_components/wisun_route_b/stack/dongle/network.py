"""Serial ports in the network: raw TCP, and RFC 2217. Every call can be cancelled."""

import asyncio
from collections.abc import Callable
from functools import partial
import socket
from urllib.parse import urlsplit

from .port_thread import call_alone
from .telnet import Rfc2217Client

#: Seconds for an address of a host that has more: one of them may be unreachable (IPv6 at home).
_ADDRESS_TIMEOUT = 2.5

type Opened = tuple[asyncio.Transport, asyncio.Protocol]


async def open_socket(factory: Callable[[], asyncio.Protocol], url: str) -> Opened:
    """Connect to ``socket://host:port``; raise OSError, or ValueError for another form."""
    return await _connect(factory, url)


async def open_rfc2217(factory: Callable[[], asyncio.Protocol], url: str, baud_rate: int) -> Opened:
    """Connect to ``rfc2217://host:port`` and set up the line; raise OSError, ValueError, PortError."""
    transport, client = await _connect(lambda: Rfc2217Client(factory(), baud_rate), url)
    try:
        await client.ready
    except BaseException:
        transport.abort()
        raise
    return transport, client


async def _connect[P: asyncio.Protocol](
    factory: Callable[[], P], url: str
) -> tuple[asyncio.Transport, P]:
    """Try the addresses of a host one after the other; raise what the last one raised."""
    loop = asyncio.get_running_loop()
    host, port = _host_and_port(url)
    resolve = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    failure: OSError | None = None
    # The event loop would resolve names in its pool, in threads that cannot be stopped.
    addresses = await call_alone(url, resolve)
    for number, (family, *_, address) in enumerate(addresses, 1):
        try:
            connection = socket.socket(family, socket.SOCK_STREAM)
        except OSError as err:  # a kind of address that this machine does not know
            failure = err
            continue
        connection.settimeout(0.0)  # as the event loop requires
        try:
            async with asyncio.timeout(_ADDRESS_TIMEOUT if number < len(addresses) else None):
                await loop.sock_connect(connection, address)
            return await loop.create_connection(factory, sock=connection)
        except OSError as err:
            connection.close()
            failure = err
        except BaseException:
            connection.close()
            raise
    raise failure or OSError("The name has no address")


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if not parts.hostname or not parts.port:
        raise ValueError("The address has no host or no port")
    return parts.hostname, parts.port
