"""What git has of this repository, or would take."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def files_of_git() -> list[Path]:
    """Return every file that is in the repository or about to be, below ROOT."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607  git is where PATH has it
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]
