"""Every fault at every step: see ``scripts/sweep --help`` for the choices."""

import argparse
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from itertools import batched
import multiprocessing
import os
import sys
import time

from tools.meter.bootstrap import without_home_assistant

without_home_assistant()

from .injection import KITS_BY_NAME, Injection, Outcome, inject, recorded  # noqa: E402
from .report import Findings  # noqa: E402
from .scenarios import SCENARIOS  # noqa: E402
from .units import Step  # noqa: E402

_BATCH = 50


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/sweep", description=__doc__)
    parser.add_argument("--dongle", action="append", choices=KITS_BY_NAME, help="default: all")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS, help="default: all")
    parser.add_argument("--fault", action="append", help="default: all; --list shows them")
    parser.add_argument("--step", action="append", type=Step.parse, help="default: all")
    parser.add_argument("--seed", type=int, default=1, help="default: 1")
    parser.add_argument("--every", type=int, default=1, help="take each so-many-th injection")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--list", action="store_true", help="print the injections, inject none")
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> list[Injection]:
    possible = [
        injection
        for kit in options.dongle or KITS_BY_NAME
        for scenario in options.scenario or SCENARIOS
        for injection in recorded(KITS_BY_NAME[kit], SCENARIOS[scenario], options.seed)
    ]
    chosen = [
        injection
        for injection in possible
        if (not options.fault or injection.fault in options.fault)
        and (not options.step or injection.step in options.step)
    ]
    return chosen[:: options.every]


def _inject_all(batch: tuple[Injection, ...]) -> list[Outcome]:
    return [inject(injection) for injection in batch]


def _outcomes(chosen: list[Injection], processes: int) -> Iterable[Outcome]:
    batches = list(batched(chosen, _BATCH, strict=False))
    if processes == 1 or len(batches) == 1:
        yield from map(inject, chosen)
        return
    context = multiprocessing.get_context("fork")  # what was imported need not be once more
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        for done, outcomes in enumerate(pool.map(_inject_all, batches), 1):
            if sys.stderr.isatty():
                print(f"\r{done * _BATCH} of {len(chosen)} ", end="", file=sys.stderr)
            yield from outcomes


def main() -> int:
    """Run what the arguments choose; 1 if anything failed, 2 if nothing was chosen."""
    options = _arguments()
    chosen = _chosen(options)
    if not chosen:
        print("nothing to inject: see --list", file=sys.stderr)
        return 2
    if options.list:
        print(*(injection.command for injection in chosen), sep="\n")
        return 0
    begun, findings = time.monotonic(), Findings()
    try:
        for outcome in _outcomes(chosen, options.processes):
            findings.add(outcome)
    except KeyboardInterrupt:
        print(f"interrupted: {findings.runs} of {len(chosen)} injections", file=sys.stderr)
    print(*findings.lines(), sep="\n")
    seconds = time.monotonic() - begun
    print(f"{seconds:.0f} s, {seconds / max(findings.runs, 1) * 1000:.0f} ms a run")
    return 1 if findings.failures else 0


if __name__ == "__main__":
    sys.exit(main())
