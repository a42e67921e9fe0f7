"""The probe kinds: one file each, found by name in KINDS and imported when a config uses it."""

from importlib import import_module

from exporter.probes.protocol import Kind

KINDS = {
    "ac": "exporter.probes.ac",
    "command": "exporter.probes.command",
    "file": "exporter.probes.file",
    "heartbeat": "exporter.probes.heartbeat",
    "host": "exporter.probes.host",
    "http": "exporter.probes.http",
    "icmp": "exporter.probes.icmp",
    "simulated": "exporter.probes.simulated",
    "tcp": "exporter.probes.tcp",
}


def kind_named(name: str) -> Kind:
    """Return the kind; raises KeyError for a name that is none."""
    kind: Kind = import_module(KINDS[name]).KIND
    return kind
