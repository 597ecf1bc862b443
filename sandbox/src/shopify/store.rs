//! What happens in the store without the API: filling it, storefront sales, packing, edits by the merchant.

use super::Shopify;
use super::fulfill::Pick;
use super::order_create::{claim, place};
use super::state::{
    Due, Line, Location, Order, Product, RefundLine, State, Transaction, Variant, gid, now,
    number_of,
};
use super::stock::Level;
use super::views::{
    AddressView, CustomerView, FulfillmentView, LevelView, LineView, NewProduct, OrderView,
    RefundView, ShippingLineView, TrackingView, VariantView,
};

impl Shopify {
    /// Adds an active location and answers its id.
    pub fn add_location(&self, name: &str) -> String {
        let mut state = self.lock();
        let id = state.id();
        state.locations.insert(
            id,
            Location {
                name: name.to_owned(),
                active: true,
                updated_at: now(),
                by_updated: std::collections::BTreeSet::new(),
            },
        );
        gid("Location", id)
    }

    /// Adds a product and answers the ids of its variants. Searches find it at once, as if it were old.
    pub fn add_product(&self, product: NewProduct) -> Vec<String> {
        let mut state = self.lock();
        let product_id = state.id();
        let at = now() - i64::from(product.days_unchanged) * 86_400;
        let mut ids = Vec::new();
        for new in product.variants {
            let id = state.id();
            let item = state.id();
            let mut levels = Vec::new();
            for (location, available) in new.available {
                let Some(location) = number_of(&location, "Location") else {
                    continue;
                };
                levels.push(Level {
                    id: state.id(),
                    location,
                    active: true,
                    available,
                    updated_at: at,
                    indexed_at: at,
                    ..Level::default()
                });
                if let Some(place) = state.locations.get_mut(&location) {
                    place.by_updated.insert((at, id));
                }
            }
            let sku = new.sku.filter(|s| !s.is_empty());
            if let Some(sku) = &sku {
                state.by_sku.entry(sku.clone()).or_default().insert(id);
            }
            state.by_item.insert(item, id);
            state.variants.insert(
                id,
                Variant {
                    product: product_id,
                    item,
                    sku,
                    title: new.title,
                    price: new.price,
                    barcode: new.barcode,
                    tracked: new.tracked,
                    oversell: false,
                    updated_at: at,
                    levels,
                    indexed_sku: None,
                    indexed_at: at,
                },
            );
            state.index_variant(id);
            ids.push(id);
        }
        let status = match product.status.as_str() {
            "" => "ACTIVE".to_owned(),
            other => other.to_uppercase(),
        };
        state.products.insert(
            product_id,
            Product {
                title: product.title,
                status,
                variants: ids.clone(),
            },
        );
        if let Some(first) = ids.first() {
            state.announce_product(*first, "PRODUCTS_CREATE");
        }
        ids.into_iter()
            .map(|id| gid("ProductVariant", id))
            .collect()
    }

    /// A sale in the storefront; answers the order's id.
    ///
    /// # Errors
    /// No variant or several have the SKU, or too few pieces are available.
    pub fn sell(&self, sku: &str, quantity: u32) -> Result<String, String> {
        let mut state = self.lock();
        let variant = state.only(sku)?;
        let v = &state.variants[&variant];
        let available: i64 = v.levels.iter().map(|l| l.available).sum();
        if v.tracked && available < i64::from(quantity) {
            return Err(format!(
                "{sku} is sold out: {available} available, {quantity} wanted"
            ));
        }
        if quantity == 0 {
            return Err("a sale has at least one piece".to_owned());
        }
        let line = Line {
            id: 0,
            variant: Some(variant),
            sku: v.sku.clone(),
            title: state
                .products
                .get(&v.product)
                .map(|p| p.title.clone())
                .unwrap_or_default(),
            quantity,
            current: quantity,
            price: v.price,
            requires_shipping: true,
            ..Line::default()
        };
        let id = state.id();
        let number = 1_001 + state.orders.len() as u64;
        let at = now();
        let mut order = Order {
            number,
            name: format!("#{number}"),
            created_at: at,
            updated_at: at,
            processed_at: at,
            source_name: Some("web".to_owned()),
            currency: state.config.currency.clone(),
            taxes_included: true,
            financial: Some("PAID".to_owned()),
            lines: vec![line],
            ..Order::default()
        };
        order.lines[0].id = state.id();
        order.transactions.push(Transaction {
            id: state.id(),
            kind: "SALE".to_owned(),
            status: "SUCCESS".to_owned(),
            gateway: Some("shopify_payments".to_owned()),
            amount: order.total(),
        });
        state.orders.insert(id, order);
        claim(&mut state, id);
        place(&mut state, id);
        Ok(gid("Order", id))
    }

    /// Sets the available quantity of every variant with this SKU at a location, as a stock count does.
    pub fn set_available(&self, sku: &str, location: &str, n: i64) {
        let mut state = self.lock();
        let Some(location) = number_of(location, "Location") else {
            return;
        };
        for variant in state.with_sku(sku) {
            state.change_level(variant, location, |level| level.available = n);
        }
    }

    /// Adds to the available quantity of every variant with this SKU at a location.
    pub fn adjust(&self, sku: &str, location: &str, delta: i64) {
        let mut state = self.lock();
        let Some(location) = number_of(location, "Location") else {
            return;
        };
        for variant in state.with_sku(sku) {
            state.adjust(variant, location, "available", delta);
        }
    }

    /// Changes the SKU of a variant; none takes it away.
    pub fn set_sku(&self, variant: &str, sku: Option<&str>) {
        if let Some(id) = number_of(variant, "ProductVariant") {
            self.lock().set_sku(id, sku);
        }
    }

    /// Deletes a variant.
    pub fn remove_variant(&self, variant: &str) {
        if let Some(id) = number_of(variant, "ProductVariant") {
            self.lock().remove_variant(id);
        }
    }

    /// Closes a location, or opens it again.
    pub fn set_location_active(&self, location: &str, active: bool) {
        if let Some(place) = number_of(location, "Location")
            && let Some(place) = self.lock().locations.get_mut(&place)
        {
            place.active = active;
            place.updated_at = now();
        }
    }

    /// Every variant, in the order of creation.
    pub fn variants(&self) -> Vec<VariantView> {
        let state = self.lock();
        state
            .variants
            .iter()
            .map(|(id, v)| state.variant_view(*id, v))
            .collect()
    }

    /// Every order, in the order of creation.
    pub fn orders(&self) -> Vec<OrderView> {
        let state = self.lock();
        state
            .orders
            .iter()
            .map(|(id, o)| state.order_view(*id, o))
            .collect()
    }

    /// One order.
    pub fn order(&self, gid: &str) -> Option<OrderView> {
        let state = self.lock();
        let id = number_of(gid, "Order")?;
        Some(state.order_view(id, state.orders.get(&id)?))
    }

    /// The orders of this name; names are not unique.
    pub fn order_by_name(&self, name: &str) -> Vec<OrderView> {
        let state = self.lock();
        state
            .orders_by_name
            .get(name)
            .into_iter()
            .flatten()
            .filter_map(|id| Some(state.order_view(*id, state.orders.get(id)?)))
            .collect()
    }

    /// Every customer.
    pub fn customers(&self) -> Vec<CustomerView> {
        let state = self.lock();
        state
            .customers
            .iter()
            .map(|(id, c)| CustomerView {
                gid: gid("Customer", *id),
                first_name: c.first_name.clone(),
                last_name: c.last_name.clone(),
                email: c.email.clone(),
                tags: c.tags.clone(),
                default_address: c.default_address.clone(),
                orders: c.orders,
            })
            .collect()
    }

    /// The merchant ships pieces of an order, all open ones when no lines are named, with a carrier and a tracking
    /// number if there are. Answers the fulfillment's id. Lines at several locations become one fulfillment each, of
    /// which the last is answered.
    ///
    /// # Errors
    /// The order is unknown, cancelled, on hold, not routed yet, or has fewer open pieces.
    pub fn fulfill(
        &self,
        order: &str,
        lines: Option<&[(String, u32)]>,
        tracking: Option<(&str, &str)>,
    ) -> Result<String, String> {
        let mut state = self.lock();
        let id = number_of(order, "Order")
            .ok_or_else(|| format!("{order} is not the id of an order"))?;
        let tracking: Vec<TrackingView> = tracking
            .map(|(company, number)| TrackingView {
                company: Some(company.to_owned()),
                number: Some(number.to_owned()),
                url: None,
            })
            .into_iter()
            .collect();
        let parcels = state.parcels(id, lines)?;
        let mut last = Err(format!("{order} has nothing left to fulfill"));
        for picks in parcels {
            let at = state.ship(id, &picks, tracking.clone())?;
            last = Ok(gid("Fulfillment", state.orders[&id].fulfillments[at].id));
        }
        last
    }

    /// The merchant enters or corrects the tracking of a fulfillment.
    pub fn set_tracking(&self, fulfillment: &str, company: &str, number: &str) {
        let mut state = self.lock();
        let found =
            number_of(fulfillment, "Fulfillment").and_then(|n| state.parts.get(&n).copied());
        if let Some((order, at)) = found {
            let tracking = TrackingView {
                company: Some(company.to_owned()),
                number: Some(number.to_owned()),
                url: None,
            };
            state.set_tracking(order, at, vec![tracking]);
        }
    }

    /// The merchant cancels a fulfillment; one that is cancelled already stays so.
    pub fn cancel_fulfillment(&self, fulfillment: &str) {
        let mut state = self.lock();
        let found =
            number_of(fulfillment, "Fulfillment").and_then(|n| state.parts.get(&n).copied());
        if let Some((order, at)) = found {
            let _ = state.cancel_fulfillment(order, at);
        }
    }

    /// The merchant cancels an order, at once.
    ///
    /// # Errors
    /// The order is unknown, cancelled already, or has fulfillments.
    pub fn cancel_order(&self, order: &str, reason: &str, restock: bool) -> Result<(), String> {
        let mut state = self.lock();
        let id = number_of(order, "Order")
            .ok_or_else(|| format!("{order} is not the id of an order"))?;
        state.may_cancel(id)?;
        state.finish_cancel(id, reason, restock, None);
        Ok(())
    }

    /// The merchant deletes an order: nothing of it is left, and its unique ids may be used again.
    ///
    /// # Errors
    /// The order is unknown, or not cancelled: others cannot be deleted.
    pub fn delete_order(&self, order: &str) -> Result<(), String> {
        let id = number_of(order, "Order")
            .ok_or_else(|| format!("{order} is not the id of an order"))?;
        self.lock().delete_order(id)
    }

    /// The merchant takes pieces off an order.
    ///
    /// # Errors
    /// Order or line are unknown, or fewer pieces wait to be shipped.
    pub fn remove_units(
        &self,
        order: &str,
        line: &str,
        quantity: u32,
        restock: bool,
    ) -> Result<(), String> {
        let mut state = self.lock();
        let id = number_of(order, "Order")
            .ok_or_else(|| format!("{order} is not the id of an order"))?;
        let at = number_of(line, "LineItem")
            .and_then(|n| state.parts.get(&n))
            .filter(|(o, _)| *o == id)
            .map(|(_, at)| *at)
            .ok_or_else(|| format!("{order} has no line {line}"))?;
        let of = &state.orders[&id];
        let open = of.lines[at].current - of.fulfilled(at);
        if quantity == 0 || quantity > open {
            return Err(format!(
                "{quantity} pieces cannot be removed: {open} are left and not shipped"
            ));
        }
        let location = of.lines[at].claimed.or(state.main_location());
        let removed = RefundLine {
            id: 0,
            line: at,
            quantity,
            restock: if restock { "CANCEL" } else { "NO_RESTOCK" }.to_owned(),
            location: location.filter(|_| restock),
        };
        state.give_back(id, vec![removed], Vec::new(), None);
        Ok(())
    }

    /// Puts the open fulfillment orders of an order on hold, for a reason like `HIGH_RISK_OF_FRAUD`; none releases
    /// them.
    pub fn hold(&self, order: &str, reason: Option<&str>) {
        let mut state = self.lock();
        let Some(id) = number_of(order, "Order").filter(|n| state.orders.contains_key(n)) else {
            return;
        };
        let topic = match reason {
            Some(_) => "FULFILLMENT_ORDERS_PLACED_ON_HOLD",
            None => "FULFILLMENT_ORDERS_HOLD_RELEASED",
        };
        for at in 0..state.orders[&id].fulfillment_orders.len() {
            let hold = reason.map(|r| (state.id(), r.to_owned()));
            if let Some(order) = state.orders.get_mut(&id) {
                let f = &mut order.fulfillment_orders[at];
                f.hold = hold;
                f.updated_at = now();
            }
            state.announce_hold(id, at, topic);
        }
        let lag = state.config.switches.index_lag_ms;
        state.later(lag, Due::IndexOrder(id));
    }
}

impl State {
    fn with_sku(&self, sku: &str) -> Vec<u64> {
        self.by_sku
            .get(sku)
            .into_iter()
            .flatten()
            .copied()
            .collect()
    }

    fn only(&self, sku: &str) -> Result<u64, String> {
        match self.with_sku(sku).as_slice() {
            [one] => Ok(*one),
            [] => Err(format!("no variant has the SKU {sku}")),
            many => Err(format!("{} variants have the SKU {sku}", many.len())),
        }
    }

    /// The pieces to ship, one parcel per location.
    fn parcels(&self, id: u64, lines: Option<&[(String, u32)]>) -> Result<Vec<Vec<Pick>>, String> {
        let order = self.orders.get(&id).ok_or("there is no such order")?;
        let mut wanted: Option<Vec<(usize, u32)>> = None;
        if let Some(lines) = lines {
            let mut found = Vec::new();
            for (line, quantity) in lines {
                let (_, at) = number_of(line, "LineItem")
                    .and_then(|n| self.parts.get(&n))
                    .filter(|(o, _)| *o == id)
                    .ok_or_else(|| format!("order {} has no line {line}", order.name))?;
                found.push((*at, *quantity));
            }
            wanted = Some(found);
        }
        let mut parcels: std::collections::BTreeMap<u64, Vec<Pick>> =
            std::collections::BTreeMap::new();
        for (at, f) in order.fulfillment_orders.iter().enumerate() {
            for (i, line) in f.lines.iter().enumerate() {
                let take = match &mut wanted {
                    None => line.remaining,
                    Some(wanted) => {
                        let mut take = 0;
                        for (_, left) in wanted.iter_mut().filter(|(l, _)| *l == line.line) {
                            let part = (*left).min(line.remaining - take);
                            *left -= part;
                            take += part;
                        }
                        take
                    }
                };
                if take > 0 {
                    parcels.entry(f.location).or_default().push((at, i, take));
                }
            }
        }
        if wanted.is_some_and(|w| w.iter().any(|(_, left)| *left > 0)) {
            return Err(format!(
                "order {} has fewer open pieces than that",
                order.name
            ));
        }
        Ok(parcels.into_values().collect())
    }

    fn variant_view(&self, id: u64, v: &Variant) -> VariantView {
        let product = self.products.get(&v.product);
        let title = product.map_or("", |p| p.title.as_str());
        VariantView {
            gid: gid("ProductVariant", id),
            product: gid("Product", v.product),
            product_status: product.map_or_else(String::new, |p| p.status.clone()),
            item: gid("InventoryItem", v.item),
            sku: v.sku.clone(),
            title: format!("{title} {}", v.title).trim().to_owned(),
            price: v.price,
            barcode: v.barcode.clone(),
            tracked: v.tracked,
            levels: v
                .levels
                .iter()
                .filter(|l| l.active)
                .map(|l| LevelView {
                    location: gid("Location", l.location),
                    available: l.available,
                    committed: l.committed,
                    on_hand: l.on_hand(),
                })
                .collect(),
        }
    }

    fn order_view(&self, id: u64, order: &Order) -> OrderView {
        let instant = |second: i64| jiff::Timestamp::from_second(second).ok();
        let customer = order.customer.and_then(|id| self.customers.get(&id));
        let name = customer.map(|c| {
            let names = [&c.first_name, &c.last_name];
            let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
            names.join(" ")
        });
        let address = |a: &Option<(u64, AddressView)>| a.as_ref().map(|(_, a)| a.clone());
        let line_id = |at: usize| gid("LineItem", order.lines[at].id);
        OrderView {
            gid: gid("Order", id),
            name: order.name.clone(),
            note: order.note.clone(),
            tags: order.tags.clone(),
            customer: order.customer.map(|c| gid("Customer", c)),
            customer_name: name,
            email: order.email.clone(),
            billing_address: address(&order.billing),
            shipping_address: address(&order.shipping),
            lines: order
                .lines
                .iter()
                .enumerate()
                .map(|(i, l)| LineView {
                    id: line_id(i),
                    sku: l.sku.clone(),
                    title: l.title.clone(),
                    variant: l.variant.map(|v| gid("ProductVariant", v)),
                    quantity: l.quantity,
                    current: l.current,
                    fulfilled: order.fulfilled(i),
                    unit_price: l.price,
                    properties: l.properties.iter().cloned().collect(),
                    taxes: l.taxes.clone(),
                    requires_shipping: l.requires_shipping,
                    claimed_at: l.claimed.map(|c| gid("Location", c)),
                })
                .collect(),
            shipping_lines: order
                .shipping_lines
                .iter()
                .map(|s| ShippingLineView {
                    title: s.title.clone(),
                    code: s.code.clone(),
                    source: s.source.clone(),
                    price: s.price,
                })
                .collect(),
            fulfillments: order
                .fulfillments
                .iter()
                .map(|f| FulfillmentView {
                    id: gid("Fulfillment", f.id),
                    status: if f.cancelled { "CANCELLED" } else { "SUCCESS" }.to_owned(),
                    tracking: f.tracking.clone(),
                    lines: f.lines.iter().map(|(_, l, n)| (line_id(*l), *n)).collect(),
                    updated_at: instant(f.updated_at),
                })
                .collect(),
            refunds: order
                .refunds
                .iter()
                .map(|r| RefundView {
                    id: gid("Refund", r.id),
                    note: r.note.clone(),
                    lines: r
                        .lines
                        .iter()
                        .map(|l| (line_id(l.line), l.quantity, l.restock.clone()))
                        .collect(),
                    amount: r.amount,
                })
                .collect(),
            created_at: instant(order.created_at),
            updated_at: instant(order.updated_at),
            processed_at: instant(order.processed_at),
            cancelled_at: order.cancelled_at.and_then(instant),
            cancel_reason: order.cancel_reason.clone(),
            financial_status: order.financial.clone(),
            fulfillment_status: order.fulfillment_status().to_owned(),
            metafields: order
                .metafields
                .iter()
                .map(|m| (m.namespace.clone(), m.key.clone(), m.value.clone()))
                .collect(),
            attributes: order.attributes.iter().cloned().collect(),
            source_name: order.source_sent.clone(),
            source_identifier: order.source_identifier.clone(),
            currency: order.currency.clone(),
            taxes_included: order.taxes_included,
            total_tax: order.total_tax(),
            total: order.total(),
            paid: order.paid(),
            refunded: order.refunded(),
        }
    }
}
