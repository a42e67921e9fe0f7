"""A real Alertmanager, and the rules by which a real Prometheus feeds it."""

from pathlib import Path

import requests

from tests.e2e.exporters import wait_for
from tests.e2e.prometheus import Prometheus
from tests.e2e.real_programs import Running, program

# An outage is an alert of its own, and so is its end; `hold` is how long a home's outage is
# believed to go on when nobody exports the home any more.
RULES = """\
groups:
  - name: power
    interval: 1s
    rules:
      - record: home:power_outage_start:held
        expr: >-
          power_outage_start_timestamp_seconds or
          (last_over_time(power_outage_start_timestamp_seconds[{hold}])
          unless on (job, instance) up == 1
          unless on (home) power_outage_start_timestamp_seconds)
      - alert: PowerOutage
        expr: home:power_outage_start:held > 0
        labels:
          {{severity: critical, audience: subscribers, since: '{{{{ printf "%.3f" $value }}}}'}}
      - alert: PowerRestored
        expr: >-
          (power_last_outage_end_timestamp_seconds > time() - 1800) * on (home, job, instance)
          group_left (since) count_values by (home, job, instance)
          ("since", power_last_outage_start_timestamp_seconds)
        labels: {{severity: info, audience: subscribers}}
        annotations: {{ended: '{{{{ printf "%.3f" $value }}}}'}}
"""


class Alertmanager(Running):
    """One without peers, which tells a group of alerts at once and again each second."""

    def __init__(self, name: str, folder: Path, receiver: str) -> None:
        """`receiver`: the YAML of its one receiver's settings, on one line."""
        folder.mkdir(exist_ok=True)
        self.config = folder / "alertmanager.yml"
        self.config.write_text(
            "route:\n"
            "  receiver: test\n"
            "  group_by: [alertname, home]\n"
            "  group_wait: 0s\n"
            "  group_interval: 1s\n"
            "  repeat_interval: 4h\n"
            "receivers:\n"
            f"  - {{name: test, {receiver}}}\n",
            encoding="utf-8",
        )
        options = [f"--config.file={self.config}", f"--storage.path={folder / 'data'}"]
        options.append("--cluster.listen-address=")  # no peers
        super().__init__(
            lambda port: [*program(name), *options, f"--web.listen-address=127.0.0.1:{port}"],
            "/-/ready",
        )

    def take(self, **labels: str) -> None:
        """Take an alert that fires."""
        alert = {"labels": labels, "annotations": {"summary": "something happened"}}
        requests.post(f"{self.url}/api/v2/alerts", json=[alert], timeout=10).raise_for_status()


def to_relay(url: str, token_file: Path) -> str:
    """Return the receiver that is a relay."""
    bearer = f"{{type: Bearer, credentials_file: '{token_file}'}}"
    return (
        f"webhook_configs: [{{url: '{url}/alerts', send_resolved: true, max_alerts: 0, "
        f"http_config: {{authorization: {bearer}}}}}]"
    )


def to_telegram(url: str, token: str, chat_id: int) -> str:
    """Return the receiver that is a chat, which Alertmanager writes to itself."""
    to = f"bot_token: '{token}', chat_id: {chat_id}, api_url: '{url}'"
    return f"telegram_configs: [{{{to}, parse_mode: HTML}}]"


class Alerting(Prometheus):
    """A Prometheus that judges an exporter by the rules, and tells an Alertmanager.

    What it does not tell any more is over for Alertmanager after 4 s.
    """

    def __init__(
        self, name: str, folder: Path, target: str, alertmanager: Alertmanager, *, hold: str = "6h"
    ) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "rules.yml").write_text(RULES.format(hold=hold), encoding="utf-8")
        told = f"127.0.0.1:{alertmanager.port}"
        more = (
            "rule_files: [rules.yml]\n"
            "alerting:\n"
            f"  alertmanagers: [{{static_configs: [{{targets: ['{told}']}}]}}]\n"
        )
        super().__init__(name, folder, target, more, "--rules.alert.resend-delay=1s")

    def firing(self, alert: str) -> int:
        """Return how many alerts of a name fire."""
        return len(self.query(f'ALERTS{{alertname="{alert}",alertstate="firing"}}'))

    def wait_for_firing(self, alert: str, count: int = 1) -> None:
        """Wait until so many alerts of a name fire."""
        wait_for(lambda: self.firing(alert) == count, within=60)
