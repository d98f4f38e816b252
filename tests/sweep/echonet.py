"""What the sweep knows of ECHONET Lite frames, whichever protocol carries them."""

_GET_RES, _GET_SNA = 0x72, 0x52
#: Services with which a meter answers a request.
ANSWERS = (_GET_RES, _GET_SNA, 0x71, 0x51)
#: Where ESV stands in a frame, and where its property list begins.
ESV, OPC = 10, 11
_TID = slice(2, 4)


def describe(frame: bytes) -> str:
    """Return service and EPCs of an ECHONET Lite frame."""
    if len(frame) <= OPC:
        return "short"
    epcs, at = "", OPC + 1
    while at + 1 < len(frame):
        epcs += f"{frame[at]:02X}"
        at += 2 + frame[at + 1]
    return f"{frame[ESV]:02X}-{epcs}"


def other_transaction(frame: bytes) -> bytes:
    """Return the frame under another transaction."""
    tid = int.from_bytes(frame[_TID]) ^ 0x5555
    return frame[: _TID.start] + tid.to_bytes(2) + frame[_TID.stop :]


def without_properties(frame: bytes) -> bytes:
    """Return the frame as a refusal without any property."""
    return frame[:ESV] + bytes((_GET_SNA, 0))
