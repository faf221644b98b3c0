"""The call flow: `perform(scene)` is the script a caller (or agent) hears next. Pure; no provider's word in it."""

from ivr.flow.perform import perform

__all__ = ["perform"]
