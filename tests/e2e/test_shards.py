"""Two exporters share the homes of one config; a home moves to the second with its past."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.e2e.exporters import file_home, wait_for
from tests.e2e.services import Service

OLD, NEW = ["dacha", "bakery"], ["flat", "cottage"]  # shards 1/2 and 2/2


def of_shard(folder: Path, sensors: Path, shard: str) -> Service:
    """Return an exporter that watches its part of the four homes by files."""
    folder.mkdir()
    all_homes = [*OLD, *NEW]
    homes = "\n".join(file_home(sensors / one, one, unknown_after="1m") for one in all_homes)
    return Service(folder, homes, f"  shard: {shard}")


def names(exporter: Service) -> list[str]:
    """Return the homes that an exporter shows."""
    return [home["name"] for home in exporter.get("/api/v1/homes")["homes"]]


def copy_journal(old: Path, new: Path) -> None:
    """Do what `sqlite3 OLD '.backup NEW'` does, also while the old one is written to."""
    new.parent.mkdir()
    with closing(sqlite3.connect(old)) as source, closing(sqlite3.connect(new)) as target:
        source.backup(target)


def test_a_home_moves_to_another_exporter_with_its_past(tmp_path: Path) -> None:
    """The outage that runs meanwhile stays one outage, with its start and its totals."""
    (sensors := tmp_path / "sensors").mkdir()
    for name in [*OLD, *NEW]:
        (sensors / name).write_text("on")
    first = of_shard(tmp_path / "first", sensors, "1/1")
    second = of_shard(tmp_path / "second", sensors, "2/2")
    with first:
        first.wait_for_state("on", "cottage")
        (sensors / "cottage").write_text("off")
        first.wait_for_state("off", "cottage")
        outage = first.home("cottage")["outage"]
        first.settings = "  shard: 1/2"
        first.reload()
        assert "homes=2 of=4 shard=1/2" in first.output()
        assert names(first) == OLD
        copy_journal(tmp_path / "first/data/exporter.db", tmp_path / "second/data/exporter.db")
        with second:
            assert "homes=2 of=4 shard=2/2" in second.output()
            assert names(second) == NEW
            second.wait_for_state("off", "cottage")
            moved = second.home("cottage")["outage"]
            assert (moved["id"], moved["start"]) == (outage["id"], outage["start"])
            (sensors / "cottage").write_text("on")
            second.wait_for_state("on", "cottage")
            counted = 'power_outages_total{home="cottage",duration_class="momentary"}'
            wait_for(lambda: second.metric(counted) == 1)
            assert first.metric(counted) is None
            assert [row["state"] for row in second.rows() if row["home"] == "cottage"] == [
                "on", "off", "on",
            ]  # fmt: skip
