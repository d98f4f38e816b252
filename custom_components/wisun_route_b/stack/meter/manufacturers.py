"""Names behind manufacturer codes (property 8A), as the ECHONET Consortium lists them.

Only companies that make meters or run the grids they hang on.
"""

_NAMES: dict[int, str] = {
    0x000001: "Hitachi",
    0x000006: "Mitsubishi Electric",
    0x000016: "Toshiba",
    0x00002E: "Shikoku Instrumentation",
    0x000035: "Toshiba Toko Meter Systems",
    0x000041: "Enegate",
    0x000048: "Oki Electric",
    0x000052: "Osaki Electric",
    0x000085: "Takaoka Toko",
    0x00008C: "Kyuden Technosystems",
    0x000099: "TEPCO Holdings",
    0x00009A: "Kansai Transmission and Distribution",
    0x0000A3: "Chubu Electric Power Grid",
    0x0000AE: "Shikoku Electric Power Transmission & Distribution",
    0x0000B5: "Chugoku Electric Power",
    0x0000B8: "Hokkaido Electric Power Network",
    0x0000BB: "Hokuriku Electric Power Transmission & Distribution",
    0x0000BC: "Tohoku Electric Power Network",
    0x0000BF: "Kyushu Electric Power Transmission and Distribution",
    0x0000C2: "Tohoku Electric Meter Industry",
    0x0000C3: "Japan Electric Meters Inspection Corporation",
    0x0000CB: "Fuji Electric",
    0x0000D8: "Osaki Datatech",
    0x000140: "Landis+Gyr",
}


def manufacturer_name(code: bytes) -> str | None:
    """Return the name of a three-byte manufacturer code, or None if it is not listed."""
    return _NAMES.get(int.from_bytes(code))
