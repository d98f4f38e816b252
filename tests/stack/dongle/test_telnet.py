"""Telnet around a serial port: FF in data, commands cut anywhere, servers that refuse."""

import asyncio
from collections.abc import Awaitable, Callable
import socket

from hypothesis import given, strategies as st
import pytest

from custom_components.wisun_route_b.stack import errors, serial_connector
from custom_components.wisun_route_b.stack.dongle import network
from custom_components.wisun_route_b.stack.dongle.port import Port, PortEvent
from custom_components.wisun_route_b.stack.dongle.telnet import TelnetDecoder

pytestmark = pytest.mark.usefixtures("socket_enabled")

_WILL_BINARY, _DO_BINARY, _DO_COM_PORT = b"\xff\xfb\x00", b"\xff\xfd\x00", b"\xff\xfd\x2c"
_ACCEPTED = _WILL_BINARY + _DO_BINARY + _DO_COM_PORT
_MODEM_STATE = b"\xff\xfa\x2c\x6b\xff\xff\xff\xf0"

type Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _Host:
    def __init__(self) -> None:
        self.heard = asyncio.Queue[bytes]()

    def __call__(self, event: PortEvent) -> None:
        if isinstance(event, bytes):
            self.heard.put_nowait(event)
        else:
            self.heard.put_nowait(b"")


@given(
    st.lists(st.one_of(st.binary(), st.sampled_from([_ACCEPTED, _MODEM_STATE, b"\xff\xf1"]))),
    st.integers(min_value=1, max_value=7),
)
def test_data_come_out_as_they_were_wherever_the_stream_is_cut(
    parts: list[bytes], size: int
) -> None:
    commands = (_ACCEPTED, _MODEM_STATE, b"\xff\xf1")
    stream = b"".join(
        part if part in commands else part.replace(b"\xff", b"\xff\xff") for part in parts
    )
    expected = b"".join(part for part in parts if part not in commands)
    decoder = TelnetDecoder(lambda _command, _option: None)
    pieces = (stream[at : at + size] for at in range(0, len(stream), size))
    assert b"".join(map(decoder.decode, pieces)) == expected


async def _open(serve: Serve) -> tuple[Port, _Host, asyncio.Server]:
    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    host = _Host()
    port = Port(host)
    number = server.sockets[0].getsockname()[1]
    try:
        await port.open(serial_connector(f"rfc2217://127.0.0.1:{number}"))
    except BaseException:
        server.close()
        raise
    return port, host, server


async def test_every_byte_goes_both_ways_and_the_line_is_set_up() -> None:
    every, arrived = bytes(range(256)), asyncio.Queue[bytes]()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\xff\xfb\x01\xff\xfd\x1f" + _ACCEPTED)  # WILL ECHO, DO window size
        settings = await reader.readuntil(b"\x05\x01\xff\xf0")
        arrived.put_nowait(settings)
        sent = await reader.readexactly(257)
        arrived.put_nowait(sent)
        writer.write(_MODEM_STATE + sent)
        await reader.read()

    port, host, server = await _open(echo)
    port.write(every)
    received = b""
    while len(received) < len(every):
        received += await host.heard.get()
    await port.close()
    server.close()

    assert received == every
    settings = await arrived.get()
    assert b"\xff\xfa\x2c\x01\x00\x01\xc2\x00\xff\xf0" in settings  # SET-BAUDRATE 115200
    assert b"\xff\xfe\x01" in settings  # DONT ECHO
    assert b"\xff\xfc\x1f" in settings  # WONT window size
    assert await arrived.get() == every + b"\xff"


async def test_server_without_the_com_port_option_is_a_port_whose_line_is_set_up_there() -> None:
    arrived = asyncio.Queue[bytes]()

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_WILL_BINARY + _DO_BINARY + b"\xff\xfe\x2c")
        arrived.put_nowait(await reader.readuntil(b"SKVER\r\n"))

    port, _, server = await _open(plain)
    port.write(b"SKVER\r\n")
    assert b"\xff\xfa" not in await arrived.get()
    await port.close()
    server.close()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (_WILL_BINARY + b"\xff\xfe\x00", errors.PortUnreachableError),
        (b"", errors.PortUnreachableError),
        (b"\xff\xfb\x03Port already in use\r\n", errors.PortBusyError),
    ],
    ids=["not binary", "hangs up", "in use"],
)
async def test_server_that_does_not_let_us_in_says_why(said: bytes, error: type[Exception]) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await reader.readexactly(15)

    with pytest.raises(error):
        await _open(refuse)


async def test_server_that_sends_commands_without_an_end_is_a_port_lost() -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(_ACCEPTED)
        await reader.readuntil(b"\x05\x01\xff\xf0")
        while sent < 4_000_000 and not writer.is_closing():
            writer.write(b"\xff\xfd\x63" * 4096)
            sent += 12_288
            try:
                await writer.drain()
            except ConnectionError:
                return

    port, host, server = await _open(flood)
    assert await asyncio.wait_for(host.heard.get(), 20) == b""
    assert not port.is_open
    server.close()
    assert sent < 4_000_000


async def test_host_is_reached_although_its_first_addresses_lead_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_ACCEPTED)
        await reader.read()

    loop, resolve = asyncio.get_running_loop(), socket.getaddrinfo
    connect = loop.sock_connect

    def three(host: str, port: int, **choices: int) -> list[object]:
        found = list(resolve(host, port, **choices))
        dead = (*found[0][:4], ("127.0.0.2", port))
        unknown = (99, *found[0][1:])
        return [unknown, dead, *found]

    async def hang(connection: socket.socket, address: tuple[str, int]) -> None:
        if address[0] == "127.0.0.2":
            await asyncio.sleep(60)
        await connect(connection, address)

    monkeypatch.setattr(network, "_ADDRESS_TIMEOUT", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", three)
    monkeypatch.setattr(loop, "sock_connect", hang)

    port, _, server = await _open(plain)

    assert port.is_open
    await port.close()
    server.close()
