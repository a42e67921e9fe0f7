"""The dashboards in the repository are those that the code makes, and no others."""

from pathlib import Path

from grafana.__main__ import DASHBOARDS, PROMQL_PAGE, generated, promql_page


def differing(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Return what is not as generated, and what nothing generates."""
    there = {str(file.relative_to(folder)): file for file in folder.glob("**/*") if file.is_file()}
    changed = [
        f"{name}: not as generated"
        for name, text in wanted.items()
        if name not in there or there[name].read_bytes() != text.encode()
    ]
    return changed + [f"{name}: nothing generates it" for name in there if name not in wanted]


def test_the_dashboards_are_as_generated() -> None:
    """Byte for byte; `make dashboards` writes them."""
    assert differing(DASHBOARDS, generated()) == []


def test_the_page_of_queries_is_as_generated() -> None:
    """It tells what the dashboards ask, and nothing else."""
    assert PROMQL_PAGE.read_text(encoding="utf-8") == promql_page()


def test_generating_twice_gives_the_same() -> None:
    """Nothing of the moment or of the machine is in them."""
    assert generated() == generated()


def test_a_difference_is_told(tmp_path: Path) -> None:
    """A changed byte, a missing file and a file too many, in a folder too."""
    wanted = {"a.json": "{}\n", "b.json": "{}\n"}
    (tmp_path / "a.json").write_text("{}", encoding="utf-8")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "c.json").write_text("{}\n", encoding="utf-8")
    assert differing(tmp_path, wanted) == [
        "a.json: not as generated",
        "b.json: not as generated",
        "more/c.json: nothing generates it",
    ]
