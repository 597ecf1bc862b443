//! An order item as the status machine sees it. One item is one physical piece.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use lockstep_sdk::json::Node;

/// Where an item stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The buyer's payment is under review.
    PaymentPending,
    /// To be packed.
    Pending,
    /// Carrier and tracking code are told.
    ReadyToShip,
    /// With the carrier.
    Shipped,
    /// With the buyer.
    Delivered,
    /// Cancelled.
    Canceled,
    /// The carrier could not deliver.
    Failed,
    /// On its way back or back.
    Returned,
    /// A word that nobody documented.
    Other(String),
}

impl Status {
    /// Reads the platform's word.
    pub fn parse(word: &str) -> Self {
        match word {
            "payment_pending" => Self::PaymentPending,
            "pending" => Self::Pending,
            "ready_to_ship" => Self::ReadyToShip,
            "shipped" => Self::Shipped,
            "delivered" => Self::Delivered,
            "canceled" | "cancelled" => Self::Canceled,
            "failed" => Self::Failed,
            "returned"
            | "return_shipped_by_customer"
            | "return_waiting_for_approval"
            | "return_rejected"
            | "return_delivered" => Self::Returned,
            other => Self::Other(other.to_owned()),
        }
    }

    /// It has left the seller's hands.
    pub fn left(&self) -> bool {
        matches!(
            self,
            Self::Shipped | Self::Delivered | Self::Failed | Self::Returned
        )
    }
}

/// Who sends an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shipment {
    /// The seller, to the buyer.
    Dropship,
    /// The seller, to the venture's hub.
    Crossdock,
    /// The venture's own warehouse.
    Venture,
}

/// An item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Key of all status calls.
    pub id: u64,
    /// Where it stands.
    pub status: Status,
    /// The platform's word for it.
    pub native: String,
    /// Who sends it.
    pub shipment: Shipment,
    /// How the seller hands it over: `dropship`, `send_to_warehouse` or `pickup`.
    pub delivery_type: &'static str,
    /// False: the venture's, or not yet released.
    pub processable: bool,
    /// The tracking code it has.
    pub tracking: Option<String>,
    /// What may be done next; none when the answer does not say.
    pub actions: Option<Vec<String>>,
}

impl Item {
    /// Reads an item. The error says what is missing.
    pub fn read(node: Node<'_>) -> Result<Self, String> {
        if !node.is_object() {
            return Err(format!("an item is no object: {}", node.shortened(80)));
        }
        let id = node
            .get("id")
            .id()
            .ok_or_else(|| format!("an item has no id: {}", node.shortened(80)))?;
        let native = node
            .get("status")
            .text()
            .ok_or_else(|| format!("item {id} has no status"))?;
        let shipment = node.get("shipment");
        let kind = shipment.get("type").text().unwrap_or_default();
        let (shipment_kind, delivery_type) = match kind.as_str() {
            "warehouse" => (Shipment::Venture, "dropship"),
            "crossdocking" | "dropshipping_crossdocking" | "crossdocking_dropshipping" => {
                let way = shipment.get("crossdockingDeliveryType").text();
                match way.as_deref() {
                    Some("pickup") => (Shipment::Crossdock, "pickup"),
                    Some(_) => (Shipment::Crossdock, "send_to_warehouse"),
                    None if kind == "crossdocking" => (Shipment::Crossdock, "send_to_warehouse"),
                    None => (Shipment::Crossdock, "dropship"),
                }
            }
            _ => (Shipment::Dropship, "dropship"),
        };
        let actions = node.get("actions");
        Ok(Self {
            id,
            status: Status::parse(&native),
            native,
            shipment: shipment_kind,
            delivery_type,
            processable: node.get("isProcessable").flag().unwrap_or(true),
            tracking: shipment.get("trackingCode").text(),
            actions: (!actions.is_null())
                .then(|| actions.list().into_iter().filter_map(Node::text).collect()),
        })
    }

    /// Reads the items of an order.
    pub fn read_all(order: &RawValue) -> Result<Vec<Self>, String> {
        let read = |row: &&RawValue| {
            let row: Value = serde_json::from_str(row.get()).map_err(|e| e.to_string())?;
            Self::read(Node::new(&row))
        };
        apart(order)?.1.iter().map(read).collect()
    }

    /// Whether an action is offered; true when the answer does not say what is.
    pub fn offers(&self, action: &str) -> bool {
        self.actions
            .as_ref()
            .is_none_or(|actions| actions.iter().any(|a| a == action))
    }

    /// The seller is to act on it.
    pub fn sellers(&self) -> bool {
        self.shipment != Shipment::Venture
    }

    /// It waits for something that is not the seller's to do.
    pub fn withheld(&self) -> bool {
        let waiting = matches!(self.status, Status::Pending | Status::ReadyToShip);
        self.status == Status::PaymentPending || (self.sellers() && !self.processable && waiting)
    }
}

/// An order without its items, and the items as text: whoever reads them one by one never has thousands in memory.
pub fn apart(order: &RawValue) -> Result<(Value, Vec<&RawValue>), String> {
    let broken = |error: serde_json::Error| format!("it is no valid JSON ({error})");
    let mut members: BTreeMap<String, &RawValue> =
        serde_json::from_str(order.get()).map_err(|_| "it is no order".to_owned())?;
    let items = match members.remove("items") {
        None => Vec::new(),
        Some(raw) => match serde_json::from_str(raw.get()) {
            Ok(rows) => rows,
            Err(_) if matches!(raw.get(), "null" | "\"\"") => Vec::new(),
            Err(_) => match serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get()) {
                // A list can be written as an object with the keys "0", "1" ...
                Ok(rows) if rows.keys().all(|k| k.bytes().all(|b| b.is_ascii_digit())) => {
                    rows.into_values().collect()
                }
                // A lone item comes without a list around it.
                _ => vec![raw],
            },
        },
    };
    let members = members
        .into_iter()
        .map(|(name, raw)| Ok((name, serde_json::from_str(raw.get()).map_err(broken)?)));
    let head = Value::Object(members.collect::<Result<_, String>>()?);
    Ok((head, items))
}
