"""Talks to Home Assistant the way a browser does: HTTP and WebSocket."""

from collections.abc import Mapping
import json
from types import TracebackType
from typing import Self

import aiohttp

from .errors import DemoError
from .jsons import Json


class HomeAssistantClient:
    """One signed-in user of one Home Assistant."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=60))
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._last_id = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._socket is not None:
            await self._socket.close()
        await self._session.close()

    async def answers(self) -> bool:
        """Tell whether the HTTP server is there."""
        try:
            async with self._session.get("/api/onboarding") as response:
                return response.ok
        except aiohttp.ClientError:
            return False

    async def get(self, path: str) -> Json:
        """Fetch a resource."""
        return await self._request("GET", path)

    async def post(self, path: str, body: Mapping[str, object]) -> Json:
        """Post JSON."""
        return await self._request("POST", path, body=body)

    async def post_form(self, path: str, fields: Mapping[str, str]) -> Json:
        """Post a form."""
        return await self._request("POST", path, fields=fields)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, object] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Json:
        async with self._session.request(method, path, json=body, data=fields) as response:
            text = await response.text()
            if not response.ok:
                raise DemoError(f"Home Assistant answered {response.status} to {path}: {text}")
        result: Json = json.loads(text)
        return result

    async def sign_in(self, access_token: str) -> None:
        """Use this token from now on, and open the WebSocket with it."""
        self._session.headers["Authorization"] = f"Bearer {access_token}"
        self._socket = await self._session.ws_connect("/api/websocket", max_msg_size=0)
        await self._socket.receive_json()  # auth_required
        await self._socket.send_json({"type": "auth", "access_token": access_token})
        answer = await self._socket.receive_json()
        if answer["type"] != "auth_ok":
            raise DemoError(f"Home Assistant refused the WebSocket: {answer}")

    async def command(self, command: str, **arguments: object) -> Json:
        """Send a WebSocket command and return its result."""
        if self._socket is None:
            raise DemoError("Not signed in.")
        self._last_id += 1
        await self._socket.send_json({"id": self._last_id, "type": command, **arguments})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == self._last_id:
                break
        if not message["success"]:
            raise DemoError(f"{command} failed: {message['error']}")
        result: Json = message["result"]
        return result
