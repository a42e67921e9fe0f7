"""Writes the dashboards as JSON: `python -m grafana`; with `--check` it tells what would change."""

import sys
from collections.abc import Callable
from pathlib import Path

from grafana import history, home, overview, reliability, self_monitoring
from grafana.kit.board import Board

DASHBOARDS = Path(__file__).resolve().parent / "dashboards"
BOARDS: tuple[Callable[[], Board], ...] = (
    overview.board,
    home.board,
    history.board,
    reliability.board,
    self_monitoring.board,
)


def generated() -> dict[str, str]:
    """Return every dashboard's JSON by the name of its file."""
    boards = [make() for make in BOARDS]
    return {f"{board.uid}.json": board.json() for board in boards}


def main() -> int:
    """Write what is not as generated, or tell it; return how the process should end."""
    checking = "--check" in sys.argv[1:]
    differing = [name for name, text in generated().items() if _there(name) != text]
    for name in differing:
        sys.stdout.write(f"{'differs' if checking else 'written'}: {name}\n")
        if not checking:
            (DASHBOARDS / name).write_text(generated()[name], encoding="utf-8")
    return int(checking and bool(differing))


def _there(name: str) -> str:
    path = DASHBOARDS / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
