"""An order in which its number decides everything.

Ten orders in a row have each case of each variant, options with and without a value, and no two fields alike.
"""

from dataclasses import fields
from typing import get_args

from wit_world.imports import types
from wit_world.imports.types import Fact


def cycle(cases, n):
    return cases[n % len(cases)]


def cases(variant, **payloads):
    """All cases of a variant, in the order of the contract."""

    def make(case):
        name = case.__name__.split("_", 1)[1]
        return case(payloads[name]) if fields(case) else case()

    return [make(case) for case in get_args(variant)]


FULFILLERS = cases(types.Fulfiller, SellerToHub="hub", Marketplace="warehouse", Partner="partner")
STAGES = cases(types.Stage, Other="adrift")
STATES = cases(types.State, Other="limbo")
SIDES = list(types.Side)
PARTS = cases(types.Part, Other="deposit")
PAYMENTS = cases(types.PaymentState, Other="barter")
MODES = cases(types.DeliveryMode, PickupPoint="point", Store="store", Hub="hub", Other="drone")
KINSHIPS = cases(types.Kinship, Other="cousin")
ADJUSTMENTS = cases(types.AdjustmentKind, Other="apology")
EMAILS = list(types.EmailKind)
LINE_KINDS = cases(types.LineKind, Other="ticket")
COVERS = list(types.Cover)
ACTIONS = cases(types.Action, Other="dance")

CARRIER = types.Carrier("AP", "Post", "https://post.example")
WINDOW = types.Window("2026-03-01T00:00:00Z", "2026-03-09T00:00:00Z")
GIFT = types.Gift("for you", "me", "red")


def money(amount):
    return types.Money(amount, "AUD")


def some_of(n):
    """Values of options: there are some for even numbers, and none for odd ones."""
    return lambda value: value if n % 2 == 0 else None


def holds(n, when):
    some = some_of(n)
    return cases(types.Hold, Acceptance=some(when), Preorder=some_of(n + 1)(when), Other="a storm")


def address(who):
    return types.Address(
        name=f"{who} name",
        first_name=f"{who} first-name",
        last_name=f"{who} last-name",
        company=f"{who} company",
        lines=[f"{who} line 1", f"{who} line 2"],
        suburb=f"{who} suburb",
        city=f"{who} city",
        region=f"{who} region",
        postcode=f"{who} postcode",
        country="AU",
        country_as_given=f"{who} country",
        phones=["+61 2 5550 0001"],
        email=f"{who} email",
        instructions=f"{who} instructions",
        masked=True,
    )


def tax(n):
    some = some_of(n)
    return types.Tax(f"T{n}", some("0.1"), money(f"0.1{n}"), cycle(PARTS, n), some(n % 4 == 0), cycle(SIDES, n))


def delivery(n):
    some = some_of(n)
    return types.Delivery(
        mode=cycle(MODES, n),
        service=some("EXP"),
        service_label=some("Express"),
        preset=some(CARRIER),
        tracking_required=some(True),
        label_by=cycle(SIDES, n),
        ship_to=some(address("ship")),
        final_to=some(address("final")),
        label_reference=some("label"),
        demands=["signature"],
    )


def discounts(some):
    return [types.Discount(some("SALE"), money("1.5"), PARTS[0], some(money("0.5")))]


def charges(some):
    return [types.Charge(PARTS[2], some("WRAP"), money("2.5"))]


def costs(some):
    return [types.Cost("commission", money("3.5"), some(money("0.35")))]


def ask(n, some, when):
    return types.CancelAsk(some("ask"), cycle(SIDES, n), some(1), some("too late"), some(when), some(when))


def line(n, when):
    some = some_of(n)
    return types.Line(
        id=f"L{n}",
        kind=cycle(LINE_KINDS, n),
        fold=some("fold"),
        sku=some("SKU-é"),
        listing=some("listing"),
        product=some("product"),
        title=f"Zoë's tee {n} €",
        choices=[Fact("size", "M")],
        quantity=n + 3,
        cancelled=1,
        shipped=2,
        delivered=some(4),
        returned=some(5),
        state=cycle(STATES, n),
        native_state="native line",
        reason=some("reason"),
        allowed=some(ACTIONS),
        fulfilled_by=some(cycle(FULFILLERS, n // 2)),
        cover=cycle(COVERS, n),
        list_unit=some(money("10.10")),
        paid_unit=some(money("9.09")),
        goods=some(money("8.08")),
        shipping=some(money("7.07")),
        taxes=[tax(t) for t in range(6)],
        discounts=discounts(some),
        charges=charges(some),
        costs=costs(some),
        ship_by=some(WINDOW),
        deliver_by=some(WINDOW),
        ship_from=some("Botany"),
        marks_required=["serial"],
        delivery=some(delivery(n)),
        gift=some(GIFT),
        cancel_asks=[ask(n, some, when)],
        updated_at=some(when),
        facts=[Fact("line", str(n))],
    )


def parcel(n, when):
    some = some_of(n)
    return types.ParcelSeen(
        id=some("parcel"),
        lines=[types.Packed(f"L{n}", 2, [Fact("serial", "S1")])],
        carrier=some(CARRIER),
        tracking=some("TRACK1"),
        tracking_url=some("https://post.example/TRACK1"),
        stage=cycle(STAGES, n),
        native_stage=some("native stage"),
        shipped_at=some(when),
    )


def adjustment(n, when):
    some = some_of(n)
    return types.Adjustment(
        id="adjustment",
        line=some("L0"),
        kind=cycle(ADJUSTMENTS, n),
        quantity=some(1),
        goods=some(money("-1.00")),
        shipping=some(money("-0.50")),
        taxes=[tax(n)],
        reason=some("broken"),
        by=cycle(SIDES, n),
        at=some(when),
        settled=some(True),
    )


def buyer(n, some):
    return types.Buyer(
        id=some("buyer"),
        name=some("Zoë Ng"),
        company="Ng & Co",
        email=some("zoe@mirror.example"),
        email_kind=cycle(EMAILS, n),
        phone=some("+61 2 5550 0002"),
        locale=some("en-AU"),
        purchase_order=some("PO-1"),
        tax_ids=[Fact("ABN", "51 824 753 556")],
    )


def totals(some):
    return types.Totals(
        goods=some(money("1.01")),
        shipping=some(money("2.02")),
        tax=some(money("3.03")),
        discount=some(money("4.04")),
        charges=some(money("5.05")),
        grand=some(money("6.06")),
        tax_included=some(True),
    )


def order(id, when):
    n = int(id)
    some = some_of(n)
    return types.Order(
        id=id,
        number=f"N-{id}",
        basket=some("basket"),
        aliases=[Fact("alias", id)],
        seller_reference=some("reference"),
        site=some("NZ"),
        related=[types.Relation("related", cycle(KINSHIPS, n))],
        state=cycle(STATES, n),
        native_state="native order",
        reason=some("reason"),
        holds=holds(n, when),
        allowed=some(ACTIONS),
        fulfilled_by=cycle(FULFILLERS, n),
        placed_at=when,
        updated_at=some(when),
        closed_at=some(when),
        ship_by=some(WINDOW),
        deliver_by=some(WINDOW),
        currency="AUD",
        totals=totals(some),
        taxes=[tax(n)],
        discounts=discounts(some),
        charges=charges(some),
        costs=costs(some),
        payment=types.Payment(cycle(PAYMENTS, n), some("card"), some("PAY-1"), some(when)),
        buyer=buyer(n, some),
        bill_to=some(address("bill")),
        delivery=delivery(n),
        gift=some(GIFT),
        buyer_note=some("ring twice"),
        marketplace_note=some("fragile"),
        invoice_required=some(True),
        lines=[line(n, when), line(n + 1, when)],
        parcels=[parcel(n, when)],
        adjustments=[adjustment(n, when)],
        cancel_asks=[ask(n, some, when)],
        facts=[Fact("order", id)],
    )
