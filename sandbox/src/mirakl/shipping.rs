//! Shipping in the simple form: one carrier and one number for the whole order.

use serde_json::Value;

use super::account::CARRIERS;
use super::call::{Call, expect_members, text};
use super::order_reads::of_path;
use super::orders::Stage;
use super::reply::{Answer, Refusal, Reply};
use super::state::State;
use super::views::TrackingView;

/// What a call tells of a carrier. The same address has two names, and the wrong one is lost.
pub(super) fn members(url: &str) -> [&str; 5] {
    [
        "carrier_code",
        "carrier_name",
        "carrier_standard_code",
        "tracking_number",
        url,
    ]
}

/// Carrier and number as a call gives them; its address is under `url`.
pub(super) fn read(state: &State, given: &Value, url: &str) -> Result<TrackingView, Refusal> {
    let filled = |name: &str| Ok(text(given, name)?.filter(|t| !t.is_empty()));
    let (code, name) = (filled("carrier_code")?, filled("carrier_name")?);
    let number = filled("tracking_number")?;
    let own_url = filled(url)?;
    if let Some(code) = code {
        let carrier = CARRIERS.iter().find(|c| c.code == code);
        let carrier = carrier
            .ok_or_else(|| Refusal::invalid(format!("carrier_code: `{code}` is unknown")))?;
        if carrier.url.is_some() && number.is_none_or(|n| n.trim().is_empty()) {
            let text = format!("tracking_number is required for the carrier {code}");
            return Err(Refusal::invalid(text));
        }
        return Ok(TrackingView {
            carrier_code: Some(code.to_owned()),
            carrier_name: Some(carrier.label.to_owned()),
            number: number.map(str::to_owned),
            url: carrier
                .url
                .map(|u| u.replace("{trackingId}", number.unwrap_or_default())),
        });
    }
    let name = name.ok_or_else(|| Refusal::invalid("carrier_code or carrier_name is required"))?;
    if !state.switches.alternative_carriers {
        let text = format!("carrier_name: `{name}` is not a carrier of this platform");
        return Err(Refusal::invalid(text));
    }
    Ok(TrackingView {
        carrier_code: None,
        carrier_name: Some(name.to_owned()),
        number: number.map(str::to_owned),
        url: own_url.map(str::to_owned),
    })
}

/// `PUT /api/orders/{order}/tracking`.
pub(super) fn tracking(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let body = call.json()?;
    expect_members(state, call, &body, &members("carrier_url"));
    let order = of_path(state, call)?;
    let stage = order.stage();
    let late = stage == Stage::Shipped && state.switches.tracking_after_shipping;
    if stage != Stage::Shipping && !late {
        return Err(in_shipping(stage));
    }
    let tracking = read(state, &body, "carrier_url")?;
    let id = order.id.clone();
    if let Some(order) = state.orders.get_mut(&id) {
        order.tracking = tracking;
    }
    state.touch(&id);
    Reply::done()
}

/// `PUT /api/orders/{order}/ship`.
pub(super) fn ship(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let order = of_path(state, call)?;
    let stage = order.stage();
    if stage != Stage::Shipping {
        return Err(in_shipping(stage));
    }
    let id = order.id.clone();
    let parcels = state.shipments.iter().any(|s| s.order == id);
    needs_tracking(
        state,
        &order.shipping_type,
        order.tracking.number.as_deref(),
    )?;
    if parcels {
        state.mistake(format!(
            "PUT {}: the order has parcels of its own already",
            call.path
        ));
    }
    state.ship_lines(&id, |_| true);
    Reply::done()
}

/// Refuses to ship without a number where the method wants one.
pub(super) fn needs_tracking(
    state: &State,
    method: &str,
    number: Option<&str>,
) -> Result<(), Refusal> {
    let wanted = state
        .switches
        .mandatory_tracking
        .iter()
        .any(|m| m == method);
    match wanted && number.is_none() {
        true => Err(Refusal::invalid(format!(
            "The shipping method {method} needs tracking details"
        ))),
        false => Ok(()),
    }
}

/// The refusal of what only goes in SHIPPING.
pub(super) fn in_shipping(stage: Stage) -> Refusal {
    Refusal::state(format!(
        "Order must be in state SHIPPING, it is {}",
        stage.as_str()
    ))
}
