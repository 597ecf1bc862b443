//! Product sets and products: listing, look-ups, statuses and prices.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::call::Call;
use super::clock;
use super::reply::{Answer, Refusal, Reply, amount};
use super::state::{Price, Product, ProductSet, State, uuid_of};
use super::switches::Tolerance;
use super::views::{NewSet, ProductView};
use crate::faults;

/// Largest page of sets and of SKU look-ups.
const PAGE_MAX: u64 = 100;
const FIRST_SET: u64 = 93_012;
const FIRST_PRODUCT: u64 = 418_801;
/// The user whom product rows and feeds name.
pub(super) const USER_ID: u64 = 774;

const SET_STATUSES: [&str; 11] = [
    "all",
    "active",
    "inactive-all",
    "deleted-all",
    "image-missing",
    "pending",
    "rejected",
    "disapproved",
    "sold-out",
    "not-authorized",
    "price-rejected",
];
const PRODUCT_STATUSES: [&str; 3] = ["active", "inactive", "deleted"];

impl State {
    /// Lists a style; returns its products' ids.
    pub(super) fn add_set(&mut self, new: NewSet) -> Vec<u64> {
        let now = self.now();
        let id = self.next_id("set", FIRST_SET);
        let src_id = format!("SB{id:06}AU");
        let mut ids = Vec::with_capacity(new.products.len());
        for product in new.products {
            let pid = self.next_id("product", FIRST_PRODUCT);
            let shop_sku = format!("{src_id}-{pid}");
            let by_venture = product.shipment_type.id() == 1;
            let quantity = i64::from(product.quantity);
            self.by_seller_sku
                .entry(product.seller_sku.clone())
                .or_default()
                .push(pid);
            self.by_shop_sku.insert(shop_sku.clone(), pid);
            self.products.insert(
                pid,
                Product {
                    id: pid,
                    uuid: uuid_of("product", pid),
                    set: id,
                    name: new.name.clone(),
                    seller_sku: product.seller_sku,
                    shop_sku,
                    variation: product.variation,
                    price: Price {
                        list: Some(product.price),
                        sale: None,
                        sale_start: Value::Null,
                        sale_end: Value::Null,
                        status: "active".to_owned(),
                    },
                    status: product.status,
                    shipment_type: product.shipment_type,
                    quantity: if by_venture { 0 } else { quantity },
                    consigned: if by_venture { quantity } else { 0 },
                    reserved: 0,
                    unverified: 0,
                    writes: 0,
                    created_at: now,
                    updated_at: now,
                },
            );
            ids.push(pid);
        }
        self.by_parent_sku.insert(new.parent_sku.clone(), id);
        self.by_config_sku.insert(src_id.clone(), id);
        self.sets.push(ProductSet {
            id,
            uuid: uuid_of("set", id),
            src_id,
            name: new.name,
            parent_sku: new.parent_sku,
            products: ids.clone(),
            created_at: now,
            updated_at: now,
        });
        let skus = self.skus_of(&ids);
        self.emit("onProductCreated", json!({"SellerSkus": skus}));
        ids
    }

    fn skus_of(&self, ids: &[u64]) -> Vec<String> {
        ids.iter()
            .filter_map(|id| self.products.get(id))
            .map(|p| p.seller_sku.clone())
            .collect()
    }

    /// Renames a product's SKU, as a seller does in the web interface.
    pub(super) fn rename(&mut self, id: u64, sku: &str) {
        let now = self.now();
        let Some(product) = self.products.get_mut(&id) else {
            return;
        };
        let old = std::mem::replace(&mut product.seller_sku, sku.to_owned());
        product.updated_at = now;
        let set = product.set;
        if let Some(ids) = self.by_seller_sku.get_mut(&old) {
            ids.retain(|&other| other != id);
            if ids.is_empty() {
                self.by_seller_sku.remove(&old);
            }
        }
        self.by_seller_sku
            .entry(sku.to_owned())
            .or_default()
            .push(id);
        if let Some(set) = self.set_mut(set) {
            set.updated_at = now;
        }
        self.emit("onProductUpdated", json!({"SellerSkus": [sku]}));
    }

    /// Sets a product's status.
    pub(super) fn set_status(&mut self, id: u64, status: &str) {
        let now = self.now();
        let Some(product) = self.products.get_mut(&id) else {
            return;
        };
        status.clone_into(&mut product.status);
        product.updated_at = now;
        let (set, sku) = (product.set, product.seller_sku.clone());
        if let Some(set) = self.set_mut(set) {
            set.updated_at = now;
        }
        self.emit("onProductUpdated", json!({"SellerSkus": [sku]}));
    }

    pub(super) fn product_view(&self, product: &Product) -> ProductView {
        ProductView {
            id: product.id,
            product_set_id: product.set,
            seller_sku: product.seller_sku.clone(),
            shop_sku: product.shop_sku.clone(),
            name: product.name.clone(),
            variation: product.variation.clone(),
            price: product.price.unit(),
            quantity: product.quantity,
            reserved: product.reserved,
            available: product.available(self.switches.pre_verification_stock),
            status: product.status.clone(),
            shipment_type: product.shipment_type,
            stock_writes: product.writes,
        }
    }

    fn members<'a>(&'a self, set: &'a ProductSet) -> impl Iterator<Item = &'a Product> {
        set.products.iter().filter_map(|id| self.products.get(id))
    }

    fn set_is(&self, set: &ProductSet, status: &str) -> bool {
        let mut members = self.members(set);
        match status {
            "active" => members.any(|p| p.status == "active" && p.quantity + p.consigned > 0),
            "inactive-all" => members.any(|p| p.status == "inactive"),
            "deleted-all" => members.any(|p| p.status == "deleted"),
            "sold-out" => members.any(|p| {
                p.status == "active" && p.available(self.switches.pre_verification_stock) <= 0
            }),
            "all" => members.any(|p| p.status != "deleted"),
            // Every product here has its images and is approved.
            _ => false,
        }
    }

    fn set_row(&self, set: &ProductSet) -> Value {
        let status = PRODUCT_STATUSES
            .into_iter()
            .find(|status| self.members(set).any(|p| p.status == *status))
            .unwrap_or("deleted");
        let sku = self.members(set).next().map(|p| p.seller_sku.as_str());
        let attributes = match set.id % 4 {
            0 if self.switches.empty_attributes_as_list => json!([]),
            0 => json!({}),
            _ => json!({"412": "Recycled polyester", "530": [18, 22], "611": 4, "702": null}),
        };
        let mut row = json!({
            "id": set.id, "uuid": set.uuid, "srcId": set.src_id, "name": set.name,
            "parentSku": set.parent_sku,
            "createdAt": clock::with_offset(set.created_at),
            "updatedAt": clock::with_offset(set.updated_at),
            "description": format!("{}.", set.name), "brandId": 781, "primaryCategoryId": 3307,
            "attributeSetId": 6, "sellerId": self.config.seller_id, "categories": [3307, 3311],
            "attributes": attributes, "sizeSystem": 5, "browseNodes": [],
            "sellerSku": sku, "status": status, "sin": null,
        });
        if self.switches.nulls_in_required {
            faults::edit(&mut row, "/description", &Value::Null);
            faults::edit(&mut row, "/categories", &Value::Null);
        }
        if self.switches.unknown_enum_values {
            faults::edit(&mut row, "/status", &json!("under_review"));
        }
        row
    }

    fn product_row(&self, product: &Product) -> Value {
        let mut row = json!({
            "id": product.id, "uuid": product.uuid, "srcId": (product.id + 1_872_000).to_string(),
            "shopSku": product.shop_sku, "sellerSku": product.seller_sku, "sin": null,
            "sellerId": self.config.seller_id, "productSetId": product.set,
            "approvalStatus": "approved", "updatedByUserId": USER_ID, "status": product.status,
            "variation": product.variation, "taxClassId": 1,
            "shipmentTypeId": product.shipment_type.id(),
            "productIdentifier": format!("93500{:08}", product.id), "duplicateGroupId": null,
            "srcUpdatedAt": clock::with_offset(product.updated_at),
            "createdAt": clock::with_offset(product.created_at),
            "updatedAt": clock::with_offset(product.updated_at), "name": product.name,
        });
        if self.switches.nulls_in_required {
            for member in ["/shopSku", "/variation", "/updatedByUserId", "/name"] {
                faults::edit(&mut row, member, &Value::Null);
            }
        }
        if self.switches.unknown_enum_values {
            faults::edit(&mut row, "/approvalStatus", &json!("auto_approved"));
        }
        for (pointer, value) in &self.switches.product_edits {
            faults::edit(&mut row, pointer, value);
        }
        row
    }

    fn set_or_404(&self, call: &Call) -> Result<&ProductSet, Refusal> {
        let id = call.id("set")?;
        self.set(id)
            .ok_or_else(|| Refusal::missing(format!("Product set {id}")))
    }

    fn member_or_404(&self, call: &Call) -> Result<&Product, Refusal> {
        let set = self.set_or_404(call)?.id;
        let id = call.id("product")?;
        let found = self.products.get(&id).filter(|p| p.set == set);
        found.ok_or_else(|| Refusal::missing(format!("Product {id} of product set {set}")))
    }
}

/// A wrapped list with its total.
pub(super) fn wrapped(items: Vec<Value>, page: super::call::Page, total: usize) -> Value {
    json!({
        "items": items,
        "pagination": {"limit": page.limit, "offset": page.offset, "totalCount": total},
    })
}

/// `GET /v2/product-sets`.
pub(super) fn list_sets(state: &mut State, call: &Call) -> Answer {
    call.expect(
        state,
        &[
            "limit",
            "offset",
            "status",
            "keyword",
            "keyword[]",
            "createDateStart",
            "createDateEnd",
            "updateDateStart",
            "updateDateEnd",
            "brandIds[]",
            "categoryIds[]",
            "productSetIds[]",
            "productSetUuids[]",
            "tags[]",
            "parentSku",
            "group",
            "visibility",
            "inStock",
            "reserved",
            "onlyWithTags",
            "orderBy",
            "orderDirection",
        ],
    );
    let page = call.page(state, PAGE_MAX, Tolerance::Silent)?;
    let status = call.one("status").unwrap_or("all");
    if !SET_STATUSES.contains(&status) {
        return Err(Refusal::invalid(
            "status",
            "The value you selected is not a valid choice.",
            status,
        ));
    }
    let mut bounds = [None; 4];
    let names = [
        "createDateStart",
        "createDateEnd",
        "updateDateStart",
        "updateDateEnd",
    ];
    for (bound, name) in bounds.iter_mut().zip(names) {
        if call
            .one(name)
            .is_some_and(|text| text.len() != "2026-03-09".len())
        {
            return Err(Refusal::invalid(
                name,
                "This value is not a valid date.",
                call.one(name).unwrap_or_default(),
            ));
        }
        *bound = call.bound(state, name, name.ends_with("End"))?;
    }
    let (by, direction) = (call.one("orderBy"), call.one("orderDirection"));
    if by.is_some() != direction.is_some() {
        return Err(Refusal::invalid(
            "orderBy",
            "orderBy and orderDirection have to be given together.",
            by.unwrap_or("null"),
        ));
    }
    if by.is_some_and(|by| by != "createdAt") {
        return Err(Refusal::invalid(
            "orderBy",
            "The value you selected is not a valid choice.",
            by.unwrap_or_default(),
        ));
    }
    let descending = match direction {
        None => state.switches.newest_first,
        Some("ASC") => false,
        Some("DESC") => true,
        Some(other) => {
            return Err(Refusal::invalid(
                "orderDirection",
                "The value you selected is not a valid choice.",
                other,
            ));
        }
    };
    let ids = call.ids("productSetIds")?;
    let uuids = call.many("productSetUuids");
    let mut keywords: Vec<String> = call
        .many("keyword")
        .iter()
        .map(|k| k.to_lowercase())
        .collect();
    keywords.extend(call.one("keyword").map(str::to_lowercase));
    if keywords.len() > 5 {
        return Err(Refusal::invalid(
            "keyword",
            "This collection should contain 5 elements or less.",
            keywords.len(),
        ));
    }
    // Shorter terms do not count.
    keywords.retain(|k| k.chars().count() >= 3);
    let parent = call.one("parentSku");
    let in_stock = call.flag("inStock");
    let reserved = call.flag("reserved");

    let state: &State = state;
    let wanted = |set: &ProductSet| {
        let within = |at, start: Option<_>, end: Option<_>| {
            start.is_none_or(|start| at >= start) && end.is_none_or(|end| at <= end)
        };
        state.set_is(set, status)
            && within(set.created_at, bounds[0], bounds[1])
            && within(set.updated_at, bounds[2], bounds[3])
            && ids.as_ref().is_none_or(|ids| ids.contains(&set.id))
            && (uuids.is_empty() || uuids.contains(&set.uuid.to_string().as_str()))
            && parent.is_none_or(|parent| parent == set.parent_sku)
            && in_stock
                .is_none_or(|yes| yes == state.members(set).any(|p| p.quantity + p.consigned > 0))
            && reserved.is_none_or(|yes| yes == state.members(set).any(|p| p.reserved > 0))
            && (keywords.is_empty()
                || keywords.iter().any(|k| {
                    let begins = |text: &str| text.to_lowercase().starts_with(k.as_str());
                    begins(&set.name)
                        || begins(&set.parent_sku)
                        || state
                            .members(set)
                            .any(|p| begins(&p.seller_sku) || begins(&p.shop_sku))
                }))
    };
    let count = state.sets.len();
    let order = (0..count).map(|at| &state.sets[if descending { count - 1 - at } else { at }]);
    let mut total = 0;
    let mut rows = Vec::new();
    for set in order.filter(|set| wanted(set)) {
        if total >= page.offset && rows.len() < page.limit {
            rows.push(state.set_row(set));
        }
        total += 1;
    }
    Reply::ok(wrapped(rows, page, total))
}

/// `GET /v2/product-set/{set}`.
pub(super) fn one_set(state: &mut State, call: &Call) -> Answer {
    Reply::ok(state.set_row(state.set_or_404(call)?))
}

/// `GET /v2/product-set/parent-sku/{sku}`.
pub(super) fn set_by_parent_sku(state: &mut State, call: &Call) -> Answer {
    let sku = call.param("sku");
    let found = state.by_parent_sku.get(sku).and_then(|&id| state.set(id));
    let set = found.ok_or_else(|| Refusal::missing(format!("Parent SKU `{sku}`")))?;
    Reply::ok(state.set_row(set))
}

/// `GET /v2/product-set/config-sku/{sku}`.
pub(super) fn set_by_config_sku(state: &mut State, call: &Call) -> Answer {
    let sku = call.param("sku");
    let found = state.by_config_sku.get(sku).and_then(|&id| state.set(id));
    let set = found.ok_or_else(|| Refusal::missing(format!("Config SKU `{sku}`")))?;
    Reply::ok(state.set_row(set))
}

/// `GET /v2/product-set/{set}/products`.
pub(super) fn set_products(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &[]);
    let set = state.set_or_404(call)?;
    Reply::ok(state.members(set).map(|p| state.product_row(p)).collect())
}

/// `GET /v2/product-set/{set}/products/{product}`.
pub(super) fn set_product(state: &mut State, call: &Call) -> Answer {
    Reply::ok(state.product_row(state.member_or_404(call)?))
}

/// `PUT /v2/product-set/{set}/products/{product}/status?status=`.
pub(super) fn put_status(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["status"]);
    let id = state.member_or_404(call)?.id;
    let status = call.one("status").unwrap_or_default();
    if !PRODUCT_STATUSES.contains(&status) {
        return Err(Refusal::invalid(
            "status",
            "The value you selected is not a valid choice.",
            status,
        ));
    }
    state.set_status(id, status);
    Ok(Reply::Empty(200))
}

/// `GET /v2/product/seller-sku/{sku}`.
pub(super) fn by_seller_sku(state: &mut State, call: &Call) -> Answer {
    let sku = call.param("sku");
    let product = state.product_by_sku(sku);
    let product = product.ok_or_else(|| Refusal::missing(format!("Seller SKU `{sku}`")))?;
    Reply::ok(state.product_row(product))
}

/// `GET /v2/product/shop-sku/{sku}`.
pub(super) fn by_shop_sku(state: &mut State, call: &Call) -> Answer {
    let sku = call.param("sku");
    let product = state
        .by_shop_sku
        .get(sku)
        .and_then(|id| state.products.get(id));
    let product = product.ok_or_else(|| Refusal::missing(format!("Shop SKU `{sku}`")))?;
    Reply::ok(state.product_row(product))
}

/// `GET /v2/product/seller-skus`.
pub(super) fn by_seller_skus(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["sellerSkus[]", "limit", "offset"]);
    let page = call.page(state, PAGE_MAX, Tolerance::Silent)?;
    let skus = call.many("sellerSkus");
    if skus.is_empty() {
        return Err(Refusal::invalid(
            "sellerSkus",
            "This value should not be blank.",
            "null",
        ));
    }
    if skus.len() > 100 {
        return Err(Refusal::invalid(
            "sellerSkus",
            "This collection should contain 100 elements or less.",
            skus.len(),
        ));
    }
    let mut ids: Vec<u64> = skus
        .iter()
        .filter_map(|&sku| state.by_seller_sku.get(sku))
        .flatten()
        .copied()
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = ids.iter().skip(page.offset).take(page.limit);
    let rows = rows
        .filter_map(|id| state.products.get(id))
        .map(|p| state.product_row(p));
    Reply::ok(wrapped(rows.collect(), page, ids.len()))
}

/// `GET /v2/products`.
pub(super) fn products(state: &mut State, call: &Call) -> Answer {
    call.expect(
        state,
        &[
            "productIds[]",
            "productUuids[]",
            "sellerId",
            "sku",
            "name",
            "sellerSku",
            "limit",
            "offset",
        ],
    );
    let ids = call.ids("productIds")?;
    let uuids = call.many("productUuids");
    let (name, shop_sku, sku) = (call.one("name"), call.one("sku"), call.one("sellerSku"));
    let keys: Vec<u64> = match (&ids, sku, shop_sku) {
        (Some(ids), _, _) => ids.clone(),
        (None, Some(sku), _) => state.by_seller_sku.get(sku).cloned().unwrap_or_default(),
        (None, None, Some(sku)) => state.by_shop_sku.get(sku).copied().into_iter().collect(),
        (None, None, None) => state
            .sets
            .iter()
            .flat_map(|set| set.products.iter().copied())
            .collect(),
    };
    let number = |name: &str| call.one(name).and_then(|text| text.parse::<usize>().ok());
    let rows: Vec<Value> = keys
        .iter()
        .filter_map(|id| state.products.get(id))
        .filter(|p| {
            (uuids.is_empty() || uuids.contains(&p.uuid.to_string().as_str()))
                && name.is_none_or(|name| p.name == name)
                && sku.is_none_or(|sku| p.seller_sku == sku)
                && shop_sku.is_none_or(|sku| p.shop_sku == sku)
        })
        .skip(number("offset").unwrap_or(0))
        .take(number("limit").unwrap_or(100).min(100))
        .map(|p| state.product_row(p))
        .collect();
    Reply::ok(Value::Array(rows))
}

fn price_row(price: &Price) -> Value {
    json!({
        "price": price.list.map(amount), "salePrice": price.sale.map(amount),
        "saleStartDate": price.sale_start, "saleEndDate": price.sale_end,
        "country": "AU", "status": price.status,
    })
}

/// `GET /v2/prices`.
pub(super) fn prices(state: &mut State, call: &Call) -> Answer {
    call.expect(state, &["productSetIds[]", "productIds[]"]);
    let sets = call.ids("productSetIds")?.unwrap_or_default();
    let products = call.ids("productIds")?.unwrap_or_default();
    let mut by_set = std::collections::BTreeMap::<u64, Vec<Value>>::new();
    let of_sets = sets
        .iter()
        .filter_map(|&id| state.set(id))
        .flat_map(|set| set.products.iter());
    let mut ids: Vec<u64> = of_sets.chain(&products).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    for product in ids.iter().filter_map(|id| state.products.get(id)) {
        by_set
            .entry(product.set)
            .or_default()
            .push(json!({"productId": product.id, "prices": [price_row(&product.price)]}));
    }
    let rows = by_set.into_iter();
    Reply::ok(
        rows.map(|(set, items)| json!({"productSetId": set, "items": items}))
            .collect(),
    )
}

/// `PUT /v2/product/{product}/prices/{country}`: what is left out becomes null, but for the status.
pub(super) fn put_price(state: &mut State, call: &Call) -> Answer {
    let id = call.id("product")?;
    let country = call.param("country");
    if country != "AU" {
        return Err(Refusal::unprocessable(format!(
            "Country {country} is not one of the seller's countries"
        )));
    }
    let body = call.json()?;
    let number = |name: &str| -> Result<Option<Decimal>, Refusal> {
        match body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(number)) => number.to_string().parse().map(Some).map_err(|_| {
                Refusal::invalid(name, "This value should be of type number.", number)
            }),
            Some(other) => Err(Refusal::invalid(
                name,
                "This value should be of type number.",
                other,
            )),
        }
    };
    let (list, sale) = (number("price")?, number("salePrice")?);
    let product = state.products.get_mut(&id);
    let product = product.ok_or_else(|| Refusal::missing(format!("Product {id}")))?;
    product.price.list = list;
    product.price.sale = sale;
    product.price.sale_start = body.get("saleStartDate").cloned().unwrap_or_default();
    product.price.sale_end = body.get("saleEndDate").cloned().unwrap_or_default();
    if let Some(status) = body.get("status").and_then(Value::as_str) {
        status.clone_into(&mut product.price.status);
    }
    Reply::ok(price_row(&product.price))
}
