"""No `repr` of ours shows what may be a secret: others log it.

The recorder logs its tasks, asyncio its futures, a traceback the arguments of an exception. So
every text and every collection that a `repr` shows is named here, with what it can hold.
"""

from collections.abc import Iterator
import dataclasses
import enum
import importlib
import inspect
import pkgutil
import re
from types import ModuleType
from typing import override

from homeassistant.helpers.entity import EntityDescription
import pytest

import custom_components.wisun_route_b as package

#: Whose values are written down elsewhere and identify no household: numbers, moments, choices.
_HARMLESS = re.compile(
    r"^(None|NoneType|bool|int|float|Decimal|date|datetime|timedelta|time|tuple|frozenset|set"
    r"|Container|ESV|Future)$"
)
#: "module.Class.field" of every other shown value, and what it holds.
_REVIEWED = {
    "billing.past_costs.PastCosts.price_entity": "the user's name of an entity, or its id in the registry",
    "billing.tracker.TrackedMeter.identity": "a hash",
    "billing.tracker.TrackedMeter.live": "a function",
    "billing.tracker.TrackedMeter.meter": "no values: its own repr is that of any object",
    "billing.tracker.TrackedMeter.past": "no values: its own repr is that of any object",
    "billing.tracker.TrackedMeter.recent": "no values: its own repr is that of any object",
    "history.day_import._Run.reports": "names of our sensors, swept by themselves",
    "history.day_import._Run.stuck": "names of our sensors",
    "history.store.ImportTotals.energy": "names of our sensors, kWh",
    "takeover.statistics_migration._CarryOver.register": "a register and its unit",
    "history.corrections._Settled.skipped": "moments and reasons",
    "history.corrections._Settled.wanted": "moments and rows",
    "history.statistics.Snapshot.unit": "a unit",
    "history.statistics.Writing.five_minutes": "numbers of rows and sums",
    "demand.peaks.Peaks.months": "days, and sizes of half-hours",
    "entry_data.StoredMeter.dongle_kind": "the name of a protocol",
    "entry_data.StoredMeter.identity": "a hash",
    "flow.last_page.LastPage.description": "a key of a translation",
    "flow.last_page.LastPage.description_placeholders": "the signal strength",
    "flow.sign_in.SignInRequest.form": "a step of the dialog",
    "history.cost_source.EntityPrice.entity_id": "the user's name of an entity, in the user's own log",
    "history.cost_source.EntityPrice.unit": "a unit",
    "history.cost_source.CostSource.currency": "a currency",
    "history.cost_source.CostSource.price": "one of three classes, swept by themselves",
    "history.cost_source.CostSource.entity_id": "an entity of the Energy dashboard",
    "history.cost_statistics.CostSnapshot.rows": "hours and costs",
    "history.sensor_hours.Request.costs": "keys of our sensors",
    "history.sensor_hours.Comparison.costs": "keys of our sensors",
    "history.attempts.Attempt.obstacles": "names of our sensors, enum",
    "history.attempts.Attempt.outcome": "one of our words",
    "history.attempts.Attempt.purpose": "one of our words",
    "history.register.Register.readings": "moments and registers",
    "serial_port.listing.ListedPort.model": "USB vendor and product id",
    "history.sensor_hours.Request.asked": "moments",
    "history.sensor_hours.Request.entities": "names of our sensors, our own entity ids",
    "history.sensor_hours.Request.known": "moments and registers",
    "history.sensor_hours.Request.orders": "names of our sensors, swept by themselves",
    "history.plan.Plan.skipped": "moments and reasons",
    "history.plan.History.rows": "moments and rows",
    "history.statistics.Snapshot.metadata": "our own statistic id, units",
    "history.sensor_hours.SensorHours.key": "one of two names",
    "history.sensor_hours.Comparison.cases": "swept by themselves",
    "history.sensor_hours.Comparison.obstacles": "enum",
    "history.sensor_hours.Comparison.plans": "swept by themselves",
    "history.report.SensorReport.skipped": "moments and reasons",
    "history.report.BackfillReport.sensors": "swept by themselves",
    "takeover.stored_rows.StoredSensor.unit": "a unit",
    "stack.j11.commands.Command.answer": "a type of message",
    "stack.j11.commands.Command.summary": "masked",
    "stack.j11.messages.Connections.peers": "swept by themselves",
    "stack.j11.messages.Response.answer": "a message, swept by itself",
    "stack.dongle.skstack_commander._Exchange.answers": "messages, swept by themselves",
    "stack.dongle.scan_passes.ScanPass.channels": "numbers of channels",
    "stack.dongle.dongle.SessionLost.reason": "words of our own",
    "stack.dongle.dongle.DongleIdentity.protocol": "a protocol's name",
    "stack.dongle.dongle.DongleIdentity.version": "firmware",
    "stack.dongle.dongle.DongleIdentity.app_version": "firmware",
    "stack.trace.line_log.LoggedLine.text": "masked before it is logged",
    "stack.controller.property_reader._Collected.values": "property codes; values are swept by themselves",
    "stack.controller.property_reader._Collected.reasons": "words of our own errors",
    "stack.meter.report.ReadReport.values": "property codes; values are swept by themselves",
    "stack.meter.report.ReadReport.reasons": "words of our own errors",
    "stack.controller.requester._Extension.deadline": "a timer",
    "stack.meter.properties.MeterProperty.name": "a table of the specification",
    "stack.meter.properties.MeterProperty.access": "a table of the specification",
    "stack.meter.properties.MeterProperty.unit": "a table of the specification",
    "stack.meter.properties.MeterProperty.first_release": "a table of the specification",
    "stack.meter.properties.MeterProperty.source": "a table of the specification",
    "stack.meter.codecs.Codec.read": "a function",
    "stack.meter.codecs.Codec.write": "a function",
    "stack.meter.schedule.Group.properties": "rows of the table of properties",
    "stack.meter.properties.MeterProperty.codec": "functions",
    "stack.skstack.parser.Parsed.content": "a message, swept by itself",
    "stack.skstack.parser._Rule.form": "a pattern",
    "stack.skstack.parser._Rule.read": "a function",
    "stack.meter.readings.Identification.manufacturer": "three bytes of a public list",
    "stack.meter.readings.InstallationLocation.place": "a place in a house, from a table",
    "stack.meter.readings.StandardVersion.release": "a letter",
    "stack.skstack.commands.Command.name": "without arguments",
    "stack.skstack.commands.Command.summary": "masked",
    "stack.skstack.commands.Command.answer": "a type of message",
    "stack.skstack.messages.Ok.value": "two digits of ROPT",
    "stack.skstack.messages.Version.text": "firmware",
    "stack.skstack.messages.AppVersion.text": "firmware",
}
#: Classes with a `repr` of their own, and what it shows.
_OWN = {
    "history.recorder_task._Call": "its purpose, which holds no data",
    "stack.skstack.parser.Parsed": "the message, which is swept by itself",
}


class _Value:
    """Stands for a value; its text cannot come from anywhere else."""

    def __init__(self, name: str) -> None:
        self._text = f"<{name}>"

    @override
    def __repr__(self) -> str:
        return self._text


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def _classes() -> Iterator[type]:
    for module in _modules():
        for found in vars(module).values():
            if inspect.isclass(found) and found.__module__ == module.__name__:
                yield found


def _name(found: type) -> str:
    return f"{found.__module__.removeprefix(package.__name__ + '.')}.{found.__qualname__}"


def _fields(found: type) -> dict[str, object]:
    """Return the fields of a data class or a named tuple, with their types."""
    if dataclasses.is_dataclass(found):
        return {field.name: field.type for field in dataclasses.fields(found)}
    names = getattr(found, "_fields", ()) if issubclass(found, tuple) else ()
    types = inspect.get_annotations(found) if names else {}
    return {name: types.get(name) for name in names}


def _is_harmless(kind: object) -> bool:
    """Return whether a value of this type is a number, a moment, a choice, or swept by itself."""
    text = kind if isinstance(kind, str) else inspect.formatannotation(kind)
    words = re.findall(r"[A-Za-z_][\w.]*", text)
    return all(_is_harmless_word(word.rpartition(".")[2]) for word in words)


def _is_harmless_word(word: str) -> bool:
    ours = {found.__name__: found for found in _classes()}
    if (found := ours.get(word)) is not None:
        return issubclass(found, enum.Enum | Exception) or bool(_fields(found))
    return _HARMLESS.match(word) is not None


def _shown(found: type) -> Iterator[str]:
    """Yield the fields that the `repr` of an instance really shows."""
    fields = _fields(found)
    values = {name: _Value(name) for name in fields}
    if dataclasses.is_dataclass(found):
        made: object = object.__new__(found)
        for name, value in values.items():
            object.__setattr__(made, name, value)
    else:
        made = tuple.__new__(found, values.values())
    text = repr(made)
    yield from (name for name in fields if f"<{name}>" in text)


SWEPT = [
    found
    for found in _classes()
    # Descriptions of entities are constants of ours.
    if _fields(found) and not issubclass(found, EntityDescription)
]


def test_the_sweep_finds_the_classes() -> None:
    assert len(SWEPT) > 50


@pytest.mark.parametrize("found", SWEPT, ids=_name)
def test_every_text_that_a_repr_shows_is_known_to_be_harmless(found: type) -> None:
    types = _fields(found)
    shown = {
        f"{_name(found)}.{name}": types[name]
        for name in _shown(found)
        if not _is_harmless(types[name])
    }

    assert {name: kind for name, kind in shown.items() if name not in _REVIEWED} == {}


def test_every_repr_of_our_own_making_is_known_to_be_harmless() -> None:
    written = {
        _name(found)
        for found in _classes()
        if inspect.isfunction(made := vars(found).get("__repr__"))
        and made.__code__.co_filename == inspect.getsourcefile(found)
    }

    assert written <= _OWN.keys()
