"""An order as the contract has it. Always whole: each time it is told, it replaces what the host knew."""

from wit_world.imports import types

from lockstep_sdk import count, exact, fill, instant, members, money, protocol, text

STATES = {"open": types.State_Open, "shipped": types.State_Shipped, "cancelled": types.State_Cancelled}


def order(row, tax_name):
    """Reads an order. The fault names it, and the member that must be there and is not."""
    id = _need(exact(row.get("id")), "an order's id")
    number = text(row.get("number")) or id
    currency = _need(text(row.get("currency")), f'"currency" of order {number}')
    status = _need(text(row.get("status")), f'"status" of order {number}')
    state = _state(status)
    shipping = members(row.get("shipping"))
    ship_by = instant(row.get("ship_by"))
    return fill(
        types.Order,
        id=id,
        number=number,
        state=state,
        native_state=status,
        placed_at=_need(instant(row.get("placed_at")), f"the time of purchase of order {number}"),
        updated_at=instant(row.get("updated_at")),
        ship_by=ship_by and types.Window(None, ship_by),
        currency=currency,
        # Sums as the marketplace states them: the host compares, and tells a difference.
        totals=fill(
            types.Totals,
            grand=money(row.get("total"), currency),
            shipping=money(shipping.get("price"), currency),
            tax_included=True,
        ),
        taxes=_tax(shipping.get("tax"), types.Part_Shipping(), currency, tax_name),
        # Orders come when they are paid.
        payment=fill(types.Payment, state=types.PaymentState_Paid()),
        buyer=_buyer(members(row.get("buyer"))),
        delivery=fill(
            types.Delivery,
            service=text(shipping.get("method")),
            service_label=text(shipping.get("label")),
            tracking_required=True,
            ship_to=_address(row.get("ship_to"), members(row.get("buyer"))),
        ),
        lines=[_line(members(one), state, currency, tax_name, number) for one in _list(row.get("lines"))],
        parcels=[_parcel(members(one)) for one in _list(row.get("parcels"))],
    )


def _state(word):
    """The marketplace's word in the contract's. One that is new becomes `other`: the host works nothing on it."""
    known = STATES.get(word)
    return known() if known else types.State_Other(word)


def _line(row, state, currency, tax_name, number):
    id = _need(exact(row.get("id")), f"a line's id of order {number}")

    def pieces(name):
        return _need(count(row.get(name)), f'"{name}" of line {id} of order {number}')

    quantity, cancelled, shipped = pieces("quantity"), pieces("cancelled"), pieces("shipped")
    # The order has one word for all: the line's own state is in its numbers.
    if not isinstance(state, types.State_Other):
        if cancelled == quantity:
            state = types.State_Cancelled()
        else:
            state = types.State_Shipped() if cancelled + shipped >= quantity else types.State_Open()
    return fill(
        types.Line,
        id=id,
        sku=exact(row.get("sku")),
        listing=exact(row.get("listing")),
        title=text(row.get("title")) or "",
        quantity=quantity,
        cancelled=cancelled,
        shipped=shipped,
        state=state,
        native_state="",
        # Amounts stay those of all pieces that were ordered.
        cover=types.Cover.ORDERED,
        paid_unit=money(row.get("price"), currency),
        taxes=_tax(row.get("tax"), types.Part_Goods(), currency, tax_name),
    )


def _tax(value, on, currency, tax_name):
    """The marketplace tells only the amount of tax, and leaves it to the seller to pay."""
    amount = money(value, currency)
    if amount is None:
        return []
    return [types.Tax(tax_name, None, amount, on, included=True, collected_by=types.Side.SELLER)]


def _parcel(row):
    """The host settles by these what it sent: every parcel that the marketplace knows, with its code."""
    packed = [(exact(one.get("line")), count(one.get("quantity"))) for one in map(members, _list(row.get("lines")))]
    carrier = text(row.get("carrier"))
    return fill(
        types.ParcelSeen,
        id=exact(row.get("id")),
        lines=[types.Packed(line, units, []) for line, units in packed if line is not None and units is not None],
        carrier=carrier and types.Carrier(carrier, None, None),
        tracking=text(row.get("tracking")),
        stage=types.Stage_Shipped(),
        shipped_at=instant(row.get("shipped_at")),
    )


def _buyer(row):
    return fill(
        types.Buyer,
        name=text(row.get("name")),
        email=text(row.get("email")),
        email_kind=types.EmailKind.REAL,
        phone=text(row.get("phone")),
    )


def _address(value, buyer):
    if not isinstance(value, dict):
        return None
    return fill(
        types.Address,
        name=text(value.get("name")),
        company=text(value.get("company")),
        lines=[line for name in ("line1", "line2") if (line := text(value.get(name)))],
        city=text(value.get("city")),
        region=text(value.get("region")),
        postcode=text(value.get("postcode")),
        country=text(value.get("country")),
        phones=[phone] if (phone := text(buyer.get("phone"))) else [],
    )


def _list(value):
    return value if isinstance(value, list) else []


def _need(value, what):
    if value is None:
        raise protocol(f"the answer does not tell {what}")
    return value
