"""A network of one's own, in which hosts are silent, unreachable or forbidden.

`python -m tests.exporter.probes.network KIND HOST...` runs in it: it sets the
network up, asks each host and prints the findings; nobody outside notices. Tests
start it with `unshare`, which needs no root where users may have namespaces.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.probes.icmp import icmp_permission
from tests.exporter.probes.rig import world

ROOT = Path(__file__).resolve().parents[3]
TIMEOUT = 1.5  # seconds: longer than the kernel looks for a neighbour here
OWN = ["unshare", "--user", "--map-root-user", "--net"]
NO_RAW = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
ANYBODY = "0 0"  # in net.ipv4.ping_group_range: the group that we are there
NOBODY = ""  # a new network's own setting

SILENT = "198.51.100.8"
NOT_FOUND = "198.51.100.9"
UNREACHABLE = "203.0.113.1"
FORBIDDEN = "203.0.113.65"
NO_ROUTE = "192.0.2.1"
SETUP = """
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add 198.51.100.1/24 dev v0
ip link set v1 up
ip link set v0 up
ip neigh add 198.51.100.8 lladdr 02:00:00:00:00:08 dev v0 nud permanent
ip route add unreachable 203.0.113.0/26
ip route add prohibit 203.0.113.64/26
"""
SYSCTLS = {
    "ipv4/neigh/v0/mcast_solicit": "1",
    "ipv4/neigh/v0/retrans_time_ms": "100",
}

TRY = "import subprocess; subprocess.run('ip link add v0 type veth'.split(), check=True)"


def _may_have_a_network() -> bool:
    try:
        done = subprocess.run([*OWN, sys.executable, "-c", TRY], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


own_network = pytest.mark.skipif(
    not _may_have_a_network(), reason="not run: no network namespace can be had here"
)


def findings(kind: str, *hosts: str, pingers: str = NOBODY, raw: bool = True) -> dict[str, object]:
    """Ask hosts in a network of their own; return what was found, by host."""
    done = subprocess.run(
        [*OWN, *([] if raw else NO_RAW), sys.executable, "-m", __name__, kind, pingers, *hosts],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def _set_up(pingers: str) -> None:
    for line in SETUP.strip().splitlines():
        subprocess.run(line.split(), check=True)
    sysctls = {**SYSCTLS, "ipv4/ping_group_range": pingers} if pingers else SYSCTLS
    for name, value in sysctls.items():
        Path("/proc/sys/net", name).write_text(value, encoding="ascii")


async def _ask(kind: str, hosts: list[str]) -> dict[str, object]:
    keys: dict[str, object] = {"port": 9} if kind == "tcp" else {}
    async with world() as w:
        probes = {host: w.make(kind, Path(), address=host, **keys) for host in hosts}
        found = await asyncio.gather(*(w.find(probe, TIMEOUT) for probe in probes.values()))
    answers: dict[str, object] = {
        host: {"vote": one.vote, "detail": one.detail, "silent": one.silent}
        for host, one in zip(probes, found, strict=True)
    }
    return answers | {"permission": icmp_permission()}


def main(kind: str, pingers: str, *hosts: str) -> None:
    """Set up, ask, print."""
    _set_up(pingers)
    sys.stdout.write(json.dumps(asyncio.run(_ask(kind, list(hosts)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
