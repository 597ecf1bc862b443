"""An extra that shows the host what reached it. Its twins in the other languages answer exactly the same."""

from componentize_py_types import Err
from wit_world.exports.bundles import Part
from wit_world.exports.order_edits import (
    Edit_AddLine,
    Edit_AddNote,
    Edit_AddTag,
    Edit_SetAttribute,
    Edit_SetShipping,
    NewLine,
    NewShipping,
)
from wit_world.imports import session, types


def or_dash(text):
    """What is not there is a dash."""
    return "-" if text is None else text


def yes(flag):
    return "true" if flag else "false"


def told(facts):
    return ",".join(f"{f.key}={f.value}" for f in facts)


def fails():
    return session.setting("fail") == "true"


def of_address(a):
    texts = [a.name, a.first_name, a.last_name, a.company, a.suburb, a.city, a.region, a.postcode]
    texts += [a.country, a.country_as_given, a.email, a.instructions]
    return "|".join([*map(or_dash, texts), "/".join(a.lines), "/".join(a.phones), yes(a.masked)])


def of_line(line):
    price = f"{line.price.amount} {line.price.currency}"
    return "|".join([or_dash(line.sku), line.title, str(line.quantity), price, yes(line.matched), told(line.properties)])


class OrderEdits:
    def edits(self, draft):
        if fails():
            raise Err(f"no edits of {draft.number}")
        texts = [draft.country, draft.service, draft.service_label, draft.buyer_note, draft.gift_message]
        head = [draft.channel, draft.channel_title, draft.number, draft.placed_at, *map(or_dash, texts)]
        title = "|".join([*head, draft.currency, "/".join(draft.tags)])
        price = types.Money("1.50", draft.currency)
        old = draft.shipping
        shipping = NewShipping(old.title, old.code, old.price) if old else NewShipping(None, None, None)
        to = of_address(draft.ship_to) if draft.ship_to else "-"
        return [
            Edit_AddLine(NewLine(title, len(draft.lines), price, draft.tax_included, draft.attributes)),
            Edit_AddLine(NewLine("bare", 1, price, not draft.tax_included, [])),
            Edit_SetShipping(shipping),
            Edit_AddTag("; ".join(map(of_line, draft.lines))),
            Edit_AddNote(f"{draft.note}; {to}"),
            Edit_SetAttribute(types.Fact("facts", told(draft.facts))),
        ]


class StockEdits:
    def adjust(self, positions):
        if fails():
            echo = [f"{p.listing}|{p.sku}|{p.title}|{p.sellable}|{told(p.facts)}" for p in positions]
            raise Err("; ".join(echo))
        return [p.sellable // 2 for p in positions]


class Bundles:
    def parts(self, candidates):
        if fails():
            raise Err(f"no parts of {len(candidates)}")
        return [self._of(c) if c.facts else [] for c in candidates]

    def _of(self, c):
        return [Part(c.sku, 2, 0x7FFFFFFF), Part("|".join([c.listing, c.title, told(c.facts)]), 1, 0)]
