"""prometheus.yml is what promtool of both versions accepts, and what the papers promise."""

import subprocess
from pathlib import Path

import pytest
import yaml

from chassis.durations import parse_duration
from chassis.instants import MS_PER_SECOND
from tests.e2e.real_programs import each, program
from tests.e2e.shipped import PROMETHEUS, RULES, with_choices

CONFIG = yaml.safe_load(PROMETHEUS.read_text(encoding="utf-8"))
each_promtool = pytest.mark.parametrize("promtool", each("promtool-2", "promtool-3"))


def check_config(promtool: str, config: Path, *options: str) -> str:
    """Return what `promtool check config` says of a file that has no fault."""
    done = subprocess.run(
        [*program(promtool), "check", "config", *options, str(config)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@each_promtool
def test_promtool_finds_no_fault(promtool: str) -> None:
    """Neither in it nor in the rules that it names, by all its lints."""
    said = check_config(promtool, PROMETHEUS, "--lint=all", "--lint-fatal")
    files = list(RULES.glob("*.yml"))
    assert f"{len(files)} rule files found" in said
    assert all(f"Checking {file}" in said for file in files)


@each_promtool
def test_what_is_commented_out_can_be_taken_in(promtool: str, tmp_path: Path) -> None:
    """A setting to choose is written so that taking its `#` away is all there is to do."""
    config = tmp_path / "prometheus.yml"
    config.write_text(with_choices(PROMETHEUS.read_text(encoding="utf-8")), encoding="utf-8")
    check_config(promtool, config, "--syntax-only", "--lint=all", "--lint-fatal")


def test_everything_is_asked_every_5_seconds() -> None:
    """No job has an interval of its own, and the rules follow at the same pace."""
    every = CONFIG["global"]
    assert every["scrape_interval"] == every["evaluation_interval"] == "5s"
    jobs = {job["job_name"]: job["static_configs"] for job in CONFIG["scrape_configs"]}
    assert jobs == {
        "power-exporter": [{"targets": ["exporter:10910"]}],
        "power-alerting": [{"targets": ["alerting:10911"]}],
        "prometheus": [{"targets": ["localhost:9090"]}],
        "alertmanager": [{"targets": ["alertmanager:9093"]}],
    }
    assert all(job.keys() == {"job_name", "static_configs"} for job in CONFIG["scrape_configs"])


def test_an_outage_is_with_alertmanager_after_8_seconds_at_the_latest() -> None:
    """It may have to wait for a whole scrape interval, and then for a whole one of its rules.

    How the two clocks stand to each other is chance, and the same all the while that a Prometheus
    runs; so a luckier measurement proves nothing.
    """
    groups = yaml.safe_load((RULES / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    (judged,) = (
        group["interval"]
        for group in groups
        if any(rule.get("alert") == "PowerOutage" for rule in group["rules"])
    )
    waits = (CONFIG["global"]["scrape_interval"], judged)
    assert sum(parse_duration(one) for one in waits) <= 8 * MS_PER_SECOND
