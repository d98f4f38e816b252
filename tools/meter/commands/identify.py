"""``identify``: what is on the port."""

from dataclasses import dataclass
from typing import ClassVar, override

from custom_components.wisun_route_b.stack import DongleIdentity, errors, identify

from ..context import Command, Context
from ..exit_codes import ExitCode, failure_of


@dataclass(frozen=True, slots=True)
class Identify(Command):
    """Print within five seconds what is on the port. An unusable device is a result as well."""

    name: ClassVar = "identify"

    @override
    async def run(self, context: Context) -> ExitCode:
        context.screen.busy("Asking what is on the port …")
        try:
            dongle = await identify(context.connector)
        except (errors.PortError, errors.DongleError) as err:
            failure = failure_of(err)
            context.screen.result({"found": failure.key, "message": failure.text}, (failure.text,))
            return failure.code
        context.screen.result(
            {
                "found": "dongle",
                "protocol": dongle.protocol,
                "version": dongle.version,
                "app_version": dongle.app_version,
            },
            (f"A Wi-SUN dongle: {describe(dongle)}",),
        )
        return ExitCode.OK


def describe(dongle: DongleIdentity) -> str:
    """Return dialect and firmware in words."""
    application = f", application {dongle.app_version}" if dongle.app_version else ""
    return f"{dongle.protocol} stack, firmware {dongle.version}{application}"
