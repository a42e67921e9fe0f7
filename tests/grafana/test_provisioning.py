"""What Grafana is given at its start fits together: folders, dashboards, data sources."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.grafana.dashboards import FOLDER, ROOT, committed

PROVISIONING = ROOT / "grafana" / "provisioning"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
GRAFANA: dict[str, Any] = COMPOSE["services"]["grafana"]


def provisioned(name: str) -> dict[str, Any]:
    """Return the one file of a kind."""
    (file,) = (PROVISIONING / name).glob("*.yml")
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def inside(path: Path) -> str:
    """Return where the container has a folder of the repository."""
    bound = dict(volume.split(":")[:2] for volume in GRAFANA["volumes"] if volume[0] == ".")
    return str(bound[f"./{path.relative_to(ROOT)}"])


def test_dashboards_are_where_the_provider_looks() -> None:
    """And cannot be changed there."""
    (provider,) = provisioned("dashboards")["providers"]
    assert provider["options"]["path"] == inside(FOLDER)
    assert provider["options"]["foldersFromFilesStructure"] is True
    assert provider["allowUiUpdates"] is False


def test_grafana_opens_a_dashboard_that_is_there() -> None:
    """The overview."""
    path = GRAFANA["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    default = re.fullmatch(r"\$\{GRAFANA_HOME_DASHBOARD:-(.+)\}", path)
    assert default is not None
    assert default[1] == f"{inside(FOLDER)}/power-overview.json"
    assert (FOLDER / "power-overview.json").exists()


def test_each_kind_of_datasource_is_there_once() -> None:
    """So the dashboards' variables have one choice; nobody edits it, and its token is a file."""
    sources = provisioned("datasources")["datasources"]
    assert sorted(one["uid"] for one in sources) == ["influxdb", "prometheus"]
    assert {one["type"] for one in sources} == {"influxdb", "prometheus"}
    assert not any(one.get("editable") for one in sources)
    wanted = {
        v["query"]
        for board in committed()
        for v in board.variables.values()
        if v["type"] == "datasource"
    }
    assert wanted == {one["type"] for one in sources}


def test_the_token_is_the_one_that_is_made_for_grafana() -> None:
    """Where `influxdb-tokens` writes it, and in a style of YAML that Grafana expands."""
    (file,) = (PROVISIONING / "datasources").glob("*.yml")
    text = file.read_text(encoding="utf-8")
    assert re.search(r"^\s+token: \$__file\{/run/secrets/influxdb_token\}$", text, re.MULTILINE)
    asked = COMPOSE["services"]["influxdb-tokens"]["command"]
    assert "--read-token-file=/volumes/secrets/grafana/influxdb_token" in asked
    assert "secrets-grafana:/run/secrets:ro" in GRAFANA["volumes"]
