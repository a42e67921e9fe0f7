"""Writes the dashboards as JSON, and docs/promql.md: `python -m grafana`.

With `--check` it only tells what would change.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from grafana import history, home, overview, reliability, self_monitoring
from grafana.kit.board import Board
from grafana.promql_page import page

ROOT = Path(__file__).resolve().parent.parent
DASHBOARDS = ROOT / "grafana" / "dashboards"
PROMQL_PAGE = ROOT / "docs" / "promql.md"
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


def promql_page() -> str:
    """Return docs/promql.md."""
    return page(make() for make in BOARDS)


def main() -> int:
    """Write what is not as generated, or tell it; return how the process should end."""
    checking = "--check" in sys.argv[1:]
    wanted = {DASHBOARDS / name: text for name, text in generated().items()}
    wanted[PROMQL_PAGE] = promql_page()
    differing = {path: text for path, text in wanted.items() if _there(path) != text}
    for path, text in differing.items():
        sys.stdout.write(f"{'differs' if checking else 'written'}: {path.relative_to(ROOT)}\n")
        if not checking:
            path.write_text(text, encoding="utf-8")
    return int(checking and bool(differing))


def _there(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
