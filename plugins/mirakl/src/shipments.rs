//! Shipments of orders, where the marketplace knows them.

use crate::api::{Api, MOST, path, setting};
use lockstep_sdk::json::Node;
use lockstep_sdk::types::{Carrier, Fault, Packed, ParcelSeen, Stage};

/// Orders of one request.
const ORDERS: usize = 50;
/// Pages of one walk, so that a token that repeats ends.
const PAGES: usize = 100;

/// One parcel.
#[derive(Clone, Debug, PartialEq)]
pub struct Shipment {
    /// Its key.
    pub id: String,
    /// The order it belongs to.
    pub order: String,
    /// The marketplace's word for where it stands.
    pub status: String,
    /// Units by line.
    pub lines: Vec<(String, u32)>,
    /// Code of the carrier.
    pub carrier_code: Option<String>,
    /// Name of the carrier.
    pub carrier_name: Option<String>,
    /// Its number, without blanks around it.
    pub tracking: Option<String>,
    /// Where it is followed.
    pub url: Option<String>,
    /// When it left.
    pub shipped_at: Option<String>,
}

impl Shipment {
    /// Reads one; none without an id.
    pub fn read(node: Node<'_>) -> Option<Self> {
        let tracking = node.get("tracking");
        Some(Self {
            id: node.get("id").exact()?,
            order: node.get("order_id").exact().unwrap_or_default(),
            status: node.get("status").text().unwrap_or_default(),
            lines: (node.get("shipment_lines").list().into_iter())
                .filter_map(|line| {
                    let units = line.get("quantity").id().unwrap_or(1);
                    Some((
                        line.get("order_line_id").exact()?,
                        u32::try_from(units).ok()?,
                    ))
                })
                .collect(),
            carrier_code: tracking.get("carrier_code").text(),
            carrier_name: tracking.get("carrier_name").text(),
            tracking: tracking.get("tracking_number").text(),
            url: tracking.get("tracking_url").text(),
            shipped_at: (node.get("shipped_date").text())
                .and_then(|text| lockstep_sdk::time::instant(&text)),
        })
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        match self.status.as_str() {
            "SHIPPING" | "READY_FOR_PICK_UP" | "SHIPMENT_PREPARED" => Stage::Ready,
            "SHIPPED" | "TO_COLLECT" => Stage::Shipped,
            "RECEIVED" | "CLOSED" => Stage::Delivered,
            "CANCELED" => Stage::Cancelled,
            word => Stage::Other(word.to_owned()),
        }
    }

    /// It left the seller.
    pub fn left(&self) -> bool {
        matches!(self.stage(), Stage::Shipped | Stage::Delivered)
    }

    /// Units of a line in it.
    pub fn units(&self, line: &str) -> u32 {
        let of = self.lines.iter().filter(|(id, _)| id == line);
        of.map(|(_, units)| units).sum()
    }

    /// The same in the contract's words.
    pub fn seen(&self) -> ParcelSeen {
        let carrier = Carrier {
            code: self.carrier_code.clone(),
            name: self.carrier_name.clone(),
            url: None,
        };
        ParcelSeen {
            id: Some(self.id.clone()),
            lines: (self.lines.iter())
                .map(|(line, units)| Packed {
                    line: line.clone(),
                    quantity: *units,
                    marks: Vec::new(),
                })
                .collect(),
            carrier: (carrier.code.is_some() || carrier.name.is_some()).then_some(carrier),
            tracking: self.tracking.clone(),
            tracking_url: self.url.clone(),
            stage: self.stage(),
            native_stage: (!self.status.is_empty()).then(|| self.status.clone()),
            shipped_at: self.shipped_at.clone(),
        }
    }
}

/// The shipments of these orders; none where the marketplace, or the setting, has no such thing.
pub fn of(api: Api<'_>, orders: &[&str]) -> Result<Option<Vec<Shipment>>, Fault> {
    if setting(api, "shipments").as_deref() == Some("per-order") {
        return Ok(None);
    }
    let mut found = Vec::new();
    for chunk in orders.chunks(ORDERS) {
        let mut next = path(api, &["shipments"])
            .with("limit", MOST)
            .with_each("order_id", chunk);
        for _ in 0..PAGES {
            let answer = match api.read(next) {
                Err(Fault::Missing(_)) => return Ok(None),
                answer => answer?,
            };
            let node = Node::new(&answer);
            let data = node.get("data");
            if !data.value().is_array() {
                return Err(Fault::Protocol(format!(
                    "GET /api/shipments: the answer has no data: {}",
                    node.shortened(200)
                )));
            }
            let rows = data.list().into_iter().filter_map(Shipment::read);
            found.extend(rows.filter(|s| chunk.contains(&s.order.as_str())));
            let Some(token) = node.get("next_page_token").exact() else {
                break;
            };
            // With a token all other parameters are those it was made with.
            next = path(api, &["shipments"]).with("page_token", token);
        }
    }
    Ok(Some(found))
}
