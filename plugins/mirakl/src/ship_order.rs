//! Telling one carrier and one number for the whole order, where the marketplace has no shipments: those of its last
//! parcel. The ones before are kept until then, and are shipped with it.

use crate::api::{Api, path};
use crate::order::{self, Terms};
use crate::{carriers, orders};
use lockstep_sdk::fulfillments::{Parcel, Sent};
use lockstep_sdk::http::Method;
use lockstep_sdk::json::Node;
use lockstep_sdk::types::{Fault, Order, Stage, State};

/// What the marketplace has of the order.
struct Seen {
    order: Order,
    number: Option<String>,
    carrier_code: Option<String>,
    carrier_name: Option<String>,
}

/// How the order stands to the parcel.
#[derive(Debug, PartialEq)]
enum Standing {
    /// Nothing is told.
    Bare,
    /// Carrier and number are told.
    Told,
    /// It is shipped with them.
    Shipped(Stage),
}

impl Seen {
    fn read(api: Api<'_>, id: &str) -> Result<Self, Fault> {
        let terms = Terms::of(api);
        let raw = orders::raw(api, id, &terms)?;
        let raw = raw.ok_or_else(|| Fault::Missing(format!("there is no order {id}")))?;
        let node = Node::new(&raw);
        Ok(Self {
            order: order::read(node, &terms, &[]).map_err(Fault::Protocol)?,
            number: node.get("shipping_tracking").text(),
            carrier_code: node.get("shipping_carrier_code").text(),
            carrier_name: node.get("shipping_company").text(),
        })
    }

    /// Whether anything is told, and whether it is the parcel's.
    fn tells(&self, parcel: &Parcel) -> Option<bool> {
        let wanted = carriers::number(parcel);
        let (code, name) = (self.carrier_code.as_deref(), self.carrier_name.as_deref());
        match &self.number {
            Some(number) => Some(Some(number.as_str()) == wanted),
            None if code.is_none() && name.is_none() => None,
            // A carrier without a number, told for a parcel that has one, is to be completed.
            None if wanted.is_some() => None,
            None => Some(carriers::same(parcel, code, name)),
        }
    }

    fn standing(&self, parcel: &Parcel) -> Result<Standing, Fault> {
        let order = &self.order;
        let other = || {
            Fault::Conflict(format!(
                "order {} has another carrier or number already ({} {}); Mirakl takes one for the whole order",
                order.id,
                self.carrier_name.as_deref().unwrap_or_default(),
                self.number.as_deref().unwrap_or_default()
            ))
        };
        let stage = match order.state {
            State::Shipped => Stage::Shipped,
            State::Delivered | State::Closed => Stage::Delivered,
            State::Open => {
                return match self.tells(parcel) {
                    None => Ok(Standing::Bare),
                    Some(true) => Ok(Standing::Told),
                    Some(false) => Err(other()),
                };
            }
            _ => {
                return Err(Fault::Conflict(format!(
                    "order {} is {}; only orders in SHIPPING can be shipped",
                    order.id, order.native_state
                )));
            }
        };
        match (self.tells(parcel), carriers::number(parcel)) {
            (Some(false), _) | (None, Some(_)) => Err(other()),
            _ => Ok(Standing::Shipped(stage)),
        }
    }

    fn knows(&self, lines: &[(String, u32)]) -> Result<(), Fault> {
        let known = |id: &str| self.order.lines.iter().any(|line| line.id == id);
        match lines.iter().find(|(id, _)| !known(id)) {
            None => Ok(()),
            Some((id, _)) => Err(Fault::Missing(format!(
                "order {} has no line {id}",
                self.order.id
            ))),
        }
    }
}

/// First half: carrier and number.
pub fn prepare(api: Api<'_>, parcel: &Parcel, lines: &[(String, u32)]) -> Result<Sent, Fault> {
    if !parcel.last {
        return Ok(kept());
    }
    let told = carriers::told(parcel, "carrier_url")?;
    let seen = Seen::read(api, &parcel.order)?;
    seen.knows(lines)?;
    match seen.standing(parcel)? {
        Standing::Shipped(stage) => return Ok(sent(stage, false)),
        Standing::Told => return Ok(sent(Stage::Ready, true)),
        Standing::Bare => {}
    }
    let call = path(api, &["orders", &parcel.order, "tracking"]);
    match api.write(Method::Put, call, Some(&told)) {
        Ok(_) => Ok(sent(Stage::Ready, true)),
        Err(fault @ Fault::Rejected(_)) => {
            match Seen::read(api, &parcel.order).and_then(|seen| seen.standing(parcel)) {
                Ok(Standing::Told) => Ok(sent(Stage::Ready, true)),
                Ok(Standing::Shipped(stage)) => Ok(sent(stage, false)),
                Err(conflict @ Fault::Conflict(_)) => Err(conflict),
                _ => Err(fault),
            }
        }
        Err(fault) => Err(fault),
    }
}

/// Second half: the whole order is shipped. A parcel that became the last one only now has its first half to come, so
/// that is looked at again. A repeat is refused, so a refusal is looked up.
pub fn ship(api: Api<'_>, parcel: &Parcel, lines: &[(String, u32)]) -> Result<Sent, Fault> {
    let before = prepare(api, parcel, lines)?;
    if !parcel.last || !before.more {
        return Ok(before);
    }
    let call = path(api, &["orders", &parcel.order, "ship"]);
    match api.write(Method::Put, call, None) {
        Ok(_) => Ok(sent(Stage::Shipped, false)),
        Err(fault @ (Fault::Rejected(_) | Fault::Conflict(_))) => {
            match Seen::read(api, &parcel.order).and_then(|seen| seen.standing(parcel)) {
                Ok(Standing::Shipped(stage)) => Ok(sent(stage, false)),
                Err(conflict @ Fault::Conflict(_)) => Err(conflict),
                _ => Err(fault),
            }
        }
        Err(fault) => Err(fault),
    }
}

/// A parcel that the marketplace hears of with the last one.
fn kept() -> Sent {
    let word = "kept until the order's last parcel".to_owned();
    sent(Stage::Other(word), true)
}

fn sent(reached: Stage, more: bool) -> Sent {
    Sent {
        reached,
        marketplace_id: None,
        more,
    }
}

#[cfg(test)]
#[path = "ship_order_tests.rs"]
mod tests;
