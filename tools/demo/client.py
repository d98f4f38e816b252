"""A client of Home Assistant, by HTTP and WebSocket as a browser."""

from collections.abc import Mapping
import json
from types import TracebackType
from typing import Final, Self

import aiohttp

from .errors import DemoError, NoAnswerError, RefusedError
from .jsons import Json, JsonObject, as_object

#: Seconds for an answer. Home Assistant takes long on a machine that does much else at its start.
_TIMEOUT_S: Final = 180.0


class HomeAssistantClient:
    """One signed-in user of one Home Assistant."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        self._token = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def answers(self) -> bool:
        """Return whether the HTTP server is there."""
        try:
            async with self._session.get("/manifest.json") as response:
                return response.ok
        except aiohttp.ClientError, TimeoutError:
            return False

    async def get(self, path: str) -> Json:
        """Fetch a resource."""
        return await self._request("GET", path)

    async def post(self, path: str, body: Mapping[str, object]) -> Json:
        """Post JSON."""
        return await self._request("POST", path, body=body)

    async def delete(self, path: str) -> Json:
        """Delete a resource."""
        return await self._request("DELETE", path)

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
        try:
            async with self._session.request(method, path, json=body, data=fields) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError) as err:
            raise NoAnswerError(f"Home Assistant does not answer: {err!r}") from err
        if not response.ok:
            raise RefusedError(
                f"Home Assistant answered {response.status} to {path}: {text}", response.status
            )
        result: Json = json.loads(text)
        return result

    def sign_in(self, access_token: str) -> None:
        """Use this token from now on."""
        self._token = access_token
        self._session.headers["Authorization"] = f"Bearer {access_token}"

    async def command(self, command: str, **arguments: object) -> Json:
        """Send a WebSocket command and return its result.

        Each has a connection of its own: an idle one is closed after a minute.
        """
        socket = await self._signed_in_socket()
        try:
            await socket.send_json({"id": 1, "type": command, **arguments})
            message = await _expect(socket, "result")
        finally:
            await socket.close()
        if not message["success"]:
            raise DemoError(f"{command} failed: {message['error']}")
        return message["result"]

    async def _signed_in_socket(self) -> aiohttp.ClientWebSocketResponse:
        """Connect and sign in, at the second attempt if Home Assistant hangs up at the first.

        It does so if its own start keeps it from a sign-in for ten seconds.
        """
        try:
            return await self._sign_in_socket()
        except aiohttp.WSMessageTypeError:
            return await self._sign_in_socket()

    async def _sign_in_socket(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self._session.ws_connect("/api/websocket", max_msg_size=0)
        try:
            await _expect(socket, "auth_required")
            await socket.send_json({"type": "auth", "access_token": self._token})
            await _expect(socket, "auth_ok")
        except BaseException:
            await socket.close()
            raise
        return socket


async def _expect(socket: aiohttp.ClientWebSocketResponse, kind: str) -> JsonObject:
    """Receive a message of a certain type."""
    message = as_object(await socket.receive_json())
    if message["type"] != kind:
        raise DemoError(f"Home Assistant said {message} instead of {kind}.")
    return message
