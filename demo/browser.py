"""Drives a headless Chromium over its DevTools protocol, for pictures of the demo."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import shutil
import tempfile
import time
from typing import Final

import aiohttp

from .errors import DemoError
from .jsons import Json, JsonObject, as_object, as_objects, as_text
from .process import Program
from .waiting import wait_until

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
_START_TIMEOUT: Final = 30.0
_STOP_PATIENCE: Final = 5.0
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # some pages, all of them our own; as root there is no other way
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0

    async def command(self, method: str, **parameters: object) -> JsonObject:
        """Send a command of the DevTools protocol and return its result."""
        self._last_id += 1
        await self._socket.send_json({"id": self._last_id, "method": method, "params": parameters})
        while True:
            message = as_object(await self._socket.receive_json())
            if message.get("id") == self._last_id:
                break
        if "error" in message:
            raise DemoError(f"{method} failed: {message['error']}")
        return as_object(message["result"])

    async def evaluate(self, script: str) -> Json:
        """Run JavaScript and return what it comes to."""
        result = await self.command(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            raise DemoError(f"In the page: {result['exceptionDetails']}")
        return as_object(result["result"]).get("value")

    async def open(self, url: str) -> None:
        """Go to an address. The page builds itself after that."""
        await self.command("Page.navigate", url=url)

    async def set_size(self, width: int, height: int, scale: float = 1) -> None:
        """Choose the size of the window in CSS pixels."""
        await self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    async def sign_in(self, url: str, tokens: JsonObject) -> None:
        """Let the frontend of Home Assistant find itself signed in."""
        expires = round((time.time() + 1800) * 1000)
        stored = json.dumps(
            {
                **tokens,
                "hassUrl": url,
                "clientId": f"{url}/",
                "expires": expires,
                "expires_in": 1800,
            }
        )
        await self.command("Page.enable")
        await self.command(
            "Page.addScriptToEvaluateOnNewDocument",
            source=f"localStorage.setItem('hassTokens', {json.dumps(stored)})",
        )

    async def save_picture(self, path: Path) -> None:
        """Write what is seen as a PNG."""
        result = await self.command("Page.captureScreenshot", format="png")
        data = base64.b64decode(as_text(result["data"]))
        await asyncio.to_thread(path.write_bytes, data)


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """Run Chromium with an empty profile.

    Raises:
        DemoError: It is not installed.
    """
    chromium = next(filter(None, map(shutil.which, _NAMES)), None)
    if chromium is None:
        raise DemoError("There is no Chromium on this machine (Debian: apt-get install chromium).")
    with tempfile.TemporaryDirectory(prefix="wisun_route_b-") as name:
        folder = Path(name)
        program = await Program.start(
            "Chromium",
            [chromium, *_FLAGS, f"--user-data-dir={folder / 'profile'}"],
            folder=folder,
            output=folder / "output.txt",
        )
        try:
            port_file = folder / "profile" / "DevToolsActivePort"

            async def ready() -> bool:
                return await asyncio.to_thread(
                    lambda: port_file.exists() and port_file.read_text() != ""
                )

            await wait_until(ready, _START_TIMEOUT, "Chromium's start")
            port = (await asyncio.to_thread(port_file.read_text)).split()[0]
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as response:
                    targets = as_objects(await response.json())
                target = next(item for item in targets if item["type"] == "page")
                address = as_text(target["webSocketDebuggerUrl"])
                async with session.ws_connect(address, max_msg_size=0) as socket:
                    yield Page(socket)
        finally:
            _ = await program.stop(_STOP_PATIENCE)
