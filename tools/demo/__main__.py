"""Entry point of `scripts/demo`."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
import json
import sys

from . import dongle, kills, onboarding, outage
from .check import check
from .clock import can_be_set, shortly_before_statistics
from .errors import DemoError
from .options import Command, parse
from .stage import Stage, perform, say
from .watching import import_done


def _print_addresses(stage: Stage) -> None:
    say(f"""
  Open             {stage.home_assistant.url}
  User, password   {onboarding.USERNAME}, {onboarding.PASSWORD}
  Log              {stage.configuration.log}""")


async def _show(stage: Stage, *, fresh: bool) -> None:
    """Print the addresses, and wait for Ctrl-C."""
    entry_id = None if fresh else await stage.set_up()
    _print_addresses(stage)
    say(f"""\
  Make it fail     scripts/emulator-order {dongle.control_socket(stage.configuration.dongle)} unplug
                   and then replug, end_session, lose_meter, return_meter, mute_dongle, heal, ...
""")
    if stage.options.core:
        say(f"""\
  Now go to Settings > Devices & services > Add integration > Wi-SUN Route B, and take over the
  meter that Home Assistant's own integration reads on {stage.configuration.dongle}.
""")
    elif entry_id is None:
        say(f"""\
  Now go to Settings > Devices & services > Add integration > Wi-SUN Route B and give it

  Serial port      {stage.configuration.dongle}   (choose "Enter manually")
  Route-B ID       {dongle.ROUTE_B_ID}
  Password         {dongle.PASSWORD}
""")
    say("Ctrl-C ends the demo.")
    if entry_id is not None:
        await _watch_import(stage, entry_id)
    await asyncio.Event().wait()


async def _watch_import(stage: Stage, entry_id: str) -> None:
    """Print the progress of the Energy dashboard."""
    say("The days before come with the recorder's first statistics; about ten seconds each.")
    try:
        # The dongle may be unplugged meanwhile: no time limit.
        await import_done(stage.home_assistant, entry_id)
    except DemoError:
        return  # nor is it the end of the demo when the sign-in expires
    say(f"The Energy dashboard is filled: {stage.home_assistant.url}/energy/electricity")


async def _check(stage: Stage) -> bool:
    """Print every sensor; return whether all is well."""
    shown, faults = await check(stage)
    result = {state.entity_id: state.as_dict() for state in shown.values()}
    print(json.dumps(result, indent=2, ensure_ascii=False))
    for fault in faults:
        say(f"wrong: {fault}")
    if not faults:
        say("Every sensor shows what the meter had, and the log has nothing to complain of.")
    return not faults


async def _show_outage(stage: Stage, back: datetime) -> None:
    """Simulate an outage for a user at the browser."""
    _print_addresses(stage)
    played = await outage.play(stage, back, outage.until_enter)
    say(f"""
  AFTER   {played.repair["hours"]} hours were repaired. Look again: every hour has its own energy.
""")
    for fault in played.wrong:
        say(f"wrong: {fault}")
    say("Ctrl-C ends the demo.")
    await asyncio.Event().wait()


async def _check_outage(stage: Stage, back: datetime) -> bool:
    """Simulate an outage and print the result; return whether it is right."""
    born = stage.clock.now()
    played = await outage.play(stage, back)
    if not played.before:
        played.wrong.append("The outage has left nothing to repair.")
    played.wrong.extend(await outage.changes_of_other_sensor(stage, born, stage.clock.now()))
    print(json.dumps(played.as_dict(), indent=2))
    return not played.wrong


async def _run_outage(command: Command, length: timedelta) -> int:
    back = outage.back_again()
    clock = outage.clock_before(length, back)
    if command.check:
        options = replace(command.options, yaml=outage.OTHER_SENSOR)
        return 0 if await perform(options, lambda stage: _check_outage(stage, back), clock) else 1
    await perform(command.options, lambda stage: _show_outage(stage, back), clock)
    return 0


async def _kill(stage: Stage, count: int) -> bool:
    """Kill Home Assistant in imports and print the result; return whether it is right."""
    played = await kills.play(stage, count)
    print(json.dumps(played.as_dict(), indent=2))
    return not played.wrong


async def _run(command: Command) -> int:
    if (count := command.kills) is not None:
        options = replace(command.options, start_code=kills.HURRIED)
        clock = shortly_before_statistics(kills.LEAD) if can_be_set() else None
        return 0 if await perform(options, lambda stage: _kill(stage, count), clock) else 1
    if command.outage is not None:
        return await _run_outage(command, command.outage)
    if command.check:
        return 0 if await perform(command.options, _check) else 1
    await perform(command.options, lambda stage: _show(stage, fresh=command.fresh))
    return 0


def main() -> int:
    """Run the demo; return the exit status."""
    try:
        return asyncio.run(_run(parse()))
    except (DemoError, OSError) as err:
        say(f"demo: {err}")
        return 1


if __name__ == "__main__":
    sys.exit(main())
