"""Run in a connector's folder, whose bindings they need: `python3 ../sdk-python/tools/plugin.py test`."""

import unittest
from decimal import Decimal

from componentize_py_types import Err
from wit_world.exports.orders import OrderPage
from wit_world.imports import http, types

from lockstep_sdk import (
    Http,
    count,
    exact,
    fill,
    flag,
    guarded,
    instant,
    money,
    money_from_minor,
    path,
    rejected,
    text,
)
from lockstep_sdk.http import read_json, read_refusal
from lockstep_sdk.testing import Fake

api = Http("api")


def kind(error):
    return type(error.value).__name__.removeprefix("Fault_")


class Requests(unittest.TestCase):
    def raised(self, function, *given):
        with self.assertRaises(Err) as caught:
            function(*given)
        return caught.exception

    def fault(self, writes, status, body="", headers=None):
        with Fake("api").on("PUT /x" if writes else "GET /x", status, body, headers):
            if writes:
                return self.raised(api.send_json, "PUT", "/x", {"a": 1})
            return self.raised(api.get_json, "/x")

    def test_each_status_has_its_case(self):
        cases = {401: "Auth", 403: "Denied", 404: "Missing", 410: "Missing", 409: "Conflict", 422: "Rejected", 429: "Throttled"}
        for status, case in cases.items():
            for writes in (False, True):
                self.assertEqual(kind(self.fault(writes, status)), case, status)
        for status in (408, 500, 502, 503, 504):
            self.assertEqual(kind(self.fault(False, status)), "Unavailable")
            self.assertEqual(kind(self.fault(True, status)), "UnknownOutcome")
        self.assertEqual(kind(self.fault(False, 302)), "Protocol")
        self.assertEqual(kind(self.fault(True, 302)), "UnknownOutcome")

    def test_an_answer_that_is_no_json_is_in_doubt_when_it_was_a_write(self):
        for body in ("<html>", '{"cut', b"\xff", "NaN", "[" * 100_000, '{"a":' * 201):
            self.assertEqual(kind(self.fault(False, 200, body)), "Protocol")
            self.assertEqual(kind(self.fault(True, 200, body)), "UnknownOutcome")
        self.assertIn("Bad gateway", self.fault(False, 502, "<html><title>Bad\n gateway</title>").value.value.detail)

    def test_waiting_is_as_long_as_told(self):
        def wait(status, value):
            headers = {"Retry-After": value} if value else {}
            return self.fault(False, status, "", headers).value.value.retry_after_ms

        self.assertEqual(wait(429, "7"), 7_000)
        self.assertEqual(wait(429, "Mon, 09 Mar 2026 00:00:05 GMT"), 5_000)
        self.assertEqual(wait(429, "Sun, 08 Mar 2026 00:00:05 GMT"), 0)
        self.assertEqual(wait(429, "99999999999"), 86_400_000)
        self.assertEqual([wait(429, "later"), wait(429, None), wait(503, None)], [60_000, 60_000, None])

    def test_what_the_transport_says_keeps_what_is_known(self):
        for writes, error, case in (
            (True, http.Error_OutcomeUnknown("cut"), "UnknownOutcome"),
            (True, http.Error_TooLarge(9), "UnknownOutcome"),
            (False, http.Error_TooLarge(9), "Protocol"),
            (True, http.Error_Unavailable("refused"), "Unavailable"),
            (False, http.Error_Forbidden("host"), "Denied"),
            (False, http.Error_Auth("token"), "Auth"),
        ):
            with Fake("api").fails("POST" if writes else "GET", error):
                run = (api.send_json, "POST", "/x", {}) if writes else (api.get_json, "/x")
                self.assertEqual(kind(self.raised(*run)), case)

    def test_several_reads_come_back_in_order_each_with_its_own_end(self):
        fake = Fake("api").on("GET /a", 200, {"a": 1}).on("GET /b", 404).fails("GET /c", http.Error_Unavailable("reset"))
        with fake.on("GET /d", 200, "{"):
            a, b, c, d = api.get_all_json(["/a", "/b", "/c", "/d"])
        self.assertEqual(a, {"a": 1})
        self.assertEqual([kind(one) for one in (b, c, d)], ["Missing", "Unavailable", "Protocol"])

    def test_refusals_are_read_in_the_usual_shapes(self):
        def read(body):
            found = read_refusal(body.encode())
            return found.code, found.detail

        self.assertEqual(read('{"error":{"code":"invalid","message":"no"}}'), ("invalid", "no"))
        self.assertEqual(read('{"errors":[{"code":"E1","message":"no"},{"detail":"never"},"plain"]}'), ("E1", "no; never; plain"))
        self.assertEqual(read('{"code":400,"message":"bad"}'), ("400", "bad"))
        self.assertEqual(read('{"error":"invalid_grant"}'), (None, "invalid_grant"))
        self.assertEqual([read("null"), read("  ")], [(None, "")] * 2)

    def test_queries_are_encoded(self):
        self.assertEqual(path("/v1/x", id=["a b", "ü&="], cursor=None, limit=50), "/v1/x?id=a%20b&id=%C3%BC%26%3D&limit=50")


class Answers(unittest.TestCase):
    def test_what_is_left_out_is_completed(self):
        order = fill(types.Order, id="1", number="1", native_state="open", placed_at="2026-01-01T00:00:00Z", currency="AUD")
        self.assertEqual((order.state, order.holds, order.buyer_note), (types.State_Open(), [], None))
        self.assertEqual((order.payment.state, order.delivery.label_by), (types.PaymentState_Paid(), types.Side.UNKNOWN))
        self.assertEqual(fill(OrderPage).orders, [])
        for wrong in ({}, {"id": "1", "colour": "red"}):
            with self.assertRaises(TypeError):
                fill(types.Order, **wrong)

    def test_an_exception_becomes_the_fault_that_fits_what_was_asked_before(self):
        @guarded
        class Broken:
            def run(self, before):
                before()
                return {}["id"]

            def refuse(self):
                raise rejected("no", "E1")

        def end(before):
            with self.assertRaises(Err) as caught:
                Broken().run(before)
            return kind(caught.exception)

        with Fake("api").on("GET /x", 200, {}).on("PUT /x", 200, {}) as fake:
            self.assertEqual(end(lambda: None), "Other")
            self.assertEqual(end(lambda: api.get_json("/x")), "Protocol")
            self.assertEqual(end(lambda: api.send_json("PUT", "/x")), "UnknownOutcome")
            self.assertIn("KeyError", fake.logged[0])
            with self.assertRaises(Err) as caught:
                Broken().refuse()
            self.assertEqual(caught.exception.value, types.Fault_Rejected(types.Rejection("E1", "no")))


class Values(unittest.TestCase):
    def test_times_become_utc(self):
        for given, wanted in (
            ("2026-03-08T23:41:07.250Z", "2026-03-08T23:41:07.250Z"),
            ("2026-03-09T10:41:07+11:00", "2026-03-08T23:41:07.000Z"),
            ("2026-03-01 10:00:00", "2026-03-01T10:00:00.000Z"),
            (" 2026-03-01 ", "2026-03-01T00:00:00.000Z"),
        ):
            self.assertEqual(instant(given), wanted)
        for bad in ("", "soon", "0000-00-00 00:00:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+11:00", None, 7):
            self.assertIsNone(instant(bad))

    def test_money_is_decimal_text(self):
        self.assertEqual(money("49.90", "AUD"), types.Money("49.90", "AUD"))
        self.assertEqual(money(read_json(b"49.90"), "AUD"), types.Money("49.90", "AUD"))
        self.assertEqual(money_from_minor(1995, 2, "AUD").amount, "19.95")
        self.assertEqual(money_from_minor(-5, 2, "AUD").amount, "-0.05")
        self.assertEqual(money_from_minor(1200, 0, "JPY").amount, "1200")
        self.assertEqual(money("1e-7", "AUD").amount, "0.0000001")
        for bad in ("12,50", "", "NaN", "Infinity", "1e999999", None, {}, True):
            self.assertIsNone(money(bad, "AUD"))
        self.assertIsNone(money("1", ""))

    def test_members_of_neighboring_types_are_read(self):
        self.assertEqual((text(7), text("  "), exact(" a "), exact(Decimal("1.50"))), ("7", None, " a ", "1.50"))
        self.assertEqual((count("7"), count(7)), (7, 7))
        for bad in (-1, 1.5, "x", "²", None, True, 2**40):
            self.assertIsNone(count(bad))
        self.assertEqual((flag("Yes"), flag(0), flag("perhaps")), (True, False, None))

    def test_nesting_within_reason_is_read(self):
        self.assertEqual(read_json(b'{"a":"' + b'[{' * 1_000 + b'\\" \\\\' + b'"}')["a"], "[{" * 1_000 + '" \\')
        self.assertEqual(read_json(b"\xef\xbb\xbf{}"), {})
        self.assertEqual(len(read_json(b"[" * 200 + b"]" * 200)), 1)


if __name__ == "__main__":
    unittest.main()
