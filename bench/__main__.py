"""Runs the benchmarks and prints one table: `python -m bench [--only ROW] [--quick] [--markdown]`.

Some twenty minutes in all. Run nothing else meanwhile.
"""

import argparse
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from bench.alerted import telegram
from bench.both import together
from bench.changing import neighbourhood, relay
from bench.crowd import crowd
from bench.figures import Line, markdown, plain
from bench.idling import memory, start
from bench.metrics_page import metrics
from bench.outlasting import telegram_outage
from bench.probing import flat_out, paced
from bench.receiving import webhook

Rows = Mapping[str, Callable[[], Iterator[Line]]]


def rows(*, quick: bool) -> Rows:
    """Return what there is to measure, by the name for --only; `quick` is less exact."""
    windows, times = (1, 1) if quick else (2, 3)
    sizes = (1_000, 10_000) if quick else (1_000, 10_000, 100_000)
    return {
        "tcp": partial(paced, "tcp", windows=windows),
        "http": partial(paced, "http", windows=windows),
        "icmp": partial(paced, "icmp", windows=windows),
        "saturated": partial(flat_out, windows=times),
        "memory": memory,
        "start": partial(start, starts=3 if quick else 9),
        "metrics": partial(metrics, sizes=sizes, repeats=3 if quick else 15),
        "neighbourhood": partial(neighbourhood, times=times),
        "relay": partial(relay, changes=100 if quick else 400),
        "telegram": partial(telegram, outages=20 if quick else 100),
        "telegram-outage": partial(telegram_outage, chats=200 if quick else 2_000),
        "crowd": partial(crowd, chats=1_000 if quick else 10_000),
        "webhook": partial(webhook, seconds=10 if quick else 30),
        "together": together,
    }


def main() -> None:
    """Measure what is asked for, and print it."""
    names = tuple(rows(quick=False))
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=names, help="may be given again")
    parser.add_argument("--quick", action="store_true", help="less exact, in a third of the time")
    parser.add_argument("--markdown", action="store_true", help="for docs/benchmarks.md")
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    lines: list[Line] = []
    chosen = rows(quick=asked.quick)
    for name in asked.only or names:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        lines.extend(chosen[name]())
    print((markdown if asked.markdown else plain)(lines))
    print(f"\n{machine()}; load average before {load:.2f}.")


def machine() -> str:
    """Describe the machine, which the figures depend on."""
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    return (
        f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}, "
        f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
