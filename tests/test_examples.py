"""The files in deploy/examples are what the programs they are for take."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest
import trustme
import yaml

from alerting.config import load as load_relay
from exporter.config import load as load_exporter
from tests.e2e.real_programs import each, needs, program

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "deploy" / "examples"
SCALING = EXAMPLES / "scaling"
PROMETHEUS = [
    *sorted(SCALING.glob("remote-write-*.yml")),
    SCALING / "prometheus.yml",
    EXAMPLES / "prometheus" / "scrape.yml",
]
ALERTMANAGER = [SCALING / "alertmanager.yml", EXAMPLES / "prometheus" / "alertmanager.yml"]
PAGES = [ROOT / "docs" / "install.md", ROOT / "docs" / "scaling.md"]
HEADINGS = re.compile(r"^#+ (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\(([\w./-]*)(?:#([\w-]+))?\)")


def name_of(file: Path) -> str:
    """Return a file's name as a test's id."""
    return str(file.relative_to(ROOT))


def taken(*words: str | Path) -> str:
    """Run a program that must be content; return what it printed."""
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---------------------------------------------------------------- our own configs


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return a folder that holds the examples of scaling, and the files that they name."""
    for file in SCALING.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    secrets(tmp_path, "webhook_token", "influxdb_token", "telegram_token", "database_password")
    secrets(tmp_path, "exporter_user", "prometheus_password", "mimir_password")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("exporter-1.example.org")
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(str(tmp_path / "cert.pem"), append=True)
    return tmp_path


def secrets(folder: Path, *names: str) -> None:
    """Make secrets that only their owner can read."""
    (folder / "secrets").mkdir(exist_ok=True)
    for name in names:
        (folder / "secrets" / name).touch(mode=0o600)
        (folder / "secrets" / name).write_text("made:up\n", encoding="utf-8")


def test_the_shards_watch_each_home_once(machine: Path) -> None:
    """The examples of two exporters are sound, and together they are whole."""
    loaded = [
        load_exporter([machine / "homes.yaml", machine / f"exporter-{k}.yaml"]) for k in (1, 2)
    ]
    assert [one.warnings for one in loaded] == [(), ()]
    homes = [{home.name for home in one.config.homes} for one in loaded]
    assert homes == [{"dacha", "bakery"}, {"flat", "cottage"}]


def test_the_relays_share_what_replicas_share(machine: Path) -> None:
    """Database, bot, webhook token and homes; each asks an exporter of its own."""
    loaded = [load_relay([machine / "homes.yaml", machine / f"relay-{name}.yaml"]) for name in "ab"]
    assert [one.warnings for one in loaded] == [(), ()]
    first, second = (one.config for one in loaded)
    assert len(first.homes) == 4
    assert first.homes == second.homes
    assert first.alerting.database == second.alerting.database
    assert first.alerting.webhook_token == second.alerting.webhook_token
    assert first.alerting.exporter_url != second.alerting.exporter_url


@pytest.mark.parametrize("folder", ["home-assistant", "ups"])
def test_the_homes_are_sound(folder: str, tmp_path: Path) -> None:
    """Beside the secrets that they name."""
    config = tmp_path / "homes.yaml"
    config.write_bytes((EXAMPLES / folder / "homes.yaml").read_bytes())
    secrets(tmp_path, "cottage_token")
    header = tmp_path / "secrets" / "home_assistant"
    header.touch(mode=0o600)
    header.write_text("Authorization: Bearer made-up\n", encoding="utf-8")
    read = load_exporter([config])
    assert read.warnings == ()
    assert read.config.homes


@pytest.mark.parametrize(
    "says, told",
    [
        ("echo OL CHRG", "on\n"),
        ("echo OB DISCHRG LB", "off\n"),
        ("echo OL BOOST", "on\n"),
        ("echo OFF", "unknown\n"),
        ("echo OBSCURE", "unknown\n"),
    ],
)
def test_upsc_is_understood(says: str, told: str, tmp_path: Path) -> None:
    """Flags are whole words."""
    assert ups_power(says, tmp_path).stdout == told


def test_a_ups_that_cannot_be_asked_is_unknown(tmp_path: Path) -> None:
    """A failure is unknown to a `command` probe, and so is printing nothing."""
    done = ups_power("echo 'Error: Data stale' >&2; exit 1", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")


def ups_power(upsc: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the shipped script with a upsc that does this."""
    (folder / "upsc").write_text(
        f'#!/bin/sh\n[ "$*" = "myups@localhost ups.status" ] || exit 9\n{upsc}\n'
    )
    (folder / "upsc").chmod(0o755)
    return subprocess.run(
        [EXAMPLES / "ups" / "ups-power", "myups@localhost"],
        env={"PATH": f"{folder}:{os.defpath}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )


# ---------------------------------------------------------------- other programs' configs


@pytest.mark.parametrize("promtool", each("promtool-2", "promtool-3"))
@pytest.mark.parametrize("file", PROMETHEUS, ids=name_of)
def test_prometheus_takes_an_example(promtool: str, file: Path, machine: Path) -> None:
    """Old and new; with the rules of this repository where they are named."""
    (machine / "rules").symlink_to(ROOT / "rules")
    (machine / file.name).write_bytes(file.read_bytes())
    taken(*program(promtool), "check", "config", machine / file.name)


@pytest.mark.parametrize("promtool", each("promtool-2", "promtool-3"))
def test_an_agent_takes_its_example(promtool: str) -> None:
    """It has neither rules nor alerts."""
    taken(*program(promtool), "check", "config", "--agent", SCALING / "prometheus-agent.yml")


@pytest.mark.parametrize("amtool", each("amtool-25", "amtool-newest"))
@pytest.mark.parametrize("file", ALERTMANAGER, ids=name_of)
def test_alertmanager_takes_an_example(amtool: str, file: Path, machine: Path) -> None:
    """Old and new."""
    (machine / file.name).write_bytes(file.read_bytes())
    taken(*program(amtool), "check-config", machine / file.name)


@needs("amtool-newest")
@pytest.mark.parametrize(
    "labels, receiver",
    [
        ("alertname=PowerOutage home=flat audience=subscribers", "power-relay"),
        ("alertname=PowerExporterDown audience=admins", "power-relay"),
        ("alertname=Watchdog audience=admins", "null"),
        ("alertname=DiskFull", "yours"),
    ],
)
def test_an_alertmanager_that_has_other_alerts_tells_them_apart(labels: str, receiver: str) -> None:
    """Ours have the label `audience`, all of them."""
    routes = ["config", "routes", "test", f"--config.file={ALERTMANAGER[1]}", *labels.split()]
    assert taken(*program("amtool-newest"), *routes).split() == [receiver]
    rules = yaml.safe_load((ROOT / "rules" / "alerts.yml").read_text(encoding="utf-8"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule]
    assert {rule["labels"]["audience"] for rule in alerts} == {"subscribers", "admins"}


# ---------------------------------------------------------------- Home Assistant


class Secrets(yaml.SafeLoader):
    """Reads Home Assistant's YAML as far as it is YAML."""


def a_secret(loader: Secrets, node: yaml.ScalarNode) -> str:
    """Stand for what secrets.yaml would hold."""
    return f"the secret {loader.construct_scalar(node)}"


Secrets.add_constructor("!secret", a_secret)

# As docs/api.md shows it.
ANSWER: dict[str, object] = {
    "state": "off",
    "since": "2026-11-24T10:02:03.120Z",
    "last_evidence_at": None,
    "outage": {},
}


@pytest.fixture(scope="module")
def home_assistant() -> dict[str, Any]:
    """Read the example for configuration.yaml."""
    text = (EXAMPLES / "home-assistant" / "configuration.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.load(text, Secrets)  # noqa: S506  a SafeLoader with one tag more
    return found


def test_the_rest_sensor_reads_what_the_api_says(home_assistant: dict[str, Any]) -> None:
    """State and attributes are keys of a home."""
    (rest,) = home_assistant["rest"]
    (sensor,) = rest["sensor"]
    assert rest["resource"].endswith("/api/v1/homes/flat")
    assert jinja2.Template(sensor["value_template"]).render(value_json=ANSWER) == "off"
    assert set(sensor["json_attributes"]) < ANSWER.keys()
    example = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert all(f'"{key}":' in example for key in ANSWER)


@pytest.mark.parametrize(
    "state, on, there",
    [("on", True, True), ("off", False, True), ("unknown", False, False)],
)
def test_the_binary_sensor_is_away_while_nobody_knows(
    home_assistant: dict[str, Any], state: str, *, on: bool, there: bool
) -> None:
    """Unknown is neither on nor off."""
    (sensor,) = home_assistant["template"][0]["binary_sensor"]
    states = {"sensor.flat_power": state}
    said = [
        jinja2.Template(sensor[key]).render(states=states.__getitem__)
        for key in ("state", "availability")
    ]
    assert said == [str(on), str(there)]


def test_the_automation_sends_the_heartbeat_of_the_example_home(
    home_assistant: dict[str, Any],
) -> None:
    """Home and probe are those of homes.yaml, and so is the pace."""
    homes = yaml.safe_load((EXAMPLES / "home-assistant" / "homes.yaml").read_text())["homes"]
    (home,) = (home for home in homes if home["probes"][0]["kind"] == "heartbeat")
    (probe,) = home["probes"]
    (name,) = home_assistant["rest_command"]
    command = home_assistant["rest_command"][name]
    assert command["url"].endswith(f":10910/heartbeat/{home['name']}/{probe['name']}")
    assert command["method"] == "post"
    (automation,) = home_assistant["automation"]
    assert automation["actions"] == [{"action": f"rest_command.{name}"}]
    assert automation["triggers"][0]["seconds"] == f"/{probe['every'].removesuffix('s')}"


# ---------------------------------------------------------------- the pages that name them


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_names_files_that_are_there(page: Path) -> None:
    """What is linked, and what is to be copied."""
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w/.-])deploy/[\w./-]*\w", text))
    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()
    for target, anchor in LINK.findall(text):
        file = page.parent / target if target else page
        assert file.exists(), target
        headings = HEADINGS.findall(file.read_text(encoding="utf-8")) if anchor else []
        assert not anchor or anchor in map(slug, headings), f"{target}#{anchor}"


def test_every_example_is_named_by_a_page() -> None:
    """An example that no page names is found by nobody."""
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    files = [file for file in EXAMPLES.rglob("*") if file.is_file()]
    assert {name_of(file) for file in files if file.name not in pages} == set()
    assert "deploy/examples/home-assistant" in pages
