"""The desk: takes what an adapter hears, runs one transition of the engine, and says what is heard next."""

from ivr.desk.desk import Desk

__all__ = ["Desk"]
