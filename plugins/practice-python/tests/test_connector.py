import unittest

from componentize_py_types import Err
from wit_world.exports.cancellations import Drop
from wit_world.exports.fulfillments import Parcel
from wit_world.exports.stock import Level, Outcome_Applied
from wit_world.imports import http, types

from lockstep_sdk import fill
from lockstep_sdk.testing import Fake
from main import About, Cancellations, Fulfillments, Listings, Orders, Stock

SINCE = "2026-03-01T00:00:00Z"

ORDER = {
    "id": "O1",
    "number": "PM-20001",
    "status": "open",
    "placed_at": "2026-03-09T10:41:07.250+11:00",
    "updated_at": "2026-03-09T00:00:00.000Z",
    "ship_by": "2026-03-11T00:00:00.000Z",
    "currency": "AUD",
    "total": "109.85",
    "shipping": {"method": "standard", "label": "Standard", "price": "9.95", "tax": "0.90"},
    "buyer": {"name": "Marlo Quill", "email": None, "phone": "+61400000000"},
    "ship_to": {
        "name": "Marlo Quill",
        "company": None,
        "line1": "1 Cuba Street",
        "line2": None,
        "city": "Newtown",
        "region": "NSW",
        "postcode": "2042",
        "country": "AU",
    },
    "lines": [
        {
            "id": "1",
            "listing": "L1",
            "sku": "A",
            "title": "Tee",
            "quantity": 2,
            "cancelled": 1,
            "shipped": 1,
            "price": "49.95",
            "tax": "9.08",
        }
    ],
    "parcels": [
        {
            "id": "P1",
            "key": "k",
            "carrier": "auspost",
            "tracking": "33KS01",
            "lines": [{"line": "1", "quantity": 1}],
            "shipped_at": "2026-03-09T01:00:00.000Z",
        }
    ],
}


def market():
    return Fake("api", settings={"tax-name": "GST"})


def level(listing, quantity):
    return fill(Level, listing=listing, quantity=quantity)


def parcel(tracking="33KS01"):
    return fill(
        Parcel,
        id="parcel-7",
        number=1,
        last=True,
        order="O/1",
        lines=[types.Packed("1", 2, [])],
        carrier=types.Carrier("auspost", None, None),
        tracking=tracking,
        shipped_at="2026-03-09T01:00:00Z",
    )


def drop(line):
    return fill(Drop, id=f"drop-{line}", order="O1", line=line, quantity=1, paid=True, reason="out-of-stock")


class Connector(unittest.TestCase):
    def fault(self, kind, function, *given):
        with self.assertRaises(Err) as caught:
            function(*given)
        self.assertIsInstance(caught.exception.value, kind)
        return caught.exception.value.value

    def test_the_account_is_told(self):
        account = {"id": "PM-1001", "name": "Kestrel Outfitters", "country": "AU", "currency": "AUD"}
        with market().on("GET /v1/account", 200, account):
            told = About().identify()
        self.assertEqual((told.id, told.name, told.currency), ("PM-1001", "Kestrel Outfitters", "AUD"))
        self.assertEqual(told.facts, [types.Fact("country", "AU")])

    def test_what_the_marketplace_says_becomes_the_fault_that_the_host_acts_upon(self):
        identify = About().identify
        with (
            market()
            .on("GET /v1/account", 401, {"error": {"code": "unauthorized", "message": "no key"}})
            .on("GET /v1/account", 429, "", {"retry-after": "7"})
            .on("GET /v1/account", 200, "<html><title>Gateway</title></html>")
            .on("GET /v1/account", 200, '{"id":"PM-')
            .on("GET /v1/account", 200, "[]")
            .on("GET /v1/account", 200, b"\xff\xfe")
            .fails("GET /v1/account", http.Error_TooLarge(16_777_216))
        ):
            self.assertEqual(self.fault(types.Fault_Auth, identify), "GET /v1/account: 401 no key")
            self.assertEqual(self.fault(types.Fault_Throttled, identify).retry_after_ms, 7_000)
            for _ in range(5):
                self.fault(types.Fault_Protocol, identify)
        with (
            market()
            .on("PUT /v1/stock", 503, {"error": {"code": "maintenance", "message": "closed"}})
            .on("PUT /v1/stock", 502)
            .fails("PUT /v1/stock", http.Error_OutcomeUnknown("reset"))
            .on("PUT /v1/stock", 200, "{}")
        ):
            push = [Stock().push, [level("L1", 3)]]
            # Maintenance: surely not written. A lost answer, or one that says nothing: nobody knows.
            self.fault(types.Fault_Unavailable, *push)
            for _ in range(3):
                self.fault(types.Fault_UnknownOutcome, *push)

    def test_listings_are_walked_with_the_cursor_of_the_page_before(self):
        tee = {"id": "L1", "sku": " A ", "title": "Tee", "quantity": 5, "active": True}
        odd = {"id": 7, "quantity": -2, "active": None, "title": None, "updated_at": "2026-03-09T10:00:00+11:00"}
        with (
            market()
            .on("GET /v1/listings?limit=200", 200, {"listings": [tee, {"sku": "B"}, None], "next": "c/1"})
            .on("GET /v1/listings?limit=200&cursor=c%2F1", 200, {"listings": [odd], "next": None})
            .on("GET /v1/listings?limit=200", 200, {"rows": []})
        ) as fake:
            first = Listings().page(None, True)
            second = Listings().page(first.next, True)
            self.fault(types.Fault_Protocol, Listings().page, None, True)
        [one] = first.listings
        self.assertEqual((one.sku, one.quantity, one.reserved), (" A ", 5, 0))
        self.assertEqual(one.state, types.ListingState_Buyable())
        self.assertIn("without id", fake.logged[0])
        [two] = second.listings
        self.assertEqual((two.id, two.quantity, two.buyable, second.next), ("7", 0, -2, None))
        self.assertEqual(two.updated_at, "2026-03-08T23:00:00.000Z")
        self.assertEqual(two.state, types.ListingState_Other("unknown"))

    def test_skus_are_looked_up_to_the_letter_and_a_hundred_at_once(self):
        found = [{"id": "L1", "sku": "S0"}, {"id": "L2", "sku": "s1"}]
        with (
            market()
            .on("GET /v1/listings?sku=S0&sku=S1&", 200, {"listings": found})
            .on("GET /v1/listings?sku=S100", 200, {"listings": []})
        ):
            listings = Listings().by_sku([f"S{n}" for n in range(101)])
        self.assertEqual([one.id for one in listings], ["L1"])

    def test_empty_batches_make_no_request(self):
        with market():
            self.assertEqual([Listings().by_id([]), Listings().by_sku([]), Orders().by_id([]), Stock().push([])], [[]] * 4)
            self.assertEqual(Cancellations().cancel([]).lines, [])

    def test_each_level_gets_its_own_outcome(self):
        refused = {"listing": "L2", "ok": False, "error": {"code": "not-found", "message": "gone"}}
        with market().on("PUT /v1/stock", 200, {"results": [refused, {"listing": "L1", "ok": True}, None]}) as fake:
            first, second, third = Stock().push([level("L1", 3), level("L2", 0), level("L3", 1)])
        self.assertEqual(first, Outcome_Applied())
        self.assertEqual(second.value, types.Fault_Missing("gone"))
        self.assertIsInstance(third.value, types.Fault_UnknownOutcome)
        self.assertEqual(fake.body()["levels"][0], {"listing": "L1", "quantity": 3})
        self.fault(types.Fault_Missing, Stock().settle, "t")

    def test_an_order_is_read_whole(self):
        wanted = "GET /v1/orders?changed_since=2026-03-01T00%3A00%3A00Z&limit=200&cursor=c"
        with market().on(wanted, 200, {"orders": [ORDER], "next": "d"}):
            page = Orders().changed(SINCE, "c")
        [order] = page.orders
        self.assertEqual(page.next, "d")
        self.assertEqual(order.placed_at, "2026-03-08T23:41:07.250Z")
        self.assertEqual(order.ship_by.latest, "2026-03-11T00:00:00.000Z")
        self.assertEqual(order.totals.grand, types.Money("109.85", "AUD"))
        self.assertEqual(order.taxes[0].amount, types.Money("0.90", "AUD"))
        self.assertEqual(order.delivery.ship_to.lines, ["1 Cuba Street"])
        self.assertIsNone(order.buyer.email)
        [line] = order.lines
        self.assertEqual((line.quantity, line.cancelled, line.shipped, line.taxes[0].code), (2, 1, 1, "GST"))
        self.assertEqual(line.state, types.State_Shipped())
        self.assertEqual(order.parcels[0].lines, [types.Packed("1", 1, [])])

    def test_words_that_are_new_stop_nothing_and_nothing_is_guessed(self):
        bare = {**ORDER, "status": "frozen", "shipping": None, "buyer": None, "ship_to": None, "parcels": None}
        with market().on("GET /v1/orders?id=O1", 200, {"orders": [bare]}):
            [order] = Orders().by_id(["O1"])
        self.assertEqual(order.state, types.State_Other("frozen"))
        self.assertEqual(order.lines[0].state, types.State_Other("frozen"))
        self.assertIsNone(order.delivery.ship_to)

    def test_an_order_that_cannot_be_read_is_shown_and_the_rest_of_its_page_worked(self):
        bad = {**ORDER, "id": "O2", "lines": [{"id": "1", "quantity": None}]}
        with market().on("GET /v1/orders", 200, {"orders": [bad, {**ORDER, "id": None}, ORDER], "next": None}) as fake:
            first, second = Orders().changed(SINCE, None).orders
        self.assertRegex(first.state.value, '^unreadable: .*"quantity" of line 1')
        self.assertEqual(second.state, types.State_Open())
        self.assertIn("quantity", fake.logged[0])

    def test_a_parcel_is_told_under_the_hosts_key(self):
        with (
            market()
            .on("POST /v1/orders/O%2F1/parcels", 201, {"id": "P1"})
            .on("POST /v1/orders/O%2F1/parcels", 200, {"id": "P1"})
        ) as fake:
            for told in (Fulfillments().prepare(parcel()), Fulfillments().ship(parcel())):
                self.assertEqual((told.reached, told.marketplace_id, told.more), (types.Stage_Shipped(), "P1", False))
        self.assertEqual(
            fake.body(1),
            {
                "key": "parcel-7",
                "carrier": "auspost",
                "tracking": "33KS01",
                "shipped_at": "2026-03-09T01:00:00Z",
                "lines": [{"line": "1", "quantity": 2}],
            },
        )

    def test_a_bad_tracking_code_costs_no_request(self):
        with market():
            for code in (None, "", "a b", "xyz", "33KS01\n"):
                self.fault(types.Fault_Rejected, Fulfillments().prepare, parcel(code))

    def test_carriers_and_reasons_are_those_of_the_account(self):
        with (
            market()
            .on("GET /v1/carriers", 200, {"carriers": [{"code": "auspost", "name": "Australia Post"}]})
            .on("GET /v1/cancel-reasons", 200, {"reasons": [{"code": "out-of-stock"}, {"label": "?"}, {"code": "other"}]})
        ):
            [carrier] = Fulfillments().carriers()
            reasons = Cancellations().reasons()
        self.assertEqual(carrier.carrier, types.Carrier("auspost", "Australia Post", None))
        self.assertEqual([(one.code, one.out_of_stock) for one in reasons], [("out-of-stock", True), ("other", False)])

    def test_what_could_be_cancelled_is_told_and_a_doubt_about_the_rest(self):
        refusal = {"error": {"code": "refused", "message": "shipped"}}
        with (
            market()
            .on("POST /v1/orders/O1/cancellations", 201, {})
            .on("POST /v1/orders/O1/cancellations", 422, refusal)
            .on("POST /v1/orders/O1/cancellations", 422, refusal)
            .on("POST /v1/orders/O1/cancellations", 201, {})
            .on("POST /v1/orders/O1/cancellations", 429)
        ) as fake:
            cancel = Cancellations().cancel
            self.assertEqual(cancel([drop("1"), drop("2")]).lines, [types.Packed("1", 1, [])])
            self.assertEqual(self.fault(types.Fault_Rejected, cancel, [drop("2")]).code, "refused")
            self.fault(types.Fault_UnknownOutcome, cancel, [drop("1"), drop("2")])
        self.assertEqual(fake.body()["key"], "drop-1")


if __name__ == "__main__":
    unittest.main()
