"""How calls are counted while they are recognised: all in the look-up's own round trip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from config.models import SitePlan


@dataclass(frozen=True, slots=True)
class Meeting:
    """A call on its way in. Counted are the calls of its number within `window_ms`, no further than `calls`, and those
    that have not ended, where there may be `at_once`; and the numbers its customers called from, up to `numbers`.
    `wanted`: what else the plan needs to know of them: `r` a talk from the number was completed, `p` there is a PIN.
    """

    call_id: str
    window_ms: int
    calls: int
    at_once: int
    numbers: int
    wanted: str

    def arguments(self) -> dict[str, str | int]:
        """As the script names them."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def of(cls, call_id: str, plan: SitePlan) -> Self:
        most = max(plan.limits.calls, plan.velocity.calls)
        asks = plan.identification.ask or any(number.identify for number in plan.numbers.values())
        wanted = ("r" if plan.trust.reached_before else "") + ("p" if asks else "")
        return cls(call_id, plan.velocity.window, most, plan.limits.at_once, plan.velocity.numbers, wanted)
