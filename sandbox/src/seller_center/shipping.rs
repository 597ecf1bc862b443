//! Shipment providers, reasons, and the changes to shipment data that are no change of status.

use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{self, Call};
use super::orders::Status;
use super::reply::{Answer, Refusal, Reply};
use super::state::{State, uuid_of};

/// A carrier as Seller Center lists it.
pub(super) struct Provider {
    pub(super) id: u64,
    pub(super) name: &'static str,
    pub(super) default: bool,
    /// The platform itself gets tracking numbers from the carrier.
    pub(super) api: bool,
    pub(super) enabled: bool,
    pub(super) url: &'static str,
}

impl Provider {
    pub(super) fn uuid(&self) -> Uuid {
        uuid_of("provider", self.id)
    }
}

/// Name, default, API integration, enabled, tracking page.
const PROVIDERS: [(&str, bool, bool, bool, &str); 14] = [
    (
        "Australia Post",
        true,
        false,
        true,
        "https://auspost.example/track",
    ),
    (
        "AusPost",
        false,
        false,
        true,
        "https://auspost.example/mypost",
    ),
    (
        "Australia Post - eParcel",
        false,
        false,
        true,
        "https://auspost.example/eparcel",
    ),
    (
        "StarTrack",
        false,
        false,
        true,
        "https://startrack.example/track",
    ),
    (
        "Star Track Express",
        false,
        false,
        false,
        "https://startrack.example/express",
    ),
    (
        "Sendle",
        false,
        false,
        true,
        "https://sendle.example/tracking",
    ),
    (
        "CouriersPlease",
        false,
        false,
        true,
        "https://couriersplease.example/track",
    ),
    ("Toll", false, false, true, "https://toll.example/track"),
    (
        "Toll IPEC",
        false,
        false,
        false,
        "https://toll.example/ipec",
    ),
    ("Aramex", false, false, true, "https://aramex.example/track"),
    (
        "Fastway",
        false,
        false,
        false,
        "https://aramex.example/fastway",
    ),
    (
        "DHL Express",
        false,
        false,
        true,
        "https://dhl.example/track",
    ),
    ("NZ Post", false, true, true, "https://nzpost.example/track"),
    ("Other", false, false, true, ""),
];

/// The generic entry that the list shows and status calls refuse.
const GENERIC: &str = "Other";

pub(super) fn providers() -> Vec<Provider> {
    PROVIDERS
        .into_iter()
        .zip(42..)
        .map(|((name, default, api, enabled, url), id)| Provider {
            id,
            name,
            default,
            api,
            enabled,
            url,
        })
        .collect()
}

/// A reason for a failed, canceled or returned item.
pub(super) struct Reason {
    pub(super) id: u64,
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    out_of_stock: bool,
}

/// Type, name, whether it says that stock is gone.
const REASONS: [(&str, &str, bool); 14] = [
    ("canceled", "Out of Stock", true),
    ("canceled", "Delayed Dispatch", false),
    ("canceled", "New Zealand Order", false),
    ("canceled", "Product not Available", true),
    ("canceled", "Pricing Error", false),
    ("canceled", "Damaged Item", false),
    ("failed", "Address not found", false),
    ("failed", "Customer not available", false),
    ("returned", "Does not fit", false),
    ("returned", "Changed mind", false),
    ("return_rejected", "Worn or washed", false),
    ("canceled_system", "Customer Cancellation", false),
    ("canceled_system", "Fraud Check", false),
    ("canceled_system", "Overdue", false),
];

pub(super) fn reasons() -> Vec<Reason> {
    REASONS
        .into_iter()
        .zip(99..)
        .map(|((kind, name, out_of_stock), id)| Reason {
            id,
            kind,
            name,
            out_of_stock,
        })
        .collect()
}

impl State {
    /// The provider of a status call. Names count byte for byte.
    pub(super) fn provider(&self, name: Option<&str>) -> Result<(String, bool), Refusal> {
        let Some(name) = name else {
            return Err(Refusal::coded(
                25,
                "Shipping provider is mandatory for this delivery type",
            ));
        };
        match self.providers.iter().find(|p| p.name == name) {
            Some(p) if p.enabled && p.name != GENERIC => Ok((name.to_owned(), p.api)),
            _ if !self.switches.providers_checked => Ok((name.to_owned(), false)),
            Some(p) if p.enabled => Err(Refusal::coded(
                25,
                format!("Shipping provider `{name}` is not accepted"),
            )),
            Some(_) => Err(Refusal::coded(
                25,
                format!("Shipping provider `{name}` is not active for this seller"),
            )),
            None => Err(Refusal::coded(
                25,
                format!("Shipping provider `{name}` is not valid"),
            )),
        }
    }

    /// The form of a tracking number.
    pub(super) fn check_tracking(&self, tracking: &str) -> Result<(), Refusal> {
        if tracking.trim().is_empty()
            || (self.switches.tracking_blanks_refused && tracking.trim() != tracking)
        {
            return Err(Refusal::coded(
                26,
                format!("Tracking number `{tracking}` is not valid"),
            ));
        }
        let printable = tracking.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        if !printable || tracking.chars().count() > self.switches.tracking_max_length {
            return Err(Refusal::coded(
                31,
                format!("Tracking number `{tracking}` has the wrong format"),
            ));
        }
        Ok(())
    }

    /// Refuses a tracking number that another package has.
    pub(super) fn check_unused(&self, tracking: &str, package: Option<u64>) -> Result<(), Refusal> {
        let owner = self.trackings.get(tracking).copied();
        if self.switches.duplicate_tracking_refused && owner.is_some() && owner != package {
            return Err(Refusal::coded(
                63,
                format!("Tracking number `{tracking}` is already used"),
            ));
        }
        Ok(())
    }

    /// The item of a call about shipment data, which has to be ready to ship.
    fn ready_item(&self, call: &Call) -> Result<(u64, u64), Refusal> {
        let id = call.id("item")?;
        let item = self.items.get(&id);
        let item = item.ok_or_else(|| Refusal::missing(format!("Order item {id}")))?;
        match item.package {
            Some(package) if item.status == Status::ReadyToShip => Ok((id, package)),
            _ => Err(Refusal::coded(
                73,
                "All order items must have status Ready To Ship",
            )),
        }
    }

    fn retrack(
        &mut self,
        package: u64,
        tracking: &str,
        provider: Option<String>,
    ) -> Result<(), Refusal> {
        self.check_tracking(tracking)?;
        self.check_unused(tracking, Some(package))?;
        let now = self.now();
        let Some(parcel) = self.packages.get_mut(&package) else {
            return Err(Refusal::missing(format!("Package {package}")));
        };
        let changed = parcel.tracking != tracking;
        if changed && !parcel.tracking.is_empty() && self.switches.tracking_write_once {
            return Err(Refusal::coded(
                26,
                "A tracking number cannot be changed once it is set",
            ));
        }
        if changed {
            self.trackings.remove(&parcel.tracking);
            tracking.clone_into(&mut parcel.tracking);
            self.trackings.insert(tracking.to_owned(), package);
        }
        if let Some(provider) = provider {
            parcel.provider = provider;
        }
        for id in parcel.items.clone() {
            self.touch(id, now);
        }
        Ok(())
    }
}

/// `GET /v2/orders-shipment-providers`.
pub(super) fn list_providers(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["status"]);
    let only = call.flag("status");
    let rows = state
        .providers
        .iter()
        .filter(|p| only.is_none_or(|yes| p.enabled == yes));
    Reply::ok(
        rows.map(|p| {
            json!({
                "id": p.id, "uuid": p.uuid(), "name": p.name, "default": p.default,
                "apiIntegrationAvailable": p.api, "status": p.enabled, "cashOnDelivery": false, "url": p.url,
            })
        })
        .collect(),
    )
}

/// `GET /v2/orders-failure-reasons`.
pub(super) fn list_reasons(state: &mut State, _: &Call) -> Answer {
    Reply::ok(
        state
            .reasons
            .iter()
            .map(|r| {
                json!({
                    "id": r.id, "type": r.kind, "name": r.name, "description": r.name, "outOfStock": r.out_of_stock,
                })
            })
            .collect(),
    )
}

/// `POST /v2/order-item/{item}/tracking-code`.
pub(super) fn set_tracking(state: &mut State, call: &Call) -> Answer {
    let (_, package) = state.ready_item(call)?;
    let body = call.json()?;
    let Some(tracking) = call::text(&body, "trackingCode")? else {
        return Err(Refusal::invalid(
            "trackingCode",
            "This value should not be blank.",
            "null",
        ));
    };
    state.retrack(package, tracking, None)?;
    Ok(Reply::Empty(200))
}

/// `POST /v2/order-item/{item}/shipping-provider`.
pub(super) fn set_provider(state: &mut State, call: &Call) -> Answer {
    let (id, package) = state.ready_item(call)?;
    let body = call.json()?;
    let (provider, _) = state.provider(call::text(&body, "shippingProvider")?)?;
    let Some(tracking) = call::text(&body, "trackingCode")? else {
        return Err(Refusal::invalid(
            "trackingCode",
            "This value should not be blank.",
            "null",
        ));
    };
    state.retrack(package, tracking, Some(provider))?;
    let item = state.items.get(&id);
    Reply::ok(item.map_or(Value::Null, |i| state.item_json(i, false)))
}

/// `POST /v2/order-pickup-requests`.
pub(super) fn pickup(state: &mut State, call: &Call) -> Answer {
    let ids = call::id_list(&call.json()?, "orderItemIds")?;
    let mut errors = Vec::new();
    for id in &ids {
        match state.items.get(id) {
            Some(item) if item.status == Status::ReadyToShip && item.processable() => {}
            Some(_) => errors.push((
                *id,
                "Order item contains not allowed shipment type or status".to_owned(),
            )),
            None => errors.push((*id, "Order item was not found".to_owned())),
        }
    }
    if !errors.is_empty() {
        return Err(Refusal::PerItem(errors));
    }
    for id in &ids {
        if let Some(item) = state.items.get_mut(id) {
            item.pickup_requested = true;
        }
    }
    Reply::created(json!({"orderItemIds": ids, "errors": []}))
}

/// `POST /v2/orders/set-invoice-number`: applies to the whole package.
pub(super) fn set_invoice(state: &mut State, call: &Call) -> Answer {
    let body = call.json()?;
    let Some(id) = body.get("orderItemId").and_then(Value::as_u64) else {
        let given = body.get("orderItemId").unwrap_or(&Value::Null);
        return Err(Refusal::invalid(
            "orderItemId",
            "This value should be of type integer.",
            given,
        ));
    };
    let Some(number) = call::text(&body, "invoiceNumber")? else {
        return Err(Refusal::invalid(
            "invoiceNumber",
            "This value should not be blank.",
            "null",
        ));
    };
    let Some(item) = state.items.get(&id) else {
        return Err(Refusal::coded(23, format!("Order item {id} is not valid")));
    };
    let package = item.package.and_then(|p| state.packages.get(&p));
    let all = package.map_or_else(|| vec![id], |p| p.items.clone());
    let now = state.now();
    for id in all {
        if let Some(item) = state.items.get_mut(&id) {
            item.invoice = Some(number.to_owned());
        }
        state.touch(id, now);
    }
    Reply::ok(json!({"orderItemId": id, "invoiceNumber": number}))
}
