"""Incidents that are a dict: what a store does with decisions, and no more."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from alerting.alerts import PowerOutage, PowerRestored
from alerting.incidents import Decision, Outage, OutageState, decide_outage


@dataclass
class Incidents:
    """All that is known of outages."""

    outages: dict[tuple[str, int], Outage] = field(default_factory=dict)

    def of_home(self, home: str) -> Sequence[Outage]:
        """The home's open outages and the newest that is not ahead."""
        mine = sorted(
            (outage for outage in self.outages.values() if outage.home == home),
            key=lambda outage: outage.since,
        )
        newest = [outage for outage in mine if not outage.ahead][-1:]
        return [o for o in mine if o.state is OutageState.OPEN and o not in newest] + newest

    def take(self, alert: PowerOutage | PowerRestored, now: int) -> Decision:
        """Decide on an alert and keep what changed."""
        known = self.outages.get((alert.home, alert.since))
        decision = decide_outage(alert, known, self.of_home(alert.home), now)
        self.outages.update({(o.home, o.since): o for o in decision.outages})
        return decision
