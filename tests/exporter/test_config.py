"""The exporter's config: what it means, and each fault with its exact message."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import Field

from chassis.secrets import Secret, SecretFile, secrets_in
from chassis.yaml_config import ConfigError, Fault
from exporter.config import (
    ExporterConfig,
    ExporterSettings,
    HomeConfig,
    Loaded,
    Surroundings,
    load,
)
from exporter.power import Rules
from exporter.probes.protocol import Kind, Probe, ProbeContext, ProbeSettings, Role

ROOT = Path(__file__).resolve().parents[2]
FAULTS = Path(__file__).parent / "config_faults"
FAULTY = sorted(file for file in FAULTS.glob("*.yaml") if not file.name.endswith(".also.yaml"))

HOST = "homes:\n  - name: flat\n    probes:\n      - kind: host\n"

EXPORTER = """\
exporter:
  listen: "[::1]:0"
  data_dir: /var/lib/power
  heartbeat_interval: 1m
  external_url: https://power.example.org/here
  references:
    - kind: tcp
      address: 192.0.2.1
      port: 53
    - kind: tcp
      address: 192.0.2.2
      port: 53
  influxdb:
    url: http://127.0.0.1:8086
    org: home
    bucket: power
    token_file: secrets/influxdb
    timeout: 3s
  notify:
    url: https://relay.example.org/alerts
    token_file: secrets/webhook
    ca_file: ca.pem
"""


class PlugSettings(ProbeSettings):
    """A kind that no registry knows."""

    socket: int = 1
    token: SecretFile | None = Field(default=None, alias="token_file")


def no_probe(settings: PlugSettings, context: ProbeContext) -> Probe:
    """Refuse to make what no test asks."""
    raise NotImplementedError


KINDS = {
    "plug": Kind(settings=PlugSettings, make=no_probe),
    "heartbeat": Kind(settings=ProbeSettings, make=no_probe),
}
SURROUNDINGS = Surroundings(kinds=KINDS, timezone="Europe/Kyiv")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a working directory, so that files are given by their names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(text: str, surroundings: Surroundings | None = None) -> Loaded:
    """Read a text as config.yaml."""
    Path("config.yaml").write_text(text, encoding="utf-8")
    return load(["config.yaml"], surroundings)


def home(keys: str) -> HomeConfig:
    """Read the config of one home, of which only some keys are given."""
    indented = keys.replace("\n", "\n    ")
    (only,) = loaded(f"homes:\n  - name: flat\n    {indented}\n", SURROUNDINGS).config.homes
    return only


def refusal(text: str, surroundings: Surroundings | None = None) -> list[str]:
    """Return what is said of a faulty config."""
    with pytest.raises(ConfigError) as refused:
        loaded(text, surroundings)
    return [str(fault) for fault in refused.value.faults]


def faults_of(text: str) -> tuple[Fault, ...]:
    """Return what is wrong with a config; nothing, if it is sound."""
    try:
        loaded(text)
    except ConfigError as refused:
        return refused.faults
    return ()


@pytest.mark.parametrize("file", FAULTY, ids=lambda file: file.stem)
def test_a_fault_is_told_in_its_exact_words(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside each faulty config stands what must be said of it, line by line."""
    monkeypatch.chdir(FAULTS)
    also = file.with_suffix(".also.yaml")
    files = [each.name for each in (file, also) if each.exists()]
    with pytest.raises(ConfigError) as refused:
        load(files)
    told = "".join(f"{fault}\n" for fault in refused.value.faults)
    assert told == file.with_suffix(".txt").read_text(encoding="utf-8")


def test_every_message_belongs_to_a_fault() -> None:
    """No file is left over when a fault is renamed."""
    assert {file.stem for file in FAULTS.glob("*.txt")} == {file.stem for file in FAULTY}


def test_a_home_needs_a_name_and_a_probe(folder: Path) -> None:
    """All else has the contract's defaults."""
    flat = home("probes: [{kind: plug}]")
    assert (flat.name, flat.title, flat.timezone, flat.group) == (
        "flat",
        "flat",
        "Europe/Kyiv",
        None,
    )
    assert flat.rules() == Rules(
        interval=5_000,
        timeout=2_000,
        off_after=15_000,
        on_after=10_000,
        unknown_after=60_000,
        quorum=1,
    )
    assert flat.sustained_after == 300_000


def test_a_home_is_what_its_keys_say(folder: Path) -> None:
    """Durations become milliseconds."""
    flat = home(
        'title: "Our flat"\ntimezone: Asia/Tokyo\ngroup: feeder-12\ninterval: 100ms\ntimeout: 3s\n'
        "off_after: 0s\non_after: 1m\nunknown_after: 1h\nsustained_after: 3m\nquorum: 2\n"
        "probes: [{kind: plug}, {kind: plug, socket: 2}]"
    )
    assert (flat.title, flat.timezone, flat.group) == ("Our flat", "Asia/Tokyo", "feeder-12")
    assert flat.rules() == Rules(
        interval=100, timeout=3_000, off_after=0, on_after=60_000, unknown_after=3_600_000, quorum=2
    )
    assert flat.sustained_after == 180_000


@pytest.mark.parametrize(
    "keys, ms",
    [
        ("interval: 5s\ntimeout: 2s", 60_000),
        ("interval: 30s\ntimeout: 2s", 94_000),
        ("interval: 1s\ntimeout: 40s", 83_000),
        ("interval: 10s\ntimeout: 5s\nunknown_after: 30s", 30_000),
    ],
)
def test_unknown_after_follows_from_interval_and_timeout(folder: Path, keys: str, ms: int) -> None:
    """Where it is not given: at least a minute, at least three rounds."""
    assert home(f"{keys}\nprobes: [{{kind: plug}}]").unknown_after == ms


def test_a_wrong_interval_is_not_blamed_on_what_follows_from_it(folder: Path) -> None:
    """One mistake, one line."""
    assert refusal(HOST + "    interval: soon\n") == [
        "config.yaml:5: homes[0].interval: must be a duration such as 5s or 1m30s, not 'soon'"
    ]


def test_probes_without_names_are_named_after_their_kinds(folder: Path) -> None:
    """Later ones are numbered; a name that is given is never taken."""
    probes = home(
        "probes: [{kind: plug}, {kind: plug, name: plug-2}, {kind: plug}, {kind: heartbeat}]"
    ).probes
    assert [probe.name for probe in probes] == ["plug", "plug-2", "plug-3", "heartbeat"]


def test_a_kind_reads_its_own_keys(folder: Path) -> None:
    """A probe's settings are of its kind's type."""
    (probe,) = home("probes: [{kind: plug, socket: 4}]").probes
    assert probe == PlugSettings(kind="plug", name="plug", role=Role.MAINS, socket=4)
    assert isinstance(probe, PlugSettings)


def test_a_heartbeat_name_can_stand_in_a_url(folder: Path) -> None:
    """Beats are posted to it; other probes may be called anything printable."""
    homes = "homes:\n  - name: flat\n    probes:\n"
    (probe,) = home("probes: [{kind: plug, name: Der Stecker / Küche}]").probes
    assert probe.name == "Der Stecker / Küche"
    (fault,) = refusal(homes + "      - kind: heartbeat\n        name: a/b\n", SURROUNDINGS)
    assert fault.startswith("config.yaml:5: homes[0].probes[0].name: must begin with a letter")


def test_host_may_stand_beside_references(folder: Path) -> None:
    """They do not vote."""
    text = (
        "      - kind: tcp\n        address: 192.0.2.1\n        port: 80\n        role: reference\n"
    )
    (flat,) = loaded(HOST + text).config.homes
    assert [probe.role for probe in flat.probes] == [Role.MAINS, Role.REFERENCE]


def test_the_quorum_counts_voting_probes(folder: Path) -> None:
    """A reference is none."""
    assert home("quorum: 2\nprobes: [{kind: plug}, {kind: plug}]").quorum == 2
    text = (
        "homes:\n  - name: flat\n    quorum: 2\n    probes:\n"
        "      - {kind: plug}\n      - {kind: plug, role: reference}\n"
    )
    assert refusal(text, SURROUNDINGS) == [
        "config.yaml:3: homes[0].quorum: must be at most 1, the number of voting probes, not 2"
    ]


def test_faults_of_several_kinds_are_told_together(folder: Path) -> None:
    """What is wrong with a probe does not hide what is wrong with its home."""
    text = (
        "homes:\n"
        "  - name: flat\n"
        "    probes:\n"
        "      - kind: host\n"
        "      - kind: tcp\n"
        "        address: 192.0.2.10\n"
        "        port: 99999\n"
        "  - name: flat\n"
        "    off_after: never\n"
    )
    assert refusal(text) == [
        "config.yaml:4: homes[0].probes[0].kind: host must be the home's only voting probe",
        "config.yaml:7: homes[0].probes[1].port: must be at most 65535",
        "config.yaml:8: homes[1].probes: missing",
        "config.yaml:8: homes[1].name: another home is named 'flat' already",
        "config.yaml:9: homes[1].off_after: must be a duration such as 5s or 1m30s, not 'never'",
    ]


def test_homes_may_be_none(folder: Path) -> None:
    """An exporter may wait for its first home; forgetting the key is another thing."""
    assert loaded("homes: []\n").config.homes == ()


def test_the_exporter_has_the_contracts_defaults(folder: Path) -> None:
    """It listens on loopback and writes nowhere but to its data folder."""
    settings = loaded(HOST).config.exporter
    assert settings == ExporterSettings()
    assert settings.listen == "127.0.0.1:10910"
    assert settings.data_dir == Path("data")
    assert settings.heartbeat_interval == 10_000
    assert settings.references == ()
    assert (settings.influxdb, settings.notify, settings.web_config_file) == (None, None, None)


@pytest.fixture
def whole(folder: Path) -> Loaded:
    """Read a config that gives every key of `exporter`, beside the files that it names."""
    Path("secrets").mkdir()
    for name in ("influxdb", "webhook"):
        Path("secrets", name).write_text(f"made-up-{name}\n")
        Path("secrets", name).chmod(0o600)
    Path("ca.pem").write_text("made up\n")
    return loaded(HOST + EXPORTER)


def test_the_exporter_is_what_its_keys_say(whole: Loaded) -> None:
    """Paths are resolved, and references are references."""
    settings = whole.config.exporter
    assert whole.warnings == ()
    assert settings.listen == "[::1]:0"
    assert settings.data_dir == Path("/var/lib/power")
    assert settings.heartbeat_interval == 60_000
    assert settings.external_url == "https://power.example.org/here"
    assert [(one.name, one.role) for one in settings.references] == [
        ("tcp", Role.REFERENCE),
        ("tcp-2", Role.REFERENCE),
    ]


def test_the_sinks_are_what_their_keys_say(whole: Loaded) -> None:
    """InfluxDB's token is read at once, the relay's when it is needed."""
    influxdb, notify = whole.config.exporter.influxdb, whole.config.exporter.notify
    assert influxdb is not None
    assert (influxdb.url, influxdb.org, influxdb.bucket) == (
        "http://127.0.0.1:8086",
        "home",
        "power",
    )
    assert (influxdb.token, influxdb.timeout) == (Secret("made-up-influxdb"), 3_000)
    assert notify is not None
    assert notify.url == "https://relay.example.org/alerts"
    assert (notify.token_file, notify.ca_file) == (Path("secrets/webhook"), Path("ca.pem"))


def test_a_config_gives_its_secrets_only_to_who_asks(whole: Loaded) -> None:
    """They can be hidden in the log, and are shown nowhere else."""
    assert [secret.reveal() for secret in secrets_in(whole.config)] == ["made-up-influxdb"]
    assert "made-up" not in repr(whole)


def test_a_webhook_token_may_be_made_later(folder: Path) -> None:
    """Its absence is a warning at its key."""
    text = "exporter:\n  notify:\n    url: http://127.0.0.1:10911/alerts\n    token_file: later\n"
    assert [str(warning) for warning in loaded(HOST + text).warnings] == [
        (
            "config.yaml:8: exporter.notify.token_file: "
            "cannot read later: No such file or directory (it will be read again when it is needed)"
        )
    ]


def test_an_exposed_secret_of_a_probe_is_warned_of_in_its_place(folder: Path) -> None:
    """Wherever in the config a secret stands."""
    Path("token").write_text("made-up\n")
    Path("token").chmod(0o644)
    text = (
        "homes:\n  - name: flat\n    probes:\n      - kind: plug\n  - name: cottage\n    probes:\n"
        "      - kind: plug\n        token_file: token\n"
    )
    assert [str(warning) for warning in loaded(text, SURROUNDINGS).warnings] == [
        (
            "config.yaml:8: homes[1].probes[0].token_file:"
            " token is readable by others (mode 0644); chmod o-rwx it"
        )
    ]


@pytest.mark.parametrize(
    "keys",
    [
        "listen: 127.0.0.1:1",
        "listen: localhost:1",
        "listen: '[::1]:1'",
        "listen: 0.0.0.0:1\n  anonymous: true",
        "listen: :1\n  web_config_file: web.yml",
    ],
)
def test_a_listen_address_is_fine_if_guarded_or_meant(folder: Path, keys: str) -> None:
    """Loopback needs no more."""
    Path("web.yml").write_text(f"basic_auth_users:\n  me: $2b$04${'a' * 53}\n")
    assert loaded(f"{HOST}exporter:\n  {keys}\n").config.exporter.listen


def test_the_alerting_section_is_not_looked_into(folder: Path) -> None:
    """It is the relay's, and so is what is wrong with it."""
    assert loaded(HOST + "alerting: {whatever: 1, listen: [no]}\n").config.homes


def test_sections_may_come_from_several_files(folder: Path) -> None:
    """Each path is relative to the file that holds it; defaults to the first file."""
    Path("homes").mkdir()
    Path("deploy").mkdir()
    Path("homes/config.yaml").write_text(HOST)
    Path("deploy/exporter.yaml").write_text("exporter:\n  listen: 127.0.0.1:1\n  data_dir: here\n")
    settings = load(["homes/config.yaml", "deploy/exporter.yaml"]).config.exporter
    assert (settings.listen, settings.data_dir) == ("127.0.0.1:1", Path("deploy/here"))
    assert load(["homes/config.yaml"]).config.exporter.data_dir == Path("homes/data")


def test_equal_homes_are_equal_however_they_are_written(folder: Path) -> None:
    """A reload leaves a home alone whose meaning has not changed."""
    assert home("probes: [{kind: plug}]") == home(
        "interval: 5000ms\ntitle: flat\nprobes: [{kind: plug, name: plug, role: mains}]"
    )
    assert home("probes: [{kind: plug}]") != home("interval: 6s\nprobes: [{kind: plug}]")


def test_code_makes_the_same_homes() -> None:
    """With milliseconds and settings, and under the same rules."""
    plug = PlugSettings(kind="plug")
    flat = HomeConfig(name="flat", timezone="UTC", interval=200, probes=(plug, plug))
    assert [probe.name for probe in flat.probes] == ["plug", "plug-2"]
    assert ExporterConfig((flat,)).exporter.listen == "127.0.0.1:10910"
    with pytest.raises(ValueError, match="number of voting probes"):
        HomeConfig(name="flat", timezone="UTC", probes=(plug,), quorum=2)


def test_the_shipped_config_needs_no_account_and_no_hardware() -> None:
    """`make run` works on any machine."""
    read = load([ROOT / "config.yaml"])
    assert [[probe.kind for probe in home.probes] for home in read.config.homes] == [["host"]]
    assert read.config.exporter.listen == "127.0.0.1:10910"
    assert read.warnings == ()


def test_only_the_kinds_that_are_used_are_imported() -> None:
    """A start pays for nothing that its config does not ask for."""
    program = (
        "import sys\n"
        "from exporter.config import load\n"
        f"load([{str(ROOT / 'config.yaml')!r}])\n"
        "known = [name for name in sys.modules if name.startswith('exporter.probes.')]\n"
        "print(*sorted(known))\n"
        "print(*sorted({'aiohttp', 'asyncio', 'influxdb_client', 'requests'} & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    used, heavy = run.stdout.splitlines()
    kinds = {"exporter.probes." + kind for kind in ("ac", "command", "file", "http", "icmp", "tcp")}
    assert "exporter.probes.host" in used.split()
    assert not kinds & set(used.split())
    assert heavy == ""


ODD = [
    "",
    "~",
    "0",
    "-1",
    "1.5",
    ".nan",
    "true",
    '""',
    '"\\0"',
    "text",
    "[]",
    "{}",
    "[[]]",
    "{a: b}",
]


@pytest.mark.parametrize("odd", ODD)
def test_no_value_of_any_key_is_answered_with_anything_but_faults(folder: Path, odd: str) -> None:
    """Each key of each probe and section is given each odd value in turn."""
    lines = (
        "homes:\n- name: flat\n  title: t\n  timezone: UTC\n  group: g\n  interval: 5s\n"
        "  timeout: 2s\n  off_after: 1s\n  on_after: 1s\n  unknown_after: 1h\n"
        "  sustained_after: 5m\n  quorum: 1\n  probes:\n  - kind: tcp\n    name: n\n"
        "    role: mains\n    address: 192.0.2.1\n    port: 80\n  - kind: file\n    path: p\n"
        "    on: a\n    off: b\nexporter:\n  listen: 127.0.0.1:1\n  data_dir: d\n"
        "  heartbeat_interval: 1s\n  web_config_file: w\n  anonymous: false\n"
        "  external_url: http://h\n  references:\n  - kind: tcp\n    address: 192.0.2.1\n"
        "    port: 1\n  shard: 1/2\n  influxdb:\n    url: http://h\n    org: o\n    bucket: b\n"
        "    token_file: t\n    timeout: 1s\n  notify:\n    url: http://h\n    token_file: t\n"
        "    ca_file: c\nalerting:\n"
    ).splitlines()
    for place, line in enumerate(lines):
        key, _, _ = line.partition(":")
        text = "\n".join([*lines[:place], f"{key}: {odd}", *lines[place + 1 :]])
        faults = faults_of(text)
        assert {fault.file for fault in faults} <= {"config.yaml"}
        assert all(1 <= fault.line <= len(lines) for fault in faults)
