//! Who the seller is and what the operator has set up: account, configuration, carriers, methods, reasons.

use serde_json::{Value, json};

use super::call::Call;
use super::reply::{Answer, Reply};
use super::state::{State, stamp};

/// A carrier of the operator's list.
pub(super) struct Carrier {
    pub(super) code: &'static str,
    pub(super) label: &'static str,
    pub(super) standard_code: Option<&'static str>,
    /// `{trackingId}` stands for the number; without it the number is not needed.
    pub(super) url: Option<&'static str>,
}

/// The carriers every installation of this stand-in has.
pub(super) const CARRIERS: [Carrier; 6] = [
    Carrier {
        code: "AUSPOST",
        label: "Australia Post",
        standard_code: Some("AUSTRALIA_POST"),
        url: Some("https://carrier.example/auspost/{trackingId}"),
    },
    Carrier {
        code: "STARTRACK",
        label: "StarTrack",
        standard_code: Some("STARTRACK"),
        url: Some("https://carrier.example/startrack/{trackingId}"),
    },
    Carrier {
        code: "SENDLE",
        label: "Sendle",
        standard_code: None,
        url: Some("https://carrier.example/sendle/{trackingId}"),
    },
    Carrier {
        code: "CP",
        label: "Couriers Please",
        standard_code: None,
        url: Some("https://carrier.example/cp/{trackingId}"),
    },
    Carrier {
        code: "ARAMEX",
        label: "Aramex Australia",
        standard_code: Some("ARAMEX"),
        url: Some("https://carrier.example/aramex/{trackingId}"),
    },
    Carrier {
        code: "OWN",
        label: "Own delivery",
        standard_code: None,
        url: None,
    },
];

/// Code, label and type of a reason, and whether sellers may give it.
pub(super) const REASONS: [(&str, &str, &str, bool); 8] = [
    ("34", "Out of stock", "CANCELATION", true),
    ("35", "Customer changed their mind", "CANCELATION", true),
    ("36", "Suspected fraud", "CANCELATION", false),
    ("14", "Item not available", "REFUND", true),
    ("15", "Item returned", "REFUND", true),
    ("16", "Commercial gesture by the operator", "REFUND", false),
    ("51", "Item not received", "INCIDENT_OPEN", false),
    ("61", "Solved with the customer", "INCIDENT_CLOSE", true),
];

/// Code and label of the shipping methods.
pub(super) const METHODS: [(&str, &str); 2] = [("STD", "Standard"), ("EXP", "Express")];

/// `GET /api/version`.
pub(super) fn version(_: &mut State, _: &Call) -> Answer {
    Reply::ok(json!({"version": "3.412.0"}))
}

/// `GET /api/account`.
pub(super) fn account(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let now = stamp(state.now());
    let config = &state.config;
    Reply::ok(state.spice(json!({
        "shop_id": config.shop_id, "shop_name": config.shop_name,
        "shop_state": state.switches.shop_state, "suspension_type": null,
        "closed_from": null, "closed_to": null, "model": "MARKETPLACE",
        "currency_iso_code": config.currency, "channels": ["AU"],
        "approval_rate": 100, "approval_delay": 3600,
        "shipping": {"lead_time_to_ship": 1}, "shippings": shippings(),
        "kyc": {"status": "APPROVED"}, "last_updated_date": now,
    })))
}

fn shippings() -> Vec<Value> {
    METHODS
        .iter()
        .map(|(code, label)| {
            json!({
                "shipping_type_code": code, "shipping_type_label": label,
                "shipping_zone_code": "AU", "shipping_zone_label": "Australia",
            })
        })
        .collect()
}

/// `GET /api/platform/configuration`.
pub(super) fn configuration(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let switches = &state.switches;
    let acceptance = match switches.automatic_acceptance {
        true => "AUTOMATIC",
        false => "NOT_AUTOMATIC",
    };
    let shown = switches.addresses == super::switches::Addresses::Shown;
    Reply::ok(state.spice(json!({
        "platform_name": state.config.platform_name, "tenant_name": "tidepool",
        "timezone": "Australia/Sydney",
        "features": {
            "order_tax_mode": switches.tax_mode.as_str(),
            "order_workflows": {
                "order_acceptance": acceptance,
                "shipping_and_billing_details_before_acceptance": shown,
                "pay_on_shipment": false, "pay_on_due_date": false,
                "no_customer_payment_confirmation": false, "pause_debit_workflow": false,
                "sellers_edit_shipping_origin": false,
            },
            "shipment": {
                "multi_shipment": switches.multi_shipment, "multi_part_item_shipment": false,
            },
            "disable_seller_alternative_carrier": !switches.alternative_carriers,
            "offer_prices_decimals": "2", "multi_currency": false,
            "operator_csv_delimiter": "SEMICOLON",
            "warehouses": {"geolocation": false, "restricted_countries": false},
            "returns": {"marketplace": false},
        },
        "modules": {"offer_management": true, "offer_management_mode": "MULTIPLE_OFFERS"},
    })))
}

/// `GET /api/shipping/carriers`.
pub(super) fn carriers(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let rows: Vec<Value> = CARRIERS
        .iter()
        .map(|c| {
            state.spice(json!({
                "code": c.code, "label": c.label, "standard_code": c.standard_code,
                "tracking_url": c.url,
            }))
        })
        .collect();
    Reply::ok(json!({"carriers": rows}))
}

/// `GET /api/shipping/types`.
pub(super) fn methods(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let rows: Vec<Value> = METHODS
        .iter()
        .map(|(code, label)| {
            let tracked = state.switches.mandatory_tracking.iter().any(|m| m == code);
            state.spice(json!({
                "code": code, "label": label, "description": null, "standard_code": null,
                "mandatory_tracking": tracked, "click_and_collect": false,
                "delivery_by_operator": false,
            }))
        })
        .collect();
    Reply::ok(json!({"shipping_types": rows}))
}

/// `GET /api/reasons`.
pub(super) fn reasons(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let rows: Vec<Value> = REASONS
        .iter()
        .map(|(code, label, kind, ours)| {
            json!({"code": code, "label": label, "type": kind, "is_shop_right": ours})
        })
        .collect();
    let count = rows.len();
    Reply::ok(json!({"reasons": rows, "total_count": count}))
}
