"""Handing in together: groups, order, and faults that reach everybody who waits."""

import asyncio

import pytest

from chassis.together import Together


async def test_what_comes_meanwhile_is_handed_in_together() -> None:
    """Each gets its own answer."""
    groups: list[list[int]] = []
    first = asyncio.Event()

    async def double(items: list[int]) -> list[int]:
        groups.append(items)
        await first.wait()
        return [2 * item for item in items]

    together = Together(double)
    asked = [asyncio.create_task(together(1))]
    while not groups:
        await asyncio.sleep(0)
    asked += [asyncio.create_task(together(item)) for item in (2, 3)]
    await asyncio.sleep(0)
    first.set()
    assert await asyncio.gather(*asked) == [2, 4, 6]
    assert groups == [[1], [2, 3]]


async def test_a_fault_reaches_all_of_its_group_and_no_other() -> None:
    """Whoever waits must hear of it; the next group is handed in all the same."""

    async def fussy(items: list[int]) -> list[int]:
        if 0 in items:
            raise ValueError
        return items

    together = Together(fussy)
    answers = await asyncio.gather(together(0), together(1), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError, ValueError]
    assert await together(2) == 2


async def test_who_waits_no_more_is_handed_in_all_the_same() -> None:
    """What was asked for is done."""
    done: list[int] = []

    async def note(items: list[int]) -> list[None]:
        await asyncio.sleep(0)
        done.extend(items)
        return [None] * len(items)

    together = Together(note)
    asked = asyncio.create_task(together(1))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await together.finish()
    assert done == [1]
