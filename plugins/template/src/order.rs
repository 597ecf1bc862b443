//! An order as the contract has it. Always whole: each time it is told, it replaces what the host knew.

use lockstep_sdk::prelude::*;
use lockstep_sdk::time;

/// Reads an order. The fault names it, and the member that must be there and is not.
pub fn order(row: Node<'_>, tax_name: &str) -> Result<Order, Fault> {
    let id = row.get("id").need("an order's id")?;
    let number = row.get("number").text().unwrap_or_else(|| id.clone());
    let need = |member: &str| {
        row.get(member)
            .need(&format!("`{member}` of order {number}"))
    };
    let native_state = need("status")?;
    let state = state(&native_state);
    let currency = need("currency")?;
    let reader = Reader {
        currency: &currency,
        tax_name,
    };
    let lines: Vec<Line> = (row.get("lines").list().into_iter())
        .map(|line| reader.line(line, &state, &number))
        .collect::<Result<_, _>>()?;
    let shipping = row.get("shipping");
    Ok(Order {
        placed_at: instant(row.get("placed_at"))
            .ok_or_else(|| Fault::Protocol(format!("order {number} has no time of purchase")))?,
        updated_at: instant(row.get("updated_at")),
        // Left out, the host counts `[orders] dispatch-hours` from the purchase.
        ship_by: instant(row.get("ship_by")).map(|latest| Window {
            latest: Some(latest),
            ..Window::default()
        }),
        // Sums as the marketplace states them: the host compares, and tells a difference.
        totals: Totals {
            grand: reader.money(row.get("total")),
            shipping: reader.money(shipping.get("price")),
            tax_included: Some(true),
            ..Totals::default()
        },
        taxes: reader.tax(shipping.get("tax"), Part::Shipping),
        // Orders come when they are paid. Where they come before, say so, and give the reason in `holds`.
        payment: Payment {
            state: PaymentState::Paid,
            ..Payment::default()
        },
        buyer: buyer(row.get("buyer")),
        delivery: Delivery {
            service: shipping.get("method").text(),
            service_label: shipping.get("label").text(),
            tracking_required: Some(true),
            ship_to: address(row.get("ship_to"), row.get("buyer")),
            ..Delivery::default()
        },
        parcels: row.get("parcels").list().into_iter().map(parcel).collect(),
        id,
        number,
        state,
        native_state,
        lines,
        currency,
        ..Order::default()
    })
}

/// What is left of an order that cannot be read, so that it is shown to a person, and the rest of its page is worked. One
/// without an id cannot even be shown.
pub fn unreadable(row: Node<'_>, why: &str) -> Result<Order, Fault> {
    let id = row.get("id").need("an order's id")?;
    Ok(Order {
        number: row.get("number").text().unwrap_or_else(|| id.clone()),
        id,
        state: State::Other(format!("unreadable: {why}")),
        native_state: row.get("status").text().unwrap_or_default(),
        placed_at: instant(row.get("placed_at")).unwrap_or_default(),
        currency: row.get("currency").text().unwrap_or_default(),
        ..Order::default()
    })
}

/// The marketplace's word in the contract's. One that is new becomes `other`: the host works nothing on such an order,
/// and shows it. Never guess: `open` is shipped.
fn state(word: &str) -> State {
    match word {
        "open" => State::Open,
        "shipped" => State::Shipped,
        "cancelled" => State::Cancelled,
        other => State::Other(other.to_owned()),
    }
}

/// What amounts are read with.
struct Reader<'a> {
    currency: &'a str,
    tax_name: &'a str,
}

impl Reader<'_> {
    /// Decimal text stays exact. For amounts in minor units: `Money::from_minor`.
    fn money(&self, amount: Node<'_>) -> Option<Money> {
        Some(Money::new(amount.decimal()?, self.currency))
    }

    fn tax(&self, amount: Node<'_>, on: Part) -> Vec<Tax> {
        let tax = self.money(amount).map(|amount| Tax {
            code: self.tax_name.to_owned(),
            // The marketplace tells only the amount.
            rate: None,
            amount,
            on,
            included: Some(true),
            // `Side::Marketplace` where the marketplace pays it to the state: then it is not the shop's to book.
            collected_by: Side::Seller,
        });
        tax.into_iter().collect()
    }

    fn line(&self, row: Node<'_>, order: &State, number: &str) -> Result<Line, Fault> {
        let id = row
            .get("id")
            .need(&format!("a line's id of order {number}"))?;
        let count = |member: &str| {
            let n = row.get(member).int().and_then(|n| u32::try_from(n).ok());
            n.ok_or_else(|| {
                Fault::Protocol(format!("line {id} of order {number} has no `{member}`"))
            })
        };
        let (quantity, cancelled, shipped) =
            (count("quantity")?, count("cancelled")?, count("shipped")?);
        Ok(Line {
            sku: row.get("sku").exact(),
            listing: row.get("listing").exact(),
            title: row.get("title").text().unwrap_or_default(),
            quantity,
            cancelled,
            shipped,
            // The order has one word for all: the line's own state is in its numbers.
            state: match order {
                State::Other(word) => State::Other(word.clone()),
                _ if cancelled == quantity => State::Cancelled,
                _ if cancelled + shipped >= quantity => State::Shipped,
                _ => State::Open,
            },
            // Amounts stay those of all pieces that were ordered. `Cover::Remaining` where cancelling lowers them.
            cover: Cover::Ordered,
            paid_unit: self.money(row.get("price")),
            taxes: self.tax(row.get("tax"), Part::Goods),
            id,
            ..Line::default()
        })
    }
}

/// The host settles by these what it sent: every parcel that the marketplace knows, with its code.
fn parcel(row: Node<'_>) -> ParcelSeen {
    let packed = |line: Node<'_>| {
        let units = line.get("quantity").int()?;
        Some(Packed {
            line: line.get("line").exact()?,
            quantity: u32::try_from(units).ok()?,
            marks: Vec::new(),
        })
    };
    ParcelSeen {
        id: row.get("id").exact(),
        lines: (row.get("lines").list().into_iter())
            .filter_map(packed)
            .collect(),
        carrier: row.get("carrier").text().map(|code| Carrier {
            code: Some(code),
            ..Carrier::default()
        }),
        tracking: row.get("tracking").text(),
        // Parcels are told when they leave. Where they are told earlier, the stages say how far each one is.
        stage: Stage::Shipped,
        shipped_at: instant(row.get("shipped_at")),
        ..ParcelSeen::default()
    }
}

fn buyer(row: Node<'_>) -> Buyer {
    Buyer {
        name: row.get("name").text(),
        email: row.get("email").text(),
        // `Relay` where the marketplace forwards: nobody is written to by accident.
        email_kind: EmailKind::Real,
        phone: row.get("phone").text(),
        ..Buyer::default()
    }
}

fn address(row: Node<'_>, buyer: Node<'_>) -> Option<Address> {
    row.is_object().then(|| Address {
        name: row.get("name").text(),
        company: row.get("company").text(),
        lines: ["line1", "line2"]
            .into_iter()
            .filter_map(|name| row.get(name).text())
            .collect(),
        city: row.get("city").text(),
        region: row.get("region").text(),
        postcode: row.get("postcode").text(),
        // ISO 3166-1 alpha-2. Where the marketplace writes "Australia", translate, and keep its word in
        // `country_as_given`.
        country: row.get("country").text(),
        phones: buyer.get("phone").text().into_iter().collect(),
        ..Address::default()
    })
}

fn instant(text: Node<'_>) -> Option<String> {
    time::instant(&text.text()?)
}
