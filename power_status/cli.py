"""The command `power-status`. Loads nothing before a Ctrl-C can be answered."""

import sys

FAILED = 1


def main() -> int:
    """Run the command; one that is interrupted ends without a traceback."""
    try:
        from power_status.commands import run_command  # noqa: PLC0415  half a second that Ctrl-C may hit

        return run_command()
    except KeyboardInterrupt:
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
