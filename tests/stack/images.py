"""Makes the images that no registry gives here, under the very names that docker-compose.yml uses.

What Debian builds is real: Prometheus, Alertmanager, VictoriaMetrics, PostgreSQL, Mosquitto.
InfluxDB and Grafana are stand-ins (see tests/stack/stand_ins). Our own image is the Dockerfile's,
on a Debian in place of its base image.
"""

import json
import shutil
import tarfile
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from tests.e2e.real_programs import ROOT, program
from tests.stack.engine import FILES, Engine

STAND_INS = Path(__file__).with_name("stand_ins")
DEBIAN_IMAGE = "stand-in/debian"
PYTHON_IMAGE = "stand-in/python:debian"
BUSYBOX = ("dirname", "sh", "wget")
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
_MORE_TESTS = ("__init__.py", "fakes", "stack/__init__.py", "stack/stand_ins")


@dataclass(frozen=True)
class Real:
    """An image with a real program of tools/programs.toml, laid out as the official image is."""

    program: str
    entry: str  # its path in the official image
    user: int
    data: str

    def make(self, engine: Engine, name: str, _: str) -> str:
        """Import it: busybox, the program, the C library of its Debian; return what it is."""
        changes = {
            "ENTRYPOINT": f'["{self.entry}"]',
            "ENV": "PATH=/bin",
            "USER": str(self.user),
            "WORKDIR": self.data,
        }
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "image.tar"
            with tarfile.open(archive, "w") as tar:
                self._lay(tar)
            _import(engine, archive, name, changes)
        return f"real: Debian's build of {self._version()}"

    def _version(self) -> str:
        row, suite = self._row()
        packages = json.loads((suite / "got.json").read_text())["packages"]
        return str(packages[row["package"]])

    def _row(self) -> tuple[Mapping[str, str], Path]:
        """Return what is known of the program, and the folder of its release of Debian."""
        row = tomllib.loads((ROOT / "tools" / "programs.toml").read_text())[self.program]
        return row, self._starter().parents[1] / "debian" / row["suite"]

    def _starter(self) -> Path:
        return Path(*program(self.program)).resolve()

    def _lay(self, tar: tarfile.TarFile) -> None:
        starter, (row, suite) = self._starter(), self._row()
        home, root = starter.parents[1], suite / "root"
        wanted = [starter, root / row["binary"], *root.glob("usr/lib/*/*.so*")]
        if "data" in row:
            wanted.append(root / row["data"])
        for path in wanted:
            tar.add(path, f"opt/{path.relative_to(home)}")
        tar.add(FILES / "busybox", "bin/busybox")
        for applet in BUSYBOX:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        _add(tar, self.entry, f'#!/bin/sh\nexec /opt/bin/{starter.name} "$@"\n')
        _add(tar, "etc/passwd", f"user:x:{self.user}:{self.user}::{self.data}:/bin/false\n")
        for folder in ("tmp", self.data):
            entry = tarfile.TarInfo(folder.strip("/"))
            entry.type, entry.mode, entry.uid, entry.gid = (
                tarfile.DIRTYPE,
                0o755,
                self.user,
                self.user,
            )
            tar.addfile(entry)


@dataclass(frozen=True)
class Packaged:
    """An image with a program of a Debian package, installed with all that it depends on."""

    package: str
    entry: str  # a script of stand_ins, in the place of the official image's entry point
    user: str

    def make(self, engine: Engine, name: str, _: str) -> str:
        """Build it; return what it is."""
        lines = [
            f"FROM {DEBIAN_IMAGE}",
            f"RUN {' && '.join(self._steps())}",
            "COPY entry /entry",
            f"USER {self.user}",
            'ENTRYPOINT ["/entry"]',
        ]
        with tempfile.TemporaryDirectory() as folder:
            context = Path(folder)
            (context / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
            shutil.copy(STAND_INS / self.entry, context / "entry")
            engine.docker("build", "--quiet", "--tag", name, folder)
        words = ("--rm", "--network=none", "--entrypoint=dpkg-query", name, "--show", self.package)
        return f"real: Debian's build of {engine.docker('run', *words).split()[1]}"

    def _steps(self) -> Sequence[str]:
        number = self.user.partition(":")[0]
        return (
            "mkdir -p /var/lib/apt/lists/partial /var/cache/apt/archives/partial",
            "apt-get -qq update",
            f"apt-get -qq install --no-install-recommends {self.package} netcat-openbsd",
            f"echo 'user:x:{number}:{number}::/:/bin/false' >>/etc/passwd",
        )


@dataclass(frozen=True)
class StandIn:
    """An image with a program of tests/stack/stand_ins, built upon our own image."""

    module: str
    user: str
    what: str
    more: Sequence[str] = ()

    def make(self, engine: Engine, name: str, ours: str) -> str:
        """Build it; return what it is."""
        lines = [
            f"FROM {ours}",
            "USER 0:0",
            "RUN ln -s /usr/bin/busybox /usr/local/bin/wget",
            *self.more,
            "COPY tests /opt/stand-in/tests",
            "ENV PYTHONPATH=/opt/stand-in",
            "HEALTHCHECK NONE",
            f"USER {self.user}",
            f'ENTRYPOINT ["python", "-m", "tests.stack.stand_ins.{self.module}"]',
            "CMD []",
        ]
        with tempfile.TemporaryDirectory() as folder:
            context = Path(folder)
            (context / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
            _copy_tests(context / "tests")
            engine.docker("build", "--quiet", "--tag", name, folder)
        return f"stand-in: {self.what}"


IMAGES: Mapping[str, Real | Packaged | StandIn] = {  # by service of docker-compose.yml
    "prometheus": Real("prometheus-3", "/bin/prometheus", 65534, "/prometheus"),
    "alertmanager": Real("alertmanager-newest", "/bin/alertmanager", 65534, "/alertmanager"),
    "victoriametrics": Real(
        "victoria-metrics", "/victoria-metrics-prod", 65534, "/victoria-metrics-data"
    ),
    "postgres": Packaged("postgresql-17", "postgres.sh", "70:70"),
    "mosquitto": Packaged("mosquitto", "mosquitto.sh", "1883:1883"),
    "influxdb": StandIn(
        "influxdb",
        "1000:1000",
        "the project's fake of InfluxDB 2, set up as the official image sets it up",
        (
            "RUN install -d -o 1000 /var/lib/influxdb2 /etc/influxdb2",
            "RUN ln -s /opt/stand-in/tests/stack/stand_ins/influx /usr/local/bin/influx",
        ),
    ),
    "grafana": StandIn(
        "grafana",
        "472:0",
        "asks the provisioned datasources as Grafana would; proves wiring alone",
        ("RUN install -d -o 472 /var/lib/grafana",),
    ),
}


def make_python(engine: Engine) -> None:
    """Import the Debian that our image is built upon, with this machine's certificates."""
    changes = {"ENV": f"{_PATH} SSL_CERT_FILE=/{_AUTHORITIES} PIP_CERT=/{_AUTHORITIES}"}
    _import(engine, FILES / "debian.tar", DEBIAN_IMAGE, changes)
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        shutil.copy(f"/{_AUTHORITIES}", context / "authorities")
        (context / "Dockerfile").write_text(
            f"FROM {DEBIAN_IMAGE}\nCOPY authorities /{_AUTHORITIES}\n", encoding="utf-8"
        )
        engine.docker("build", "--quiet", "--tag", PYTHON_IMAGE, folder)


def _import(engine: Engine, archive: Path, name: str, changes: Mapping[str, str]) -> None:
    said = [word for key, value in changes.items() for word in ("--change", f"{key} {value}")]
    engine.docker("import", *said, str(archive), name)


def _add(tar: tarfile.TarFile, path: str, text: str) -> None:
    entry = tarfile.TarInfo(path.strip("/"))
    entry.size, entry.mode = len(text.encode()), 0o755
    tar.addfile(entry, BytesIO(text.encode()))


def _copy_tests(target: Path) -> None:
    for name in _MORE_TESTS:
        source, place = ROOT / "tests" / name, target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place)
