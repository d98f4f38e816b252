"""The household's power and its integral."""

from datetime import datetime, timedelta

from hypothesis import given, strategies as st

from tools.emulator import FIRST_GENERATION, INSTALLED, JST, LoadProfile
from tools.emulator.meter.meter import Meter

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=JST)
SECOND = timedelta(seconds=1)

moments = st.integers(0, 20 * 365 * 86_400).map(lambda seconds: INSTALLED + seconds * SECOND)


@given(st.integers(0, 3), moments, st.integers(0, 400))
def test_energy_is_the_exact_sum_of_the_power(seed: int, start: datetime, seconds: int) -> None:
    profile = LoadProfile(seed)
    power = [profile.power(start + second * SECOND) for second in range(seconds)]
    before, after = profile.energy(start), profile.energy(start + seconds * SECOND)
    assert after.imported - before.imported == sum(watts for watts in power if watts > 0)
    assert after.exported - before.exported == -sum(watts for watts in power if watts < 0)


def test_energy_is_the_exact_sum_of_the_power_over_days_and_the_end_of_the_cycle() -> None:
    profile = LoadProfile(0)
    start = INSTALLED + timedelta(days=7 * 364 - 1, hours=11)
    steps = [start + timedelta(seconds=10 * step) for step in range(2 * 8640)]
    power = [profile.power(moment) for moment in steps]
    before, after = profile.energy(start), profile.energy(start + timedelta(days=2))
    assert after.imported - before.imported == 10 * sum(watts for watts in power if watts > 0)
    assert after.exported - before.exported == -10 * sum(watts for watts in power if watts < 0)


@given(st.integers(0, 2**31), moments)
def test_same_seed_is_the_same_house(seed: int, moment: datetime) -> None:
    assert LoadProfile(seed).power(moment) == LoadProfile(seed).power(moment)


def test_other_seed_is_another_house() -> None:
    assert LoadProfile(1).energy(NOON) != LoadProfile(2).energy(NOON)


def test_power_changes_within_a_minute_and_holds_for_ten_seconds() -> None:
    profile = LoadProfile(0)
    power = [profile.power(NOON + second * SECOND) for second in range(600)]
    assert len(set(power)) > 20
    assert all(len(set(power[at : at + 10])) == 1 for at in range(0, 600, 10))


def test_roof_exports_on_most_noons_and_never_at_midnight() -> None:
    profile = LoadProfile(0)
    days = [NOON + timedelta(days=day) for day in range(364)]
    assert sum(profile.power(noon) < 0 for noon in days) > 250
    assert all(profile.power(noon + timedelta(hours=12)) > 0 for noon in days)


def test_evening_is_dearer_than_the_night() -> None:
    profile = LoadProfile(0)

    def used(hour: int) -> int:
        start = NOON.replace(hour=hour)
        return sum(
            profile.energy(start + timedelta(days=day, hours=3)).imported
            - profile.energy(start + timedelta(days=day)).imported
            for day in range(60)
        )

    assert used(18) > 2 * used(1)


@given(st.integers(0, 3), moments)
def test_currents_make_the_power_at_a_hundred_volts(seed: int, moment: datetime) -> None:
    meter = Meter(seed, FIRST_GENERATION)
    r, t = meter.currents(moment)
    assert t is not None
    assert abs((r + t) * 10 - meter.profile.power(moment)) <= 5


def test_register_is_the_floor_of_the_integral_in_counts() -> None:
    meter = Meter(0, FIRST_GENERATION)
    energy = meter.profile.energy(NOON)
    assert meter.registers(NOON) == (
        energy.imported // 360_000 % 1_000_000,
        energy.exported // 360_000 % 1_000_000,
    )
    assert meter.registers(INSTALLED) == (0, 0)
    assert meter.registers(INSTALLED - SECOND) is None
