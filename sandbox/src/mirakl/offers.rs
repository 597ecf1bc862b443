//! Offers as they are read one page at a time.

use serde_json::{Value, json};

use super::call::Call;
use super::reply::{Answer, Refusal, Reply, amount};
use super::state::{Offer, State};
use super::views::NewOffer;
use crate::faults;

const FIRST_OFFER: u64 = 50_021_877;
const FIRST_PRODUCT: u64 = 9_345_900_221;

impl State {
    /// Lists an offer; an existing one with its SKU is replaced.
    pub(super) fn add_offer(&mut self, new: NewOffer) -> u64 {
        if let Some(&old) = self.by_sku.get(&new.sku) {
            self.delete_offer(old);
        }
        let now = self.now();
        let id = self.next_id("offer", FIRST_OFFER);
        let product_sku = self.next_id("product", FIRST_PRODUCT).to_string();
        let warehouses: std::collections::BTreeMap<String, i64> = new
            .warehouses
            .into_iter()
            .map(|(code, n)| (code, i64::from(n)))
            .collect();
        let quantity = match warehouses.is_empty() {
            true => i64::from(new.quantity),
            false => warehouses.values().sum(),
        };
        self.by_sku.insert(new.sku.clone(), id);
        self.offers.insert(
            id,
            Offer {
                id,
                description: format!("{} by Kestrel Surf", new.title),
                sku: new.sku,
                product_sku,
                title: new.title,
                price: new.price,
                quantity,
                warehouses,
                min_order_quantity: new.min_order_quantity,
                max_order_quantity: new.max_order_quantity,
                package_quantity: new.package_quantity,
                leadtime_to_ship: new.leadtime_to_ship,
                logistic_class: Some("S".to_owned()),
                center: new.center,
                state_code: "11".to_owned(),
                deleted: false,
                writes: 0,
                created_at: now,
                updated_at: now,
            },
        );
        id
    }

    fn offer_json(&self, offer: &Offer) -> Value {
        let switches = &self.switches;
        let reasons = offer.inactivity(switches);
        let price = amount(offer.price, switches);
        let warehouses: Vec<Value> = offer
            .warehouses
            .iter()
            .map(|(code, n)| json!({"code": code, "quantity": n}))
            .collect();
        let class = offer
            .logistic_class
            .as_ref()
            .map(|code| json!({"code": code, "label": format!("Class {code}")}));
        let mut value = self.spice(json!({
            "offer_id": offer.id, "shop_sku": offer.sku, "product_sku": offer.product_sku,
            "product_title": offer.title, "product_brand": "kestrel",
            "product_references": [{
                "reference_type": "EAN", "reference": format!("931{:010}", offer.id),
            }],
            "category_code": "APPAREL", "category_label": "Apparel",
            "quantity": offer.quantity, "warehouses": warehouses,
            "active": reasons.is_empty(), "inactivity_reasons": reasons,
            "state_code": offer.state_code, "price": price, "total_price": price,
            "currency_iso_code": self.config.currency,
            "all_prices": [{
                "price": price, "unit_origin_price": price, "unit_discount_price": null,
                "discount_start_date": null, "discount_end_date": null,
                "context": {"channel_codes": []},
                "volume_prices": [{
                    "quantity_threshold": 1, "price": price, "unit_origin_price": price,
                    "unit_discount_price": null,
                }],
            }],
            "applicable_pricing": {
                "price": price, "unit_origin_price": price, "unit_discount_price": null,
            },
            "channels": ["AU"], "leadtime_to_ship": offer.leadtime_to_ship,
            "min_order_quantity": offer.min_order_quantity,
            "max_order_quantity": offer.max_order_quantity,
            "package_quantity": offer.package_quantity, "min_quantity_alert": 0,
            "logistic_class": class, "fulfillment": {"center": {"code": offer.center}},
            "available_start_date": null, "available_end_date": null, "product_tax_code": null,
            "description": offer.description, "internal_description": null,
            "price_additional_info": null, "allow_quote_requests": false, "favorite_rank": null,
            "eco_contributions": [], "offer_additional_fields": [],
        }));
        for (pointer, new) in &switches.offer_edits {
            faults::edit(&mut value, pointer, new);
        }
        value
    }
}

/// `GET /api/offers`.
pub(super) fn list(state: &mut State, call: &Call) -> Answer {
    call.expect(
        state,
        &[
            "offer_state_codes",
            "sku",
            "product_id",
            "favorite",
            "pricing_channel_code",
            "max",
            "offset",
            "sort",
            "order",
        ],
    );
    let page = call.page(state)?;
    let codes = call.list("offer_state_codes")?;
    let mut found: Vec<&Offer> = state
        .offers
        .values()
        .filter(|o| !o.deleted)
        .filter(|o| call.one("sku").is_none_or(|sku| o.sku == sku))
        .filter(|o| call.one("product_id").is_none_or(|id| o.product_sku == id))
        .filter(|o| {
            codes
                .as_ref()
                .is_none_or(|c| c.contains(&o.state_code.as_str()))
        })
        .collect();
    match call.one("sort") {
        None | Some("totalPrice" | "price") => found.sort_by_key(|o| (o.price, o.id)),
        Some("productTitle") => found.sort_by(|a, b| (&a.title, a.id).cmp(&(&b.title, b.id))),
        Some(other) => {
            return Err(Refusal::invalid(format!("sort: `{other}` is no sort key")));
        }
    }
    if descending(call)? {
        found.reverse();
    }
    let total = found.len();
    let rows = found.iter().skip(page.offset).take(page.max);
    let rows = rows.map(|o| state.offer_json(o)).collect();
    call.paged(&state.url, "offers", rows, page, total)
}

/// `GET /api/offers/{offer}`.
pub(super) fn one(state: &mut State, call: &Call) -> Answer {
    let id = call.param("offer");
    let offer = id.parse().ok().and_then(|id: u64| state.offers.get(&id));
    let offer = offer.filter(|o| !o.deleted);
    let offer = offer.ok_or_else(|| Refusal::missing(format!("Offer {id}")))?;
    Reply::ok(state.offer_json(offer))
}

/// Which way a list goes.
pub(super) fn descending(call: &Call) -> Result<bool, Refusal> {
    match call.one("order") {
        None | Some("asc") => Ok(false),
        Some("desc") => Ok(true),
        Some(other) => Err(Refusal::invalid(format!("order: `{other}` is no order"))),
    }
}
