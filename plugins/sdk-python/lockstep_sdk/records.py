"""Filling in what a connector leaves out of a record."""

import functools
import typing
from dataclasses import fields, is_dataclass

from wit_world.imports import types

_USUAL = [
    (types.Cover, lambda: types.Cover.ORDERED),
    (types.DeliveryMode, types.DeliveryMode_Home),
    (types.EmailKind, lambda: types.EmailKind.UNKNOWN),
    (types.Fulfiller, types.Fulfiller_Seller),
    (types.LineKind, types.LineKind_Goods),
    (types.ListingState, types.ListingState_Buyable),
    (types.PaymentState, types.PaymentState_Paid),
    (types.Side, lambda: types.Side.UNKNOWN),
    (types.Stage, types.Stage_Created),
    (types.State, types.State_Open),
]
"""What stands where a connector says nothing. Lists are empty, flags false, options None."""

_EMPTY = [types.Buyer, types.Delivery, types.Payment, types.Totals]
"""Records that may be left out as a whole: all of their members may."""


def fill(record, **given):
    """A record of the contract: `fill(types.Order, id="1", ...)`. A member without a usual value must be given."""
    for name, make in _defaults(record).items():
        if name not in given:
            given[name] = make()
    return record(**given)


@functools.cache
def _defaults(record):
    hints = typing.get_type_hints(record)
    made = {field.name: _default(hints[field.name]) for field in fields(record)}
    return {name: make for name, make in made.items() if make is not None}


def _default(hint):
    for usual, make in _USUAL:
        if hint == usual:
            return make
    if hint in _EMPTY:
        return lambda: fill(hint)
    if hint is bool:
        return lambda: False
    if typing.get_origin(hint) is list:
        return list
    return (lambda: None) if type(None) in typing.get_args(hint) else None


# Asked once here, while the component is built: what is known then costs no call anything.
for _record in list(vars(types).values()):
    if is_dataclass(_record):
        _defaults(_record)
