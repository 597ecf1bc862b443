//! Orders, items and packages: how they come about, and the one place where an item changes its status.

use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::buyers::Buyer;
use super::clock;
use super::state::State;
use super::views::{ItemView, OrderView, PlacedOrder, Purchase, ShipmentType, StatusChange};

const FIRST_ORDER: u64 = 601_774;
const FIRST_NUMBER: u64 = 914_002_771;
const FIRST_ITEM: u64 = 88_001;

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    PaymentPending,
    Pending,
    ReadyToShip,
    Shipped,
    Delivered,
    Canceled,
    Failed,
    Returned,
    ReturnShippedByCustomer,
    ReturnDelivered,
    ReturnWaitingForApproval,
    ReturnRejected,
}

impl Status {
    pub(super) const ALL: [Self; 12] = [
        Self::PaymentPending,
        Self::Pending,
        Self::ReadyToShip,
        Self::Shipped,
        Self::Delivered,
        Self::Canceled,
        Self::Failed,
        Self::Returned,
        Self::ReturnShippedByCustomer,
        Self::ReturnDelivered,
        Self::ReturnWaitingForApproval,
        Self::ReturnRejected,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::PaymentPending => "payment_pending",
            Self::Pending => "pending",
            Self::ReadyToShip => "ready_to_ship",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::Returned => "returned",
            Self::ReturnShippedByCustomer => "return_shipped_by_customer",
            Self::ReturnDelivered => "return_delivered",
            Self::ReturnWaitingForApproval => "return_waiting_for_approval",
            Self::ReturnRejected => "return_rejected",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }
}

/// What one customer bought at once.
pub(super) struct Order {
    pub(super) id: u64,
    pub(super) number: String,
    pub(super) buyer: Buyer,
    pub(super) items: Vec<u64>,
    pub(super) shipping_fee: Decimal,
    pub(super) discounted: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) ship_by: Timestamp,
}

/// One piece.
pub(super) struct Item {
    pub(super) id: u64,
    pub(super) order: u64,
    pub(super) product: Option<u64>,
    pub(super) seller_sku: String,
    pub(super) shop_sku: String,
    pub(super) name: String,
    pub(super) variation: String,
    pub(super) shipment_type: ShipmentType,
    pub(super) status: Status,
    pub(super) unit_price: Decimal,
    pub(super) paid_price: Decimal,
    pub(super) shipping_fee: Decimal,
    pub(super) package: Option<u64>,
    pub(super) reason: Option<(String, String, String)>,
    pub(super) serial: Option<String>,
    pub(super) invoice: Option<String>,
    pub(super) pickup_requested: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) status_changed_at: Timestamp,
    pub(super) history: Vec<Entry>,
}

/// One line of history.
pub(super) struct Entry {
    pub(super) status: Status,
    pub(super) at: Timestamp,
    pub(super) editor: &'static str,
    pub(super) note: String,
}

/// Items that travel together.
pub(super) struct Package {
    pub(super) id: u64,
    pub(super) items: Vec<u64>,
    pub(super) provider: String,
    pub(super) tracking: String,
    pub(super) purchase: u64,
}

impl Item {
    /// GST is a tenth of the net price.
    pub(super) fn tax(&self) -> Decimal {
        (self.paid_price / Decimal::from(11))
            .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
    }

    /// Whether the seller may act on it.
    pub(super) fn processable(&self) -> bool {
        self.shipment_type != ShipmentType::Warehouse && self.status != Status::PaymentPending
    }
}

/// A piece about to be sold.
struct Piece {
    product: Option<u64>,
    seller_sku: String,
    shipment_type: ShipmentType,
    price: Decimal,
}

impl State {
    /// A customer buys. The error says why nothing came of it.
    pub(super) fn buy(
        &mut self,
        wanted: &[(&str, u32)],
        buyer: Buyer,
        options: Purchase,
    ) -> Result<PlacedOrder, String> {
        let mut pieces = Vec::new();
        let mut short = None;
        let mut demand = std::collections::BTreeMap::<u64, i64>::new();
        for &(sku, count) in wanted {
            let product = self.on_sale(sku, i64::from(count))?;
            let total = demand.entry(product).or_default();
            *total += i64::from(count);
            let product = &self.products[&product];
            let left = product.available(self.switches.pre_verification_stock);
            if left < *total {
                short = Some(format!("{sku}: {total} wanted, {} available", left.max(0)));
            }
            for _ in 0..count {
                pieces.push(Piece {
                    product: Some(product.id),
                    seller_sku: sku.to_owned(),
                    shipment_type: product.shipment_type,
                    price: product.price.unit(),
                });
            }
        }
        for (sku, count) in &options.venture_items {
            let product = self.product_by_sku(sku);
            for _ in 0..*count {
                pieces.push(Piece {
                    product: product.map(|p| p.id),
                    seller_sku: sku.clone(),
                    shipment_type: ShipmentType::Warehouse,
                    price: product.map_or(Decimal::from(50), |p| p.price.unit()),
                });
            }
        }
        if pieces.is_empty() {
            return Err("nothing is bought: the order has no pieces".to_owned());
        }
        if let Some(short) = short {
            if !options.force {
                self.stats.refused_sales += 1;
                return Err(short);
            }
            self.stats.forced_sales += 1;
        }
        self.stats.sales += 1;
        Ok(self.place(pieces, buyer, &options))
    }

    /// The product a buyer of this SKU gets: of several the one with enough stock.
    fn on_sale(&self, sku: &str, count: i64) -> Result<u64, String> {
        let ids = self.by_seller_sku.get(sku).map_or(&[][..], Vec::as_slice);
        let active = |id: &&u64| self.products[*id].status == "active";
        let mut active = ids.iter().filter(active).copied().peekable();
        let first = active
            .peek()
            .copied()
            .ok_or_else(|| format!("{sku} is not for sale"))?;
        let pre = self.switches.pre_verification_stock;
        let enough = active.find(|id| self.products[id].available(pre) >= count);
        Ok(enough.unwrap_or(first))
    }

    fn place(&mut self, pieces: Vec<Piece>, buyer: Buyer, options: &Purchase) -> PlacedOrder {
        let now = self.now();
        let placed_at = options.placed_at.unwrap_or(now);
        let id = self.next_id("order", FIRST_ORDER);
        let number = self.next_id("number", FIRST_NUMBER).to_string();
        let status = match options.payment_pending {
            true => Status::PaymentPending,
            false => Status::Pending,
        };
        let mut ids = Vec::with_capacity(pieces.len());
        for (index, piece) in pieces.into_iter().enumerate() {
            let item = self.next_id("item", FIRST_ITEM);
            let discount = options.discount_per_item.min(piece.price);
            let product = piece.product.and_then(|id| self.products.get(&id));
            self.items.insert(
                item,
                Item {
                    id: item,
                    order: id,
                    product: piece.product,
                    shop_sku: product.map_or_else(|| format!("TI{item}"), |p| p.shop_sku.clone()),
                    name: product.map_or("Canvas Tote", |p| &p.name).to_owned(),
                    variation: product.map_or("One Size", |p| &p.variation).to_owned(),
                    seller_sku: piece.seller_sku,
                    shipment_type: piece.shipment_type,
                    status,
                    unit_price: piece.price,
                    paid_price: piece.price - discount,
                    shipping_fee: if index == 0 {
                        options.shipping_fee
                    } else {
                        Decimal::ZERO
                    },
                    package: None,
                    reason: None,
                    serial: None,
                    invoice: None,
                    pickup_requested: false,
                    created_at: placed_at,
                    updated_at: now,
                    status_changed_at: now,
                    history: vec![Entry {
                        status,
                        at: now,
                        editor: "platform",
                        note: String::new(),
                    }],
                },
            );
            self.item_updates.insert((now, item));
            self.count_unit(item, 1);
            if let Some(product) = piece.product.and_then(|id| self.products.get_mut(&id)) {
                if piece.shipment_type == ShipmentType::Warehouse {
                    product.consigned = (product.consigned - 1).max(0);
                } else if self.switches.ordering_lowers_quantity {
                    product.quantity = (product.quantity - 1).max(0);
                }
            }
            ids.push(item);
        }
        self.orders.insert(
            id,
            Order {
                id,
                number: number.clone(),
                buyer,
                items: ids.clone(),
                shipping_fee: options.shipping_fee,
                discounted: !options.discount_per_item.is_zero(),
                created_at: placed_at,
                updated_at: now,
                ship_by: clock::ship_by(placed_at),
            },
        );
        self.by_number.insert(number.clone(), id);
        self.orders_created.insert((placed_at, id));
        self.orders_updated.insert((now, id));
        self.emit("onOrderCreated", json!({"OrderId": id, "OrderNr": number}));
        PlacedOrder {
            id,
            number,
            item_ids: ids,
        }
    }

    /// Adds an item to its product's counters, or takes it off them.
    fn count_unit(&mut self, item: u64, by: i64) {
        let item = &self.items[&item];
        if item.shipment_type == ShipmentType::Warehouse {
            return;
        }
        let Some(product) = item.product.and_then(|id| self.products.get_mut(&id)) else {
            return;
        };
        match item.status {
            Status::Pending | Status::ReadyToShip => product.reserved += by,
            Status::PaymentPending => product.unverified += by,
            _ => {}
        }
    }

    /// Marks an item, and by setting its order, as changed now.
    pub(super) fn touch(&mut self, id: u64, now: Timestamp) {
        let Some(item) = self.items.get_mut(&id) else {
            return;
        };
        self.item_updates.remove(&(item.updated_at, id));
        item.updated_at = now;
        self.item_updates.insert((now, id));
        let order = item.order;
        if !self.switches.order_updated_at_follows_items {
            return;
        }
        if let Some(order) = self.orders.get_mut(&order) {
            self.orders_updated.remove(&(order.updated_at, order.id));
            order.updated_at = now;
            self.orders_updated.insert((now, order.id));
        }
    }

    /// Moves items of one order into a status and tells the webhooks.
    pub(super) fn move_items(&mut self, ids: &[u64], to: Status, editor: &'static str, note: &str) {
        let now = self.now();
        for &id in ids {
            if !self.items.contains_key(&id) {
                continue;
            }
            self.count_unit(id, -1);
            if let Some(item) = self.items.get_mut(&id) {
                item.status = to;
                item.status_changed_at = now;
                item.history.push(Entry {
                    status: to,
                    at: now,
                    editor,
                    note: note.to_owned(),
                });
                let seller_ships = item.shipment_type != ShipmentType::Warehouse;
                let product = item.product.and_then(|id| self.products.get_mut(&id));
                if let Some(product) = product.filter(|_| seller_ships)
                    && to == Status::Shipped
                    && self.switches.shipping_lowers_quantity
                {
                    product.quantity = (product.quantity - 1).max(0);
                }
            }
            self.count_unit(id, 1);
            self.touch(id, now);
        }
        let Some(order) = ids
            .first()
            .and_then(|id| self.items.get(id))
            .map(|i| i.order)
        else {
            return;
        };
        let listed: Vec<Value> = ids
            .iter()
            .map(|id| match self.switches.webhook_ids_as_strings {
                true => json!(id.to_string()),
                false => json!(id),
            })
            .collect();
        let payload = json!({"OrderId": order, "OrderItemIds": listed, "NewStatus": to.as_str()});
        self.emit("onOrderItemsStatusChanged", payload);
    }

    /// Moves items, grouped by order, when they stand in one of `from`; returns those moved.
    pub(super) fn move_where(
        &mut self,
        ids: &[u64],
        from: &[Status],
        to: Status,
        editor: &'static str,
        note: &str,
    ) -> Vec<u64> {
        let mut by_order = std::collections::BTreeMap::<u64, Vec<u64>>::new();
        for item in ids.iter().filter_map(|id| self.items.get(id)) {
            let group = by_order.entry(item.order).or_default();
            if from.contains(&item.status) && !group.contains(&item.id) {
                group.push(item.id);
            }
        }
        let mut moved = Vec::new();
        for group in by_order.into_values().filter(|g| !g.is_empty()) {
            self.move_items(&group, to, editor, note);
            moved.extend(group);
        }
        moved
    }

    /// The platform, on behalf of a customer or its staff, cancels what has not been shipped.
    pub(super) fn cancel_by_platform(&mut self, ids: &[u64], reason: &str) -> Vec<u64> {
        let open = [Status::PaymentPending, Status::Pending, Status::ReadyToShip];
        let named = self.reasons.iter().find(|r| r.name == reason);
        let kind = named.map_or("canceled_system", |r| r.kind).to_owned();
        for id in ids {
            if let Some(item) = self.items.get_mut(id).filter(|i| open.contains(&i.status)) {
                item.reason = Some((kind.clone(), reason.to_owned(), String::new()));
            }
        }
        self.move_where(ids, &open, Status::Canceled, "platform", reason)
    }

    /// Ends the payment review of an order: its waiting items become pending.
    pub(super) fn release(&mut self, order: u64) {
        let Some(items) = self.orders.get(&order).map(|o| o.items.clone()) else {
            return;
        };
        self.move_where(
            &items,
            &[Status::PaymentPending],
            Status::Pending,
            "platform",
            "",
        );
    }

    /// Where the platform itself marks items shipped.
    pub(super) fn ship_by_platform(&mut self, ids: &[u64]) {
        self.move_where(ids, &[Status::ReadyToShip], Status::Shipped, "platform", "");
    }

    pub(super) fn order_view(&self, order: &Order) -> OrderView {
        OrderView {
            id: order.id,
            number: order.number.clone(),
            created_at: order.created_at,
            updated_at: order.updated_at,
            ship_by: order.ship_by,
            buyer: order.buyer.clone(),
            currency: self.config.currency.clone(),
            shipping_fee: order.shipping_fee,
            items: order
                .items
                .iter()
                .filter_map(|id| self.items.get(id))
                .map(|item| self.item_view(item))
                .collect(),
        }
    }

    fn item_view(&self, item: &Item) -> ItemView {
        let package = item.package.and_then(|id| self.packages.get(&id));
        ItemView {
            id: item.id,
            seller_sku: item.seller_sku.clone(),
            product_id: item.product,
            status: item.status.as_str().to_owned(),
            packed: item.package.is_some(),
            tracking: package.map(|p| p.tracking.clone()).unwrap_or_default(),
            provider: package.map(|p| p.provider.clone()),
            package: item.package,
            is_processable: item.processable(),
            shipment_type: item.shipment_type,
            reason: item.reason.as_ref().map(|(_, name, _)| name.clone()),
            unit_price: item.unit_price,
            paid_price: item.paid_price,
            tax_amount: item.tax(),
            updated_at: item.updated_at,
            history: item
                .history
                .iter()
                .map(|entry| StatusChange {
                    status: entry.status.as_str().to_owned(),
                    at: entry.at,
                    editor: entry.editor.to_owned(),
                })
                .collect(),
        }
    }
}
