"""Measures what `power-status run` keeps in memory while nothing happens."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep

from bench.figures import Goal, Line
from bench.idling import SETTLED_AFTER, SHIPPED
from bench.processes import private_mib, rss_mib
from tests.e2e.real_programs import ROOT, Running, free_port
from tests.e2e.relays import Telegram, environment
from tests.e2e.servers import secret
from tests.fakes.telegram import TOKEN

_OWN = """\
exporter:
  listen: 127.0.0.1:{port}
  data_dir: data
alerting:
  listen: 127.0.0.1:{relay}
  data_dir: data
{more}"""


class Both(Running):
    """Both services of the shipped config.yaml, with a folder of their own."""

    def __init__(self, folder: Path, more: str = "") -> None:
        """`more` is YAML that follows below `alerting:`."""
        folder.mkdir()
        self._own = folder / "own.yaml"
        self._more = more
        super().__init__(self._argv, "/-/ready", cwd=ROOT, env=environment())

    def _argv(self, port: int) -> list[str]:
        text = _OWN.format(port=port, relay=free_port(), more=self._more)
        self._own.write_text(text, encoding="ascii")
        files = ["--config", str(SHIPPED), "--config", str(self._own)]
        return [sys.executable, "-m", "power_status.cli", "run", *files]


def together() -> Iterator[Line]:
    """Measure the first start, another one, and one with a bot; without InfluxDB."""
    row = "power-status run, idle memory"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        api = stack.enter_context(Telegram())
        secret(folder / "token", TOKEN)
        bot = f"  telegram: {{token_file: {folder / 'token'}, api_url: '{api.url}', admins: [900]}}"
        again = Both(folder / "again")
        with again:  # makes its database
            sleep(1)
        all_three = again, Both(folder / "first"), Both(folder / "bot", bot)
        for running in all_three:
            stack.enter_context(running)
        sleep(SETTLED_AFTER)
        found = [(rss_mib(one.pid), private_mib(one.pid)) for one in all_three]
    (rss, private), (first, _), (with_bot, _) = found
    yield Line(f"{row} (RSS)", "MiB", rss, goal=Goal(at_most=75))
    yield Line(f"{row} (RSS), after the first start", "MiB", first, goal=Goal(at_most=75))
    yield Line(f"{row}, its own pages alone", "MiB", private)
    yield Line(f"{row} (RSS), first start, with a bot", "MiB", with_bot)
