"""Goals as ratios, which do not depend on the speed of the machine."""

from dataclasses import dataclass

from .figures import Figures

#: Seconds within which a port without a dongle must be recognised.
VERDICT = 5.0


@dataclass(frozen=True, slots=True)
class Goal:
    """Our figure is at most so many times the other program's."""

    row: str
    share: float
    other: str = "momonga"
    other_row: str = ""
    """Where the other program has no such row: the one that stands for it."""
    best_round: bool = False
    """Compare the best measurements, not the median ones."""

    def ratio(self, figures: Figures) -> float | None:
        """Return our figure as a share of theirs; None if one of them was not measured."""
        choose = figures.least if self.best_round else figures.middle
        ours = choose(self.row, "ours")
        theirs = choose(self.other_row or self.row, self.other)
        return None if ours is None or not theirs else ours / theirs

    def met(self, figures: Figures) -> bool:
        """Return whether it is reached; what was not measured is not."""
        ratio = self.ratio(figures)
        return ratio is not None and ratio <= self.share

    @property
    def text(self) -> str:
        """What is asked for, in words."""
        if self.row.endswith("datagrams") and self.share == 1:
            return "no more"
        return "faster" if self.share == 1 else f"at most 1/{1 / self.share:.0f}"


#: Checked by the short form as well. momonga has no warm start: it always resets the dongle
#: and scans, so its only start stands for all three.
RATIOS: tuple[Goal, ...] = (
    Goal("cold", 1 / 3),
    Goal("warm", 1 / 8, other_row="cold"),
    Goal("live", 1 / 25, other_row="cold"),
    Goal("datagrams", 1 / 3, other="core"),
    Goal("cpu", 1 / 2, best_round=True),
    # momonga is not waited for longer than ten times the seconds that we are allowed.
    Goal("silent", 1 / 10, best_round=True),
)


#: With a J11 dongle, beside broute-j11. Not checked by the short form.
J11: tuple[Goal, ...] = (
    Goal("J11 cold", 1 / 2, other="broute-j11"),
    Goal("J11 live", 1 / 10, other="broute-j11"),
    Goal("J11 datagrams", 1.0, other="broute-j11"),
)

#: In a real Home Assistant, beside the integration that it comes with. Not checked by the short form.
HOME_ASSISTANT: tuple[Goal, ...] = (
    Goal("HA dialog", 1 / 4, other="built-in"),
    Goal("HA restart", 1 / 4, other="built-in"),
    Goal("HA absent", 1 / 2, other="built-in"),
    Goal("HA back", 1 / 2, other="built-in"),
    Goal("HA EVENT 26", 1 / 10, other="built-in"),
    Goal("HA EVENT 26 age", 1 / 4, other="built-in"),
    Goal("HA off", 1 / 2, other="built-in"),
    Goal("HA datagrams, equal", 1 / 3, other="built-in"),
)

#: Of a start with nothing known, where enough meters are measured: how long it takes depends on the delays
#: that each of them happens to have, and on its channel.
COLD: Goal = Goal("cold", 1 / 4)


def missed_in(figures: Figures, goals: tuple[Goal, ...]) -> list[str]:
    """Return which ratios are not reached, in words."""
    missed = []
    for goal in goals:
        if not goal.met(figures):
            ratio = goal.ratio(figures)
            found = "not measured" if ratio is None else f"{ratio:.3f} of {goal.other}'s"
            missed.append(f"{goal.row}: {found}, asked for: {goal.text}")
    return missed


def failures(figures: Figures, goals: tuple[Goal, ...]) -> list[str]:
    """Return what is not reached, in words: the ratios, and a verdict in time on a silent port."""
    missed = missed_in(figures, goals)
    silent = figures.least("silent", "ours")
    if silent is None or silent > VERDICT or not figures.verdicts.get(("silent", "ours")):
        missed.append(f"silent: no verdict within {VERDICT:g} s")
    return missed
