"""The component: one class for each interface of the world in wit/world.wit."""

from wit_world.imports import types

from lockstep_sdk import fill, guarded, members, protocol, text
from market.api import market
from market.cancellations import Cancellations
from market.listings import Listings
from market.orders import Orders
from market.parcels import Fulfillments
from market.stock import Stock

__all__ = ["About", "Cancellations", "Fulfillments", "Listings", "Orders", "Stock"]


@guarded
class About:
    def identify(self):
        """The connection test of `channel add`. The id pins the channel to this account."""
        account = members(market.get_json("/v1/account"))
        id = text(account.get("id"))
        if id is None:
            raise protocol("GET /v1/account: the answer does not tell the account's id")
        country = text(account.get("country"))
        return fill(
            types.Account,
            id=id,
            name=text(account.get("name")) or "",
            currency=text(account.get("currency")),
            facts=[types.Fact("country", country)] if country else [],
        )
