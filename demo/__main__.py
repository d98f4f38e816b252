"""Entry point of `scripts/demo`."""

import asyncio
import json
import sys

from . import dongle, onboarding
from .check import check
from .errors import DemoError
from .options import Command, parse
from .stage import Stage, perform, say


async def _show(stage: Stage, *, fresh: bool) -> None:
    """Tell the person where to look, and wait for Ctrl-C."""
    if not fresh:
        await stage.set_up()
    say(f"""
  Open             {stage.home_assistant.url}
  User, password   {onboarding.USERNAME}, {onboarding.PASSWORD}
  Log              {stage.configuration.log}
  Make it fail     echo unplug | nc -UN {dongle.control_door(stage.configuration.dongle)}
                   and then replug, end_session, lose_meter, return_meter, mute_dongle, heal, ...
""")
    if fresh:
        say(f"""\
  Now go to Settings > Devices & services > Add integration > Wi-SUN Route B and give it

  Serial port      {stage.configuration.dongle}   (choose "Enter manually")
  Route-B ID       {dongle.ROUTE_B_ID}
  Password         {dongle.PASSWORD}
""")
    say("Ctrl-C ends the demo.")
    await asyncio.Event().wait()


async def _check(stage: Stage) -> bool:
    """Print every sensor; tell whether all is well."""
    shown, faults = await check(stage)
    result = {state.entity_id: state.as_dict() for state in shown.values()}
    print(json.dumps(result, indent=2, ensure_ascii=False))
    for fault in faults:
        say(f"wrong: {fault}")
    if not faults:
        say("Every sensor shows what the meter had, and the log has nothing to complain of.")
    return not faults


async def _run(command: Command) -> int:
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
