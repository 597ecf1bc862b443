"""Reading orders."""

from componentize_py_types import Err
from wit_world.exports.orders import OrderPage
from wit_world.imports import session, types

from lockstep_sdk import detail, exact, fill, guarded, instant, text

from .api import look_up, page
from .order import order

PATH = "/v1/orders"
AT_ONCE = 50
"""Ids of one request."""


@guarded
class Orders:
    def changed(self, since, cursor):
        rows, next = page(PATH, "orders", cursor, changed_since=since)
        return fill(OrderPage, orders=_read(rows), next=next)

    def by_id(self, ids):
        """The look-up after every write."""
        return _read(look_up(PATH, "orders", "id", ids, AT_ONCE))


def _read(rows):
    tax_name = session.setting("tax-name") or ""
    orders = []
    for row in rows:
        try:
            orders.append(order(row, tax_name))
        except Err as fault:
            # One bad row stalls nothing else. Without an id it cannot even be shown.
            session.log(session.Level.ERROR, detail(fault))
            if exact(row.get("id")) is not None:
                orders.append(_unreadable(row, detail(fault)))
    return orders


def _unreadable(row, why):
    """What is left of an order that cannot be read, so that it is shown to a person, and the rest of its page is
    worked."""
    id = exact(row.get("id"))
    return fill(
        types.Order,
        id=id,
        number=text(row.get("number")) or id,
        state=types.State_Other(f"unreadable: {why}"),
        native_state=text(row.get("status")) or "",
        placed_at=instant(row.get("placed_at")) or "1970-01-01T00:00:00.000Z",
        currency=text(row.get("currency")) or "",
    )
