"""The units in deploy/systemd: sound to systemd, locked up, and true to programs and documents."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.e2e.real_programs import needs, program

ROOT = Path(__file__).resolve().parents[1]
UNITS = ROOT / "deploy" / "systemd"
# What `systemd-analyze security` may say at most (of 10); docs/install.md names it.
SCORES = {"power-exporter": 1.7, "power-alerting": 1.3}
# What a service with a network cannot close, or need not: the comments in the units say why.
NETWORKED = {
    "DeviceAllow=",  # none but pseudo devices
    "IPAddressDeny=",
    "PrivateMounts=",
    "PrivateNetwork=",
    "ProcSubset=",
    "RestrictAddressFamilies=~AF_(INET|INET6)",
    "RestrictAddressFamilies=~AF_NETLINK",
    "RestrictAddressFamilies=~AF_UNIX",
    "RootDirectory=/RootImage=",
    "SupplementaryGroups=",
}
CLOCK = {"ProtectClock=", "SystemCallFilter=~@clock", "SystemCallFilter=~@privileged"}
OPEN = {"power-exporter": NETWORKED | CLOCK, "power-alerting": NETWORKED}
SERVICES = tuple(SCORES)
PROGRAMS = "/opt/power-status/bin/"
CONFIG = "/etc/power-status"
MODULES = {"power-exporter": "exporter.cli", "power-alerting": "alerting.cli"}
INSTALL = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")


def text_of(service: str) -> str:
    """Return a unit."""
    return (UNITS / f"{service}.service").read_text(encoding="utf-8")


def directives(service: str, name: str) -> list[str]:
    """Return what a unit says of one directive, in order."""
    return re.findall(rf"^{name}=(.*)$", text_of(service), re.MULTILINE)


def startable(service: str, folder: Path, drop_in: str = "") -> Path:
    """Write a unit whose programs are there, with a drop-in beside it if one is given."""
    here = Path(sys.executable).parent
    unit = folder / f"{service}.service"
    unit.write_text(text_of(service).replace(PROGRAMS, f"{here}/"), encoding="utf-8")
    if drop_in:
        (beside := folder / f"{unit.name}.d").mkdir()
        (beside / "drop-in.conf").write_text(drop_in, encoding="utf-8")
    return unit


def analyze(*words: str | Path) -> str:
    """Run systemd-analyze, which must find nothing wrong; return what it printed."""
    done = subprocess.run(
        [*program("systemd-analyze"), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr + done.stdout
    return done.stdout


def drop_ins() -> list[str]:
    """Return the drop-ins that are shipped, with every line that one may choose."""
    files = sorted(UNITS.glob("*.service.d/*.conf"))
    return [re.sub(r"^#(?=[A-Z]\w+=)", "", file.read_text(), flags=re.MULTILINE) for file in files]


# ---------------------------------------------------------------- by systemd itself


@needs("systemd-analyze")
@pytest.mark.parametrize("service", SERVICES)
def test_systemd_finds_nothing_wrong_with_a_unit(service: str, tmp_path: Path) -> None:
    """No unknown directive, no missing program, not even a warning."""
    analyze("verify", startable(service, tmp_path))


@needs("systemd-analyze")
@pytest.mark.parametrize("drop_in", drop_ins())
def test_systemd_finds_nothing_wrong_with_a_drop_in(drop_in: str, tmp_path: Path) -> None:
    """With all that one may choose chosen."""
    assert re.search(r"^[A-Z]\w+=", drop_in, re.MULTILINE)
    analyze("verify", startable("power-exporter", tmp_path, drop_in))


@needs("systemd-analyze")
@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_is_locked_up(service: str, tmp_path: Path) -> None:
    """By systemd's own measure."""
    printed = analyze("security", "--offline=true", startable(service, tmp_path))
    found = re.search(rf"exposure level for {service}\.service: (\d+\.\d)", printed)
    assert found is not None
    assert float(found[1]) <= SCORES[service]


@needs("systemd-analyze")
@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_leaves_open_what_it_must_and_no_more(service: str, tmp_path: Path) -> None:
    """Each restriction that is lost shows, also one that weighs little in the measure."""
    unit = startable(service, tmp_path)
    checks = json.loads(analyze("security", "--offline=true", "--json=short", unit))
    assert {check["name"] for check in checks if check["set"] is False} - OPEN[service] == set()


# ---------------------------------------------------------------- what the programs need


def test_the_exporter_may_ask_whether_the_clock_is_right() -> None:
    """The filter's last word on adjtimex is yes, and ProtectClock does not forbid it."""
    filters = directives("power-exporter", "SystemCallFilter")
    assert "@privileged" in filters[-2]
    assert filters[-1].split() == ["adjtimex", "clock_adjtime"]
    assert directives("power-exporter", "ProtectClock") == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_sees_the_boots_id(service: str) -> None:
    """By it a blackout is told from a restart."""
    assert directives(service, "ProcSubset") == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_wrong_config_is_not_tried_again(service: str) -> None:
    """Anything else is, for ever."""
    assert directives(service, "Restart") == ["always"]
    assert directives(service, "RestartPreventExitStatus") == ["2"]
    assert directives(service, "StartLimitIntervalSec") == ["0"]


# ---------------------------------------------------------------- programs and documents


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return a folder that stands for /etc/power-status, as docs/install.md fills it."""
    config = ROOT / "deploy" / "examples" / "systemd" / "config.yaml"
    text = re.sub(
        r"^(\s*)# (?=\s*(telegram|token_file|admins):)",
        r"\1",
        config.read_text(),
        flags=re.MULTILINE,
    )
    assert "\n  telegram:" in text
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    for name in ("webhook_token", "telegram_token"):
        (tmp_path / "secrets" / name).touch(mode=0o600)
        (tmp_path / "secrets" / name).write_text("123:made-up\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_starts_what_there_is(service: str, installed: Path) -> None:
    """Its command line is one that the program takes, with the config of the document."""
    (start,) = directives(service, "ExecStart")
    check, hang_up = directives(service, "ExecReload")
    assert check == f"{start} --check-config"
    assert hang_up == "/bin/kill -HUP $MAINPID"
    name, *words = check.removeprefix(PROGRAMS).replace(CONFIG, str(installed)).split()
    assert name in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    done = subprocess.run(
        [sys.executable, "-m", MODULES[name], *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{installed}/config.yaml: ok\n", "")


@pytest.mark.parametrize("service", SERVICES)
def test_the_config_writes_where_the_unit_lets_it(service: str, installed: Path) -> None:
    """`data_dir` is the state directory."""
    (state,) = directives(service, "StateDirectory")
    assert directives(service, "WorkingDirectory") == [f"/var/lib/{state}"]
    assert f"  data_dir: /var/lib/{state}\n" in (installed / "config.yaml").read_text()


@pytest.mark.parametrize("service", SERVICES)
def test_every_path_of_a_unit_is_in_the_document(service: str) -> None:
    """Whoever installs by docs/install.md has made what the unit names."""
    lines = [line for line in text_of(service).splitlines() if not line.startswith("#")]
    paths = set(re.findall(r"(?<=[= ])/[\w./-]+", "\n".join(lines))) - {"/bin/kill"}
    assert paths
    assert {path for path in paths if path not in INSTALL} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_units_users_are_made(service: str) -> None:
    """The file for systemd-sysusers has its user, and the group that reads the config."""
    made = (UNITS / "sysusers.conf").read_text(encoding="utf-8")
    assert directives(service, "User") == directives(service, "Group") == [service]
    assert directives(service, "SupplementaryGroups") == ["power-status"]
    assert re.search(rf"^u {service} ", made, re.MULTILINE)
    assert f"m {service} power-status\n" in made
    assert "-g power-status /etc/power-status " in INSTALL


def test_the_document_names_the_scores() -> None:
    """What it says was measured is what is held."""
    found = re.search(r"gives\s+(\d\.\d) to the exporter and (\d\.\d) to the relay", INSTALL)
    assert found is not None
    assert tuple(map(float, found.groups())) == tuple(SCORES.values())
