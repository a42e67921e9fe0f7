"""A clock that tests set by hand."""

from chassis.instants import Instant

EPOCH = 1_790_000_000_000


class HandClock:
    """Both clocks move only when a test moves them."""

    def __init__(self, wall: int = EPOCH, boot: int = 10_000_000, boot_id: str = "boot-1") -> None:
        self.wall = wall
        self.boot = boot
        self.boot_id = boot_id
        self.is_synchronised = True

    def now(self) -> Instant:
        """Read both clocks."""
        return Instant(self.wall, self.boot)

    def synchronised(self) -> bool:
        """What the kernel says."""
        return self.is_synchronised

    def pass_time(self, ms: int) -> None:
        """Time passes on both clocks."""
        self.wall += ms
        self.boot += ms

    def step(self, ms: int) -> None:
        """Somebody sets the wall clock."""
        self.wall += ms
