"""Every refusal we name. The docstring is the sentence a client reads; `slug` is stable."""

from __future__ import annotations


class Refused(Exception):
    """The request cannot be carried out now; nothing was changed."""

    slug = "refused"
    status = 409

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (type(self).__doc__ or "").strip())


class UnknownCall(Refused):
    """No such call here."""

    slug = "unknown-call"
    status = 404


class UnknownAgent(Refused):
    """No such agent here."""

    slug = "unknown-agent"
    status = 404


class UnknownOffer(Refused):
    """No such offer here, or it is long gone."""

    slug = "offer-gone"


class OfferGone(Refused):
    """The lease has passed or the caller has left."""

    slug = "offer-gone"


class ChoiceGone(Refused):
    """The question is over."""

    slug = "choice-gone"


class WrongState(Refused):
    """The call is not in a state that allows this."""

    slug = "wrong-state"


class CallbackOpen(Refused):
    """A callback to this number is booked already."""

    slug = "callback-open"


class CallbackLimit(Refused):
    """This number has been called back as often as the plan allows in a day."""

    slug = "callback-limit"


class AgentEngaged(Refused):
    """The agent is offered a call or talking."""

    slug = "agent-engaged"


class AgentAway(Refused):
    """The agent is offline or on a break."""

    slug = "agent-away"


class PlanMoved(Refused):
    """The plan changed under the request; it is tried again with the new one."""

    slug = "plan-moved"
    status = 503


class SiteFull(Refused):
    """The site's event stream has reached its hard limit; new calls are refused until readers catch up."""

    slug = "site-full"
    status = 503


class NotVirtual(Refused):
    """An explicit time is accepted only on a site created virtual."""

    slug = "not-virtual"


class StaleEdit(Refused):
    """The object was changed since it was read."""

    slug = "stale-edit"
    status = 412


class StepRepeated(Refused):
    """This step of the call has been answered."""

    slug = "step-repeated"


class StepGone(Refused):
    """The call is at another step."""

    slug = "step-gone"
