//! Orders and items as the API shows them.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::clock;
use super::orders::{Item, Order, Status};
use super::reply::{amount, join};
use super::state::{State, uuid_of};
use super::views::ShipmentType;
use crate::faults;

/// What the platform shows in place of what a seller may not see.
const MASK: &str = "#####";

impl State {
    /// Items of an order that the seller gets to see.
    pub(super) fn visible_items<'a>(&'a self, order: &'a Order) -> impl Iterator<Item = &'a Item> {
        let all = self.switches.venture_items_visible;
        let items = order.items.iter().filter_map(|id| self.items.get(id));
        items.filter(move |item| all || item.shipment_type != ShipmentType::Warehouse)
    }

    pub(super) fn order_json(&self, order: &Order, with_vouchers: bool) -> Value {
        let items: Vec<&Item> = self.visible_items(order).collect();
        let mut statuses = serde_json::Map::new();
        for item in &items {
            let count = statuses.entry(item.status.as_str()).or_insert(json!(0));
            *count = json!(count.as_u64().unwrap_or(0) + 1);
        }
        let sum = |of: fn(&Item) -> Decimal| items.iter().map(|i| of(i)).sum::<Decimal>();
        let fees = sum(|i| i.shipping_fee);
        let packed = items.iter().filter(|i| i.package.is_some()).count();
        let target = self
            .switches
            .target_to_ship
            .then(|| clock::micros(order.ship_by));
        let who = json!({"firstName": order.buyer.first_name, "lastName": order.buyer.last_name});
        let voucher = match order.discounted {
            true => json!({"code": "WELCOME10", "type": "voucher"}),
            false => json!({"code": "", "type": ""}),
        };
        let ids: Vec<u64> = items.iter().map(|i| i.id).collect();
        let rows: Vec<Value> = items
            .iter()
            .map(|i| self.item_json(i, with_vouchers))
            .collect();
        let mut json = join([
            json!({
                "id": order.id, "uuid": uuid_of("order", order.id), "number": order.number,
                "regionId": null, "sellerId": self.config.seller_id, "invoiceRequired": false,
                "customer": who,
                "address": {
                    "billing": self.address_json(order, true), "shipping": self.address_json(order, false),
                },
                "nationalRegistrationNumber": null, "payoutPending": false,
                "gift": {"option": false, "message": ""}, "voucher": voucher, "deliveryInfo": "",
                "paymentMethod": "CreditCard", "currency": self.config.currency, "remarks": "",
            }),
            json!({
                "createdAt": clock::micros(order.created_at), "updatedAt": clock::micros(order.updated_at),
                "addressUpdatedAt": clock::micros(order.created_at),
                "exchangeByOrderId": null, "exchangeForOrderId": null, "extraAttributes": null,
                "statusList": statuses, "source": null, "itemCount": items.len(),
                "unitPriceSumWithFees": amount(sum(|i| i.unit_price) + fees), "shippingFeeSstSum": 0,
                "grandTotal": amount(sum(|i| i.paid_price) + fees), "targetToShip": target,
                "shipmentProviderType": "express", "shipmentProviderPreSelected": false,
                "packedItemsCount": packed, "orderItemIds": ids, "items": rows,
            }),
        ]);
        if self.switches.nulls_in_required {
            for pointer in [
                "/address/billing",
                "/paymentMethod",
                "/remarks",
                "/gift",
                "/voucher",
                "/statusList",
                "/itemCount",
                "/unitPriceSumWithFees",
                "/address/shipping/ward",
                "/address/shipping/phone",
            ] {
                faults::edit(&mut json, pointer, &Value::Null);
            }
        }
        if self.switches.unknown_enum_values {
            faults::edit(&mut json, "/shipmentProviderType", &json!("drone"));
            faults::edit(&mut json, "/paymentMethod", &json!("PayInFour"));
        }
        for (pointer, value) in &self.switches.order_edits {
            faults::edit(&mut json, pointer, value);
        }
        json
    }

    fn address_json(&self, order: &Order, billing: bool) -> Value {
        let buyer = &order.buyer;
        let masked = |text: &str, mask: bool| {
            if mask {
                MASK.to_owned()
            } else {
                text.to_owned()
            }
        };
        let names = billing && self.switches.mask_billing_names;
        let mut lines: Vec<&str> = buyer.lines.iter().map(String::as_str).collect();
        lines.resize(5, "");
        json!({
            "firstName": masked(&buyer.first_name, names), "lastName": masked(&buyer.last_name, names),
            "phone": [masked(&buyer.phone, self.switches.mask_contact)], "address": lines,
            "email": masked(&buyer.email, self.switches.mask_contact), "city": buyer.city, "ward": "",
            "region": buyer.region, "postCode": buyer.post_code, "country": self.country(buyer),
        })
    }

    pub(super) fn item_json(&self, item: &Item, with_vouchers: bool) -> Value {
        let package = item.package.and_then(|id| self.packages.get(&id));
        let provider = package.filter(|p| !p.provider.is_empty()).map(|p| {
            let known = self.providers.iter().find(|known| known.name == p.provider);
            json!({
                "uuid": known.map(|k| k.uuid()), "name": p.provider,
                "default": known.is_some_and(|k| k.default), "digitalType": null,
                "trackingUrl": known.map(|k| k.url),
            })
        });
        let discount = item.unit_price - item.paid_price;
        let vouchers = match with_vouchers && !discount.is_zero() {
            true => json!([{
                "code": "WELCOME10", "amount": amount(discount), "cashbackPercentage": 0,
                "voucherSellerShare": 0, "cashbackSellerShare": 0, "amountFundedBySeller": 0,
                "cashbackAmountFundedBySeller": 0,
            }]),
            false => json!([]),
        };
        let failure = match &item.reason {
            Some((kind, name, details)) => {
                json!({"type": kind, "name": name, "description": name, "details": details})
            }
            None => json!({"type": null, "name": null, "description": null, "details": ""}),
        };
        let order = self.orders.get(&item.order);
        let target = order
            .filter(|_| self.switches.target_to_ship)
            .map(|o| clock::micros(o.ship_by));
        let purchase = package.map(|p| p.purchase);
        let mut json = join([
            json!({
                "id": item.id, "srcId": (70_000_000 + item.id).to_string(),
                "sellerId": self.config.seller_id, "orderId": item.order, "uuid": uuid_of("item", item.id),
                "status": item.status.as_str(), "isProcessable": item.processable(), "failureReason": failure,
                "shipment": {
                    "type": item.shipment_type.as_str(), "crossdockingDeliveryType": null, "method": "home",
                    "preProvider": null, "provider": provider, "providerPreselected": false,
                    "providerProduct": "", "providerType": "express", "weight": 0.4,
                    "trackingCode": package.map_or("", |p| &p.tracking), "preTrackingCode": null,
                },
                "invoiceNumber": item.invoice, "invoiceAccesskey": null,
                "inTransit": item.status == Status::Shipped, "premium": false, "targetToShipAt": target,
            }),
            json!({
                "product": {
                    "name": item.name, "sku": item.shop_sku, "variation": item.variation,
                    "sellerSku": item.seller_sku,
                },
                "unitPrice": amount(item.unit_price), "taxAmount": amount(item.tax()), "taxPercent": 10,
                "paidPrice": amount(item.paid_price), "paidCommission": null,
                "shippingFee": amount(item.shipping_fee), "shippingServiceCost": null,
                "walletCredits": 0, "storeCredits": 0, "shippingVoucherAmount": 0,
                "priceAfterDiscount": amount(item.paid_price), "salesDueAmount": 0,
                "itemSerialNumber": item.serial, "abatementRate": null, "exciseRate": null,
                "hsnCode": null, "codCollectableAmount": null,
            }),
            json!({
                "purchase": {
                    "orderSrcId": purchase.map(|n| n.to_string()),
                    "orderNumber": purchase.map(|n| format!("PO-{n}")), "deliveryInfo": null,
                },
                "createdAt": clock::micros(item.created_at), "updatedAt": clock::micros(item.updated_at),
                "lastStatusChangedAt": clock::micros(item.status_changed_at), "warehouseName": null,
                "extraAttributes": {"gst_free": "0"}, "isHybrid": false, "isOutlet": false,
                "actions": self.actions(item), "vouchers": vouchers, "manifestStatus": null,
                "isPickupRequestSent": item.pickup_requested, "discountAmount": amount(discount),
            }),
        ]);
        if self.switches.nulls_in_required {
            for pointer in [
                "/srcId",
                "/failureReason",
                "/purchase",
                "/vouchers",
                "/taxPercent",
                "/discountAmount",
                "/walletCredits",
                "/lastStatusChangedAt",
                "/product/variation",
                "/shipment/weight",
                "/shipment/providerProduct",
            ] {
                faults::edit(&mut json, pointer, &Value::Null);
            }
            if item.package.is_none() {
                faults::edit(&mut json, "/shipment/trackingCode", &Value::Null);
            }
        }
        if self.switches.unknown_enum_values {
            faults::edit(&mut json, "/shipment/method", &json!("locker"));
            faults::edit(&mut json, "/shipment/providerType", &json!("drone"));
            if let Some(actions) = json.get_mut("actions").and_then(Value::as_array_mut) {
                actions.push(json!("levitate"));
            }
            // Statuses nobody documented show up where the seller has nothing left to do.
            if item.status == Status::Delivered {
                faults::edit(&mut json, "/status", &json!("delivered_to_neighbour"));
            }
        }
        json
    }

    /// What may be done with an item next.
    fn actions(&self, item: &Item) -> Vec<&'static str> {
        if !item.processable() {
            return Vec::new();
        }
        let mut actions = Vec::new();
        match item.status {
            Status::Pending => {
                let packed = item.package.is_some();
                if !packed {
                    actions.push("status_set_to_packed_by_marketplace");
                }
                if packed || !self.switches.packed_required {
                    actions.push("status_set_to_ready_to_ship");
                }
                actions.push("status_set_to_canceled");
            }
            Status::ReadyToShip => {
                if item.shipment_type == ShipmentType::Dropshipping {
                    actions.push("status_set_to_shipped");
                }
                if !self.switches.tracking_write_once {
                    actions.extend(["set_tracking_code", "set_shipment_provider"]);
                }
                actions.push("set_invoice_number");
                if self.switches.cancel_in_ready_to_ship {
                    actions.push("status_set_to_canceled");
                }
            }
            Status::Shipped => {
                actions.extend(["status_set_to_delivered", "status_set_to_failed_delivery"]);
            }
            Status::Delivered => actions.push("status_set_to_returned"),
            _ => {}
        }
        actions
    }
}
