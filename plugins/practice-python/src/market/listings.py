"""What the channel sells."""

from wit_world.exports.listings import ListingPage
from wit_world.imports import session, types

from lockstep_sdk import exact, fill, flag, guarded, instant, text

from .api import look_up, page

PATH = "/v1/listings"
AT_ONCE = 100
"""Ids or SKUs of one request."""
MOST = 0x7FFFFFFF
"""Where 32 bits with a sign end."""


@guarded
class Listings:
    def page(self, cursor, stock):
        rows, next = page(PATH, "listings", cursor)
        return fill(ListingPage, listings=_read(rows), next=next)

    def by_id(self, ids):
        return _read(look_up(PATH, "listings", "id", ids, AT_ONCE))

    def by_sku(self, skus):
        # Equal to the letter.
        return [one for one in _read(look_up(PATH, "listings", "sku", skus, AT_ONCE)) if one.sku in skus]


def _read(rows):
    listings = []
    for row in rows:
        id = exact(row.get("id"))
        if id is None:
            # One bad row stalls nothing else.
            session.log(session.Level.WARN, f"a listing without id: {str(row)[:200]}")
        else:
            listings.append(_listing(id, row))
    return listings


def _listing(id, row):
    quantity = row.get("quantity")
    if not isinstance(quantity, int) or abs(quantity) > MOST:
        quantity = None
    return fill(
        types.Listing,
        id=id,
        # Byte for byte: blanks and case count when SKUs are matched.
        sku=exact(row.get("sku")),
        title=text(row.get("title")) or "",
        state=_state(flag(row.get("active"))),
        # The number that stock writes set.
        quantity=None if quantity is None else max(quantity, 0),
        # A sale lowers `quantity` by itself: nothing else is held back.
        reserved=0,
        buyable=quantity,
        updated_at=instant(row.get("updated_at")),
    )


def _state(active):
    if active is None:
        return types.ListingState_Other("unknown")
    return types.ListingState_Buyable() if active else types.ListingState_Unbuyable()
