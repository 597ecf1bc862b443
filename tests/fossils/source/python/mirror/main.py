"""A connector that shows the host what reached it. Its twins in the other languages answer exactly the same."""

from wit_world.exports.cancellations import (
    Dropped,
    ReasonEntry,
    ReasonKind_Cancel,
    ReasonKind_Other,
    ReasonKind_Refund,
    ReasonKind_Refuse,
    ReasonKind_RejectReturn,
)
from wit_world.exports.fulfillments import CarrierEntry, Sent
from wit_world.exports.listings import ListingPage
from wit_world.exports.orders import OrderPage
from wit_world.exports.stock import Outcome_Applied, Outcome_Failed, Outcome_Queued, Rest, Settled, Settlement
from wit_world.exports.webhooks import Hint_Channel, Hint_ListingSku, Hint_Nothing, Hint_Order, Subscription
from wit_world.imports import session, types

import asked
import lockstep_sdk as sdk
from order import FULFILLERS, STAGES, cycle, money, order

PLACED = "2026-03-08T23:41:07.123Z"
"""When what was asked for by id was placed."""

LISTING_STATES = [
    types.ListingState_Buyable(),
    types.ListingState_Unbuyable(),
    types.ListingState_Ended(),
    types.ListingState_Pending(),
    types.ListingState_Other("resting"),
]


def or_dash(text):
    """What is not there is a dash."""
    return "-" if text is None else text


def yes(flag):
    return "true" if flag else "false"


def told(facts):
    return ",".join(f"{f.key}={f.value}" for f in facts)


def stumble():
    """The fault that the setting asks for."""
    kind = session.setting("fault")
    if not kind:
        return
    words = f"Zoë was told: {kind}"
    make = getattr(sdk, kind.replace("-", "_"))
    raise {"throttled": lambda: make(words, 1500), "rejected": lambda: make(words, "E063")}.get(kind, lambda: make(words))()


def mirror(interface):
    """Each function stumbles first where it is told to."""
    for name, function in list(vars(interface).items()):
        if not name.startswith("_"):
            setattr(interface, name, lambda *given, run=function: (stumble(), run(*given))[1])
    return sdk.guarded(interface)


@mirror
class About:
    def identify(self):
        for level in session.Level:
            session.log(level, level.name.lower())
        settings = [or_dash(session.setting(key)) for key in ("number", "flag", "unset")]
        return types.Account(
            id=session.channel(),
            name="; ".join(asked.each()),
            native_state=f"{'; '.join(asked.together())}; {' '.join(settings)}",
            selling=len(session.now()) == len(PLACED) and len(session.random_bytes(16)) == 16,
            currency=session.setting("currency"),
            facts=[types.Fact("language", "any")],
        )


def listing(n, stock, **changed):
    def some(value):
        return value if n % 2 == 0 else None

    whole = dict(
        id=str(n),
        parent=some("parent"),
        sku=some("SKU-é"),
        product=some("product"),
        barcodes=["9300000000001", "9300000000002"],
        title=f"Zoë's tee {n} €",
        state=cycle(LISTING_STATES, n),
        native_state=some("native"),
        reasons=["no picture", "no price"],
        quantity=0x7FFFFFFF - n if stock else None,
        reserved=n if stock else None,
        buyable=some(-0x80000000),
        places=[types.Place("Botany", 3)],
        fulfilled_by=cycle(FULFILLERS, n),
        price=some(money("-12.50")),
        lot=some(2),
        least=some(3),
        most=some(4),
        sites=["AU", "NZ"],
        updated_at=some(PLACED),
        facts=[types.Fact("n", str(n))],
    )
    return types.Listing(**{**whole, **changed})


@mirror
class Listings:
    def page(self, cursor, stock):
        if cursor is None:
            return ListingPage([listing(n, stock) for n in range(5)], "again", None)
        return ListingPage([listing(1, stock, id=cursor)], None, 250)

    def by_id(self, ids):
        return [listing(0, True, id=id) for id in ids]

    def by_sku(self, skus):
        return [listing(0, True, sku=sku) for sku in skus]


def outcome(level):
    texts = [level.listing, or_dash(level.parent), or_dash(level.sku), str(level.quantity), str(len(level.places))]
    echo = "|".join([*texts, told(level.facts)])
    match level.quantity:
        case 0:
            return Outcome_Applied()
        case 1:
            return Outcome_Queued(echo)
        case 2:
            return Outcome_Failed(sdk.missing(echo).value)
    return Outcome_Failed(sdk.rejected(echo).value)


@mirror
class Stock:
    def push(self, levels):
        return [outcome(level) for level in levels]

    def settle(self, ticket):
        if ticket == "wait":
            return Settlement(None, 30000)
        rest = {"applied": Rest.APPLIED, "failed": Rest.FAILED}.get(ticket, Rest.UNKNOWN)
        listed = [
            (ticket, Outcome_Applied()),
            ("later", Outcome_Queued("again")),
            ("never", Outcome_Failed(sdk.denied("no").value)),
        ]
        return Settlement(Settled(listed, rest), None)


@mirror
class Orders:
    def changed(self, since, cursor):
        if cursor is None:
            return OrderPage([order("0", since), order("1", since)], "2", 1000)
        return OrderPage([order(cursor, since)], None, None)

    def by_id(self, ids):
        return [order(id, PLACED) for id in ids if id != "gone"]


@mirror
class Acceptance:
    def decide(self, order, decisions):
        if order != "fine":
            echo = [f"{d.line}|{yes(d.accepted)}|{d.quantity}|{or_dash(d.reason)}" for d in decisions]
            raise sdk.conflict(f"{order}: {'; '.join(echo)}")


@mirror
class Fulfillments:
    def carriers(self):
        post = types.Carrier("AP", "Österreichische Post", "https://post.example")
        bare = types.Carrier(None, None, None)
        return [CarrierEntry(post, True, "^[A-Z]+$", False, True), CarrierEntry(bare, None, None, None, False)]

    def prepare(self, parcel):
        lines = ", ".join(f"{p.quantity} x {p.line} [{told(p.marks)}]" for p in parcel.lines)
        carrier = parcel.carrier
        texts = [carrier.code, carrier.name, carrier.url, parcel.tracking, parcel.tracking_url, parcel.shipped_at, parcel.ship_from]
        head = [parcel.id, str(parcel.number), yes(parcel.last), parcel.order, lines]
        echo = "|".join([*head, *map(or_dash, texts), told(parcel.facts)])
        return Sent(cycle(STAGES, parcel.number), echo, not parcel.last)

    def ship(self, parcel):
        return Sent(types.Stage_Shipped(), parcel.tracking, parcel.last)


@mirror
class Cancellations:
    def reasons(self):
        plain = [ReasonKind_Cancel(), ReasonKind_Refuse(), ReasonKind_Refund(), ReasonKind_RejectReturn()]
        kinds = enumerate([*plain, ReasonKind_Other("whim")])
        return [ReasonEntry(f"C{n}", f"Reason {n}", kind, [True, False, None][n % 3], n % 2 == 0) for n, kind in kinds]

    def cancel(self, drops):
        def packed(d):
            nothing = d.goods is None and d.shipping is None and not d.taxes and not d.charges
            words = [d.reason, or_dash(d.refund_reason), or_dash(d.note), or_dash(d.answers)]
            line = "|".join([d.id, d.order, d.line, yes(d.paid), yes(nothing), *words])
            return types.Packed(line, d.quantity, [types.Fact("drop", d.id)])

        return Dropped([packed(d) for d in drops])


@mirror
class Webhooks:
    def list(self):
        return [Subscription(f"S{n}", f"https://shop.example/{n}", [f"event {e}" for e in range(n)], n == 2) for n in (0, 2)]

    def ensure(self, url):
        return Subscription("S9", url, ["all"], True)

    def remove(self, id):
        if id != "S9":
            raise sdk.missing(id)

    def parse(self, headers, body):
        lines = ", ".join(f"{h.name}: {h.value}" for h in headers)
        return [Hint_Order(lines), Hint_ListingSku(body.hex()), Hint_Channel(), Hint_Nothing()]
