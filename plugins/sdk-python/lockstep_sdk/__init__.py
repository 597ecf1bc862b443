"""For authors of Lockstep connectors in Python.

Everything here works on the classes that componentize-py writes from the contract (`wit_world`).
"""

from .faults import (
    auth,
    conflict,
    denied,
    detail,
    guarded,
    missing,
    other,
    protocol,
    rejected,
    throttled,
    unavailable,
    unknown_outcome,
)
from .http import Http, Refusal, encode, path
from .reading import count, exact, flag, instant, members, money, money_from_minor, rows, text
from .records import fill

__all__ = [
    "Http",
    "Refusal",
    "auth",
    "conflict",
    "count",
    "denied",
    "detail",
    "encode",
    "exact",
    "fill",
    "flag",
    "guarded",
    "instant",
    "members",
    "missing",
    "money",
    "money_from_minor",
    "other",
    "path",
    "protocol",
    "rejected",
    "rows",
    "text",
    "throttled",
    "unavailable",
    "unknown_outcome",
]
