"""Telling the channel what was shipped."""

import re

from wit_world.exports.fulfillments import CarrierEntry, Sent
from wit_world.imports import types

from lockstep_sdk import encode, exact, guarded, members, rejected, rows, text

from .api import market

CODE = "^[A-Za-z0-9-]{4,40}$"
"""What the marketplace takes for a tracking code."""


@guarded
class Fulfillments:
    def carriers(self):
        """The host matches what the merchant wrote in Shopify ("AusPost") with these names."""
        return [
            CarrierEntry(
                types.Carrier(exact(row.get("code")), text(row.get("name")), None),
                tracking_required=True,
                tracking_pattern=CODE,
                books_itself=False,
                usable=True,
            )
            for row in rows(market.get_json("/v1/carriers"), "carriers")
        ]

    def prepare(self, parcel):
        """One request does all, so nothing is left for `ship`. Its key makes a repeat harmless: the same parcel comes
        back."""
        return _tell(parcel)

    def ship(self, parcel):
        return _tell(parcel)


def _tell(parcel):
    code = parcel.tracking or ""
    if not re.fullmatch(CODE, code):
        # What is refused here costs no request, and reaches a person at once.
        raise rejected(f'"{code}" is no tracking code for Practice Market: 4 to 40 letters, digits and dashes')
    body = {
        "key": parcel.id,
        "carrier": parcel.carrier.code,
        "tracking": code,
        "shipped_at": parcel.shipped_at,
        "lines": [{"line": packed.line, "quantity": packed.quantity} for packed in parcel.lines],
    }
    told = market.send_json("POST", f"/v1/orders/{encode(parcel.order)}/parcels", body)
    return Sent(types.Stage_Shipped(), exact(members(told).get("id")), more=False)
