"""Owns the reading of the journal from the event loop, in a thread that delays no commit."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from exporter.journal_reader import JournalReader

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Reading:
    """The journal's reading side for callers on the event loop."""

    def __init__(self, folder: Path) -> None:
        self._reader = JournalReader(folder)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reading")

    async def read(
        self,
        query: Callable[Concatenate[JournalReader, Given], Result],
        *args: Given.args,
        **kwargs: Given.kwargs,
    ) -> Result:
        """Run a query such as `JournalReader.after` in the reading thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._thread, lambda: query(self._reader, *args, **kwargs)
        )

    async def close(self) -> None:
        """Finish what is under way and give the file back."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._reader.close)
        self._thread.shutdown()
