"""A plain model of the whole engine: synchronous, in virtual time, slow and readable."""

from .agents import Model

__all__ = ["Model"]
