"""``record``: the conversation with dongle and meter in a file that can be shown around."""

import asyncio
from dataclasses import dataclass
import json
from pathlib import Path
from typing import ClassVar, TextIO, override

from custom_components.wisun_route_b.stack import (
    Connector,
    DongleIdentity,
    Progress,
    RouteBError,
    SmartMeter,
    Stage,
    identify,
)

from ..context import Command, Context, connected
from ..exit_codes import ExitCode, UsageError
from ..recorder import Recorder, recorded
from .identify import describe
from .read import offered

_MANIFEST = Path(__file__).parents[3] / "custom_components" / "wisun_route_b" / "manifest.json"


@dataclass(frozen=True, slots=True)
class Record(Command):
    """Connect, read everything once, listen on for ``listen`` seconds, and write it down.

    Without credentials only the dongle is asked who it is.
    """

    name: ClassVar = "record"
    file: Path
    listen: float = 0.0

    @override
    async def run(self, context: Context) -> ExitCode:
        with self._created() as file:
            recorder = await self._record(context, file)
        context.screen.result(
            {"file": str(self.file), "entries": recorder.entries},
            (
                f"{self.file}: {recorder.entries} lines of conversation.",
                "IDs, password and addresses are masked; energies and times are not.",
            ),
        )
        return ExitCode.OK

    def _created(self) -> TextIO:
        try:
            return self.file.open("x", encoding="ascii", newline="\n")
        except FileExistsError as err:
            raise UsageError(f"{self.file} exists already.") from err
        except OSError as err:
            raise UsageError(f"{self.file} cannot be written: {err.strerror}.") from err

    async def _record(self, context: Context, file: TextIO) -> Recorder:
        clock = asyncio.get_running_loop().time
        recorder = Recorder(file, context.credentials, clock, _source(context))
        connector = recorded(context.connector, recorder)
        device = "not identified"
        try:
            if context.credentials is None:
                context.screen.note("No credentials: only the dongle is asked who it is.")
                recorder.begin(_device(await identify(connector)), "what the dongle says it is")
            else:
                await self._everything(context, connector, recorder)
        except RouteBError as err:
            device += f" ({type(err).__name__})"
            recorder.remark(f"ended by {type(err).__name__}")
            context.screen.note(f"{self.file} holds the conversation until it failed.")
            raise
        finally:
            recorder.close(device)
        return recorder

    async def _everything(self, context: Context, connector: Connector, recorder: Recorder) -> None:
        def listen(meter: SmartMeter, progress: Progress) -> None:
            identified = progress.stage not in (Stage.OPENING, Stage.IDENTIFYING)
            if meter.dongle is not None and identified:
                recorder.begin(_device(meter.dongle), "a connection, and one read of everything")

        async with connected(context, connector, listen) as meter:
            recorder.remark("connected")
            context.screen.busy("Reading …")
            await meter.read(offered(meter.description))
            if self.listen:
                recorder.remark("listening")
                context.screen.busy(f"Listening for {self.listen:g} s …")
                try:
                    await asyncio.sleep(self.listen)
                except asyncio.CancelledError:
                    context.screen.wipe()  # Ctrl-C ends the listening, not the record
            recorder.remark("leaving")


def _source(context: Context) -> str:
    version = json.loads(_MANIFEST.read_text(encoding="utf-8"))["version"]
    return f"scripts/meter record, wisun_route_b {version}, {context.now():%Y-%m-%d}"


def _device(dongle: DongleIdentity) -> str:
    return describe(dongle)
