"""``scan`` shows what can be heard, and whose it is, but no addresses unless they are wanted."""

import re

from tools.meter.exit_codes import ExitCode

from .shell import Terminal, meter, secrets


def test_our_network_stands_among_the_others() -> None:
    outcome = meter("scan", "--json", neighbours=2)

    assert outcome.emulator is not None
    pan = outcome.emulator.air.pan
    networks = outcome.json["networks"]
    assert outcome.code == ExitCode.OK
    assert [network["ours"] for network in networks].count(True) == 1
    assert len(networks) == 3
    assert [network["lqi"] for network in networks] == sorted(
        (network["lqi"] for network in networks), reverse=True
    )
    (ours,) = (network for network in networks if network["ours"])
    assert ours == {
        "channel": pan.channel,
        "pan_id": f"{pan.pan_id:04X}",
        "lqi": pan.lqi,
        "dbm": round(0.275 * pan.lqi - 104.27, 1),
        "ours": True,
    }


def test_table_says_it_in_words() -> None:
    outcome = meter("scan", seed=3)

    assert outcome.emulator is not None
    pan = outcome.emulator.air.pan
    heading, row = outcome.lines
    assert heading.split() == ["channel", "PAN", "LQI", "strength", "ours"]
    assert row.startswith(f"{pan.channel} (")
    assert f"{pan.pan_id:04X}" in row.split()
    assert row.endswith("dBm  yes")


def test_addresses_are_shown_to_those_who_ask() -> None:
    shy, open_ = meter("scan", neighbours=1), meter("scan", "--show-addresses", neighbours=1)

    assert shy.emulator is not None
    macs = [shy.emulator.air.pan.mac, *(pan.mac for pan in shy.emulator.air.neighbours)]
    assert not any(mac in shy.out for mac in macs)
    assert all(mac in open_.out for mac in macs)
    assert not any(secret in shy.out + shy.err for secret in secrets(shy.emulator))


def test_silence_is_a_failure_with_advice() -> None:
    outcome = meter("scan", in_range=False)

    assert outcome.code == ExitCode.LINK
    assert outcome.out == "No network was found.\n"
    assert "Move the dongle closer" in outcome.err


def test_whoever_watches_sees_how_far_it_is() -> None:
    watched = meter("scan", err=Terminal())

    percents = [int(found) for found in re.findall(r"Looking for the meter … (\d+)%", watched.err)]
    assert percents == sorted(percents)
    assert percents[0] == 0
    assert percents[-1] > 90
    assert watched.err.endswith("\r\x1b[K")
    assert meter("scan").err == ""
