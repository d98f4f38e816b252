"""The demo's client of Home Assistant."""

from aiohttp import web
from aiohttp.test_utils import TestServer
import pytest

from tools.demo.client import HomeAssistantClient


class _BusyHomeAssistant:
    """Hangs up at the first sign-ins, as Home Assistant does when its start takes too long."""

    def __init__(self, hang_ups: int) -> None:
        self._hang_ups = hang_ups

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "auth_required"})
        await socket.receive_json()
        if self._hang_ups:
            self._hang_ups -= 1
            await socket.close()
            return socket
        await socket.send_json({"type": "auth_ok"})
        asked = await socket.receive_json()
        await socket.send_json(
            {"id": asked["id"], "type": "result", "success": True, "result": asked["type"]}
        )
        return socket


@pytest.mark.usefixtures("socket_enabled")
@pytest.mark.parametrize("hang_ups", [0, 1])
async def test_sign_in_is_repeated_when_home_assistant_hangs_up(hang_ups: int) -> None:
    app = web.Application()
    app.router.add_get("/api/websocket", _BusyHomeAssistant(hang_ups).serve)
    async with (
        TestServer(app) as server,
        HomeAssistantClient(str(server.make_url("/"))) as client,
    ):
        assert await client.command("config/core/update") == "config/core/update"
