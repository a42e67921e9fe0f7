"""What Grafana is given at its start fits together: folders, dashboards, data sources."""

from pathlib import Path
from typing import Any

import yaml

from tests.compose_file import ROOT, flags, mounts, services, variables
from tests.grafana.dashboards import FOLDER, committed

PROVISIONING = ROOT / "grafana" / "provisioning"
DATASOURCES = PROVISIONING / "datasources" / "datasources.yml"


def read(path: Path) -> Any:  # noqa: ANN401  what a file holds
    """Return what a YAML file holds."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def inside(path: Path) -> str:
    """Return where Grafana's container has a folder of the repository."""
    bound = {source: target for source, target, _ in mounts(services()["grafana"])}
    return bound[f"./{path.relative_to(ROOT)}"]


def test_each_kind_has_one_file() -> None:
    """Grafana reads every file of these folders."""
    found = sorted(str(file.relative_to(PROVISIONING)) for file in PROVISIONING.glob("*/*.yml"))
    assert found == ["dashboards/dashboards.yml", "datasources/datasources.yml"]


def test_dashboards_are_where_the_provider_looks() -> None:
    """And cannot be changed there."""
    (provider,) = read(PROVISIONING / "dashboards" / "dashboards.yml")["providers"]
    assert provider["options"]["path"] == inside(FOLDER)
    assert provider["options"]["foldersFromFilesStructure"] is True
    assert provider["allowUiUpdates"] is False


def test_grafana_opens_a_dashboard_that_is_there() -> None:
    """The overview."""
    path = services()["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert path == variables()["GRAFANA_HOME_DASHBOARD"]
    assert path == f"{inside(FOLDER)}/power-overview.json"
    assert (FOLDER / "power-overview.json").exists()


def test_datasources_are_fixed_and_cannot_be_edited() -> None:
    """Dashboards name their kinds, and each is there once; the token comes from a file."""
    sources = read(DATASOURCES)["datasources"]
    assert sorted(one["uid"] for one in sources) == ["influxdb", "prometheus"]
    found = {one["uid"]: one for one in sources}
    assert all(one["editable"] is False and one["access"] == "proxy" for one in sources)
    assert found["prometheus"]["url"] == "http://prometheus:9090"
    influxdb = read(ROOT / "deploy" / "compose" / "services.yml")["exporter"]["influxdb"]
    assert found["influxdb"]["url"] == influxdb["url"]
    assert found["influxdb"]["jsonData"] == {
        "version": "Flux",
        "organization": influxdb["org"],
        "defaultBucket": influxdb["bucket"],
    }
    assert found["influxdb"]["secureJsonData"] == {"token": "$__file{/run/secrets/influxdb_token}"}
    no_comments = [
        line for line in DATASOURCES.read_text().splitlines() if not line.lstrip().startswith("#")
    ]
    assert not any("{" in line.replace("$__file{", "") for line in no_comments), "block style"
    assert {one["type"] for one in sources} == {
        variable["query"]
        for board in committed()
        for variable in board.variables.values()
        if variable["type"] == "datasource"
    }


def test_the_token_is_the_one_that_is_made_for_grafana() -> None:
    """Where `influxdb-tokens` writes it."""
    written = flags(services()["influxdb-tokens"])["--read-token-file"]
    assert written == ["/volumes/secrets/grafana/influxdb_token"]
    assert ("secrets-grafana", "/run/secrets", False) in mounts(services()["grafana"])
