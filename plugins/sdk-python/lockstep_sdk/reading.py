"""Reading JSON that does not keep its own description: members may be missing, null, or of a neighboring type."""

from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation

from wit_world.imports import types

from . import faults

MOST = 0xFFFFFFFF


def members(value):
    """The object, or an empty one: members of what is missing are missing too."""
    return value if isinstance(value, dict) else {}


def rows(answer, name):
    """The objects of a list under its name. An answer without the list is a `protocol` fault."""
    found = members(answer).get(name)
    if not isinstance(found, list):
        raise faults.protocol(f'the answer has no list "{name}": {str(answer)[:200]}')
    return [members(row) for row in found]


def exact(value):
    """Text byte for byte, or the digits of a number; None when empty."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None


def text(value):
    """Text without the blanks around it, or the digits of a number; None when nothing is left."""
    return (exact(value) or "").strip() or None


def count(value):
    """A whole number that is not negative and fits 32 bits (7, "7"); None for anything else."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) <= 20:
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
    return value if fits else None


def flag(value):
    """A flag, also as 0 and 1 and as text; None for anything else."""
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    return words.get((text(value) or "").lower())


def instant(value):
    """The contract's form of a time; None for anything that is none. Without a zone it is taken as UTC."""
    try:
        at = datetime.fromisoformat(value.strip())
        at = at.replace(tzinfo=at.tzinfo or timezone.utc).astimezone(timezone.utc)
    except (AttributeError, ValueError, OverflowError):
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(value, currency):
    """The contract's `money` from a decimal or decimal text; None when it is none, or there is no currency."""
    try:
        amount = Decimal(exact(value) or "")
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount.as_tuple().exponent) > 20 or not currency:
        return None
    return types.Money(f"{amount:f}", currency)


def money_from_minor(units, digits, currency):
    """Money that the marketplace gives in minor units: 1995 with 2 digits is 19.95."""
    return money(Decimal(units).scaleb(-digits), currency)
