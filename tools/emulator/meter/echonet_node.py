"""The meter as an ECHONET Lite node: which service gets which answer."""

from collections.abc import Callable
from datetime import datetime

from .echonet import (
    CONTROLLER,
    METER,
    NODE_PROFILE,
    Frame,
    Properties,
    Service,
    decode,
    property_map,
)
from .meter import Meter

_INSTANCE_LIST = b"\x01" + METER
#: What the node profile can be asked; D5 is announced after each join.
_PROFILE_READABLE = frozenset(bytes.fromhex("80 82 83 8A 9D 9E 9F D3 D4 D5 D6 D7"))

type Getter = Callable[[int], bytes | None]


class EchonetNode:
    """Answers datagrams. Requests to objects that do not exist are not answered."""

    def __init__(self, meter: Meter) -> None:
        """Put the meter into a node."""
        self._meter = meter

    def answer(self, data: bytes, now: datetime) -> bytes | None:
        """Return the answer to a datagram, None for silence."""
        request = decode(data)
        if request is None or not request.properties:
            return None
        if request.destination == METER:
            answer = self._serve(request, lambda epc: self._meter.get(epc, now))
        elif request.destination == NODE_PROFILE:
            answer = self._serve(request, self._profile)
        else:
            answer = None
        if answer is None:
            return None
        service, properties = answer
        return Frame(request.tid, request.destination, request.source, service, properties).encode()

    def _serve(self, request: Frame, get: Getter) -> tuple[Service, Properties] | None:
        match request.service:
            case Service.GET:
                return self._read(request.properties, get, Service.GET_RES, Service.GET_SNA)
            case Service.INF_REQ:
                return self._read(request.properties, get, Service.INF, Service.INF_SNA)
            case Service.SET_C:
                return self._write(request, Service.SET_RES, Service.SET_C_SNA)
            case Service.SET_I:
                answer = self._write(request, Service.SET_RES, Service.SET_I_SNA)
                return answer if answer[0] == Service.SET_I_SNA else None
            case _:
                return None

    def _read(
        self, asked: Properties, get: Getter, good: Service, bad: Service
    ) -> tuple[Service, Properties]:
        """Answer what is possible; a refused property has no data, and one is enough for 5x."""
        first = asked[: self._meter.model.most_properties]
        values = [(epc, get(epc)) for epc, _ in first]
        complete = len(first) == len(asked) and all(edt is not None for _, edt in values)
        return good if complete else bad, tuple((epc, edt or b"") for epc, edt in values)

    def _write(self, request: Frame, good: Service, bad: Service) -> tuple[Service, Properties]:
        """Take what can be; a refused property comes back with its data, unlike in a Get."""
        is_meter = request.destination == METER
        taken = [is_meter and self._meter.set(epc, edt) for epc, edt in request.properties]
        answer = (
            (epc, b"" if accepted else edt)
            for accepted, (epc, edt) in zip(taken, request.properties, strict=True)
        )
        return good if all(taken) else bad, tuple(answer)

    def _profile(self, epc: int) -> bytes | None:
        meter = self._meter
        values = {
            0x80: b"\x30",
            0x82: bytes.fromhex("010E0100"),
            0x83: b"\xfe" + meter.model.manufacturer + meter.unique,
            0x8A: meter.model.manufacturer,
            0x9D: property_map(frozenset((0x80, 0xD5))),
            0x9E: property_map(frozenset()),
            0x9F: property_map(_PROFILE_READABLE),
            0xD3: b"\x00\x00\x01",
            0xD4: b"\x00\x02",
            0xD5: _INSTANCE_LIST,
            0xD6: _INSTANCE_LIST,
            0xD7: b"\x01" + METER[:2],
        }
        return values.get(epc)


def instance_list() -> bytes:
    """Return what a meter announces after a join: D5, with TID 0000 as most meters do."""
    announced = ((0xD5, _INSTANCE_LIST),)
    return Frame(0, NODE_PROFILE, NODE_PROFILE, Service.INF, announced).encode()


def push(meter: Meter, now: datetime, tid: int, service: Service) -> bytes:
    """Return the half-hourly announcement: EA, and EB if the meter counts both ways."""
    properties: list[tuple[int, bytes]] = [(0xEA, meter.fixed_time(now, reverse=False))]
    if meter.model.counts_reverse:
        properties.append((0xEB, meter.fixed_time(now, reverse=True)))
    return Frame(tid, METER, CONTROLLER, service, tuple(properties)).encode()
