"""Counts what a run has used of its limits: time, turns and money.

The outcome must not be lost. So the agent is warned first, and then the runner requests the outcome. Claude
Code's own limits are a fuse above that, because at its limit of money Claude Code loses the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from function.runner.agent import stream
from function.runner.agent.process import Event
from function.runner.tier import Tier

WARN, STOP, FUSE = 0.7, 0.9, 1.25
"""Shares of a limit: the runner warns the agent, the runner requests the outcome, Claude Code ends the run.
Between STOP and FUSE there is room for two responses: the one that passed STOP, and the outcome."""

WARNING = (
    "This run has used {share:.0%} of its {limit}. Make only the checks that decide the question, then call "
    "StructuredOutput. At 90 % the run is stopped, and you are asked for the outcome."
)


@dataclass(frozen=True)
class Used:
    """What a run has used so far, according to Claude Code's events."""

    turns: int = 0
    """The responses of the model."""
    cost_usd: float = 0.0
    response: str = ""
    """The id of the last response."""
    open_calls: frozenset[str] = frozenset()
    """The calls of tools in the last response that have no result yet. The call with the outcome stays open,
    because the result of the run follows it."""

    def after(self, event: Event) -> Used:
        """Returns what is used after the event."""
        if response := stream.response(event):
            if response.id == self.response:  # Claude Code writes one event for each part of a response
                return replace(self, open_calls=self.open_calls | response.calls)
            return replace(self, turns=self.turns + 1, response=response.id, open_calls=response.calls)
        cost = max(self.cost_usd, stream.cost(event))
        return replace(self, cost_usd=cost, open_calls=self.open_calls - stream.answered(event))

    @property
    def waits_for_tools(self) -> bool:
        """Whether a tool is called whose result the model will read."""
        return bool(self.open_calls) and stream.OUTCOME_CALL not in self.open_calls


def nearest(tier: Tier, used: Used, seconds: float) -> tuple[float, str]:
    """Returns the limit that is nearest, as the used share and the name."""
    return max(
        (seconds / tier.seconds, "time"),
        (used.turns / tier.max_turns, "turns"),
        (used.cost_usd / tier.max_cost_usd, "money"),
    )
