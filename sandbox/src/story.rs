//! People: a shopper who buys on both sides and sometimes changes her mind, and a merchant who packs in Shopify the
//! way merchants do. Scripted, one act at a time, or at random from a seed with [`Story::step`].
//!
//! Shoppers buy only what is really there, unless the story is [racing](Story::racing): two people who want the same
//! last piece at the same moment on two sides are a loss that no software can prevent.

mod market;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Catalogue, Kind as Relation, LOCATIONS};
use crate::dice::Dice;
use crate::mirakl::Mirakl;
use crate::seller_center::{Buyer, PlacedOrder, Purchase, SellerCenter, ShipmentType};
use crate::shopify::{OrderView, Shopify, VariantView};
use crate::{CHANNEL, Sandbox};

/// How an order is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packing {
    /// Everything in one parcel.
    Whole,
    /// In two parcels, each with a code of its own.
    TwoParcels,
    /// One unit now, the rest another day.
    Partial,
    /// Everything in one parcel, whose tracking code is only entered later.
    TrackingLater,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Happening {
    /// Of what kind.
    pub kind: Kind,
    /// A sentence for people.
    pub text: String,
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Somebody bought at the marketplace.
    ChannelSale,
    /// Somebody bought in the shop.
    ShopSale,
    /// The marketplace released a payment it had held.
    PaymentReleased,
    /// The merchant packed.
    Packed,
    /// The merchant entered a tracking code that was missing.
    Tracking,
    /// The merchant took a packing back.
    Unpacked,
    /// Units were cancelled, on either side.
    Cancelled,
    /// The merchant edited a SKU.
    SkuEdited,
    /// The merchant counted stock anew.
    Recounted,
}

/// Carriers as the merchant writes them, with what their tracking codes begin with.
const CARRIERS: &[(&str, &str)] = &[
    ("Australia Post", "33KS"),
    ("auspost", "34KS"),
    ("Sendle", "S"),
    ("sendle", "S"),
    ("StarTrack", "STK"),
    ("Couriers Please", "CPA"),
    ("Aramex Australia", "MP"),
];

/// A parcel whose tracking code the merchant still owes.
#[derive(Clone, Debug)]
struct Late {
    fulfillment: String,
    order: String,
    carrier: &'static str,
    code: String,
}

/// The people of one sandbox.
pub struct Story {
    shop: Shopify,
    channel: SellerCenter,
    market: Option<Mirakl>,
    catalogue: Arc<Catalogue>,
    locations: Vec<String>,
    dice: Dice,
    racing: bool,
    /// SKUs that both sides have in step.
    skus: Vec<String>,
    /// SKUs that nearly agree: Shopify's and the marketplace's.
    near: Vec<(String, String)>,
    /// Orders whose payment is under review: id and number.
    reviewed: Vec<(u64, String)>,
    late: Vec<Late>,
}

impl Story {
    /// The people of `sandbox`; the same seed makes them do the same.
    pub fn new(sandbox: &Sandbox, seed: u64) -> Self {
        let catalogue = sandbox.catalogue.clone();
        let near = catalogue
            .of_kind(Relation::NearMiss)
            .filter_map(|(_, v)| {
                let (shop, channel) = (v.shop.as_ref()?, v.channel.as_ref()?);
                Some((shop.sku.clone(), channel.seller_sku.clone()))
            })
            .collect();
        Self {
            shop: sandbox.shopify.clone(),
            channel: sandbox.seller_center.clone(),
            market: sandbox.mirakl.clone(),
            skus: catalogue.linked().into_iter().map(str::to_owned).collect(),
            catalogue,
            locations: sandbox.locations.clone(),
            dice: Dice::new(seed ^ 0x5EED_0F57_0121_E500),
            racing: false,
            near,
            reviewed: Vec::new(),
            late: Vec::new(),
        }
    }

    /// The same people, who also fight for last pieces: oversells become possible.
    pub fn racing(mut self) -> Self {
        self.racing = true;
        self
    }

    /// What is sold.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Lets something happen: mostly one thing, now and then two.
    pub async fn step(&mut self) -> Vec<Happening> {
        let mut happened = Vec::new();
        for _ in 0..1 + usize::from(self.dice.chance(20)) {
            happened.extend(self.act());
        }
        happened
    }

    /// One random act; another one when there was no occasion for the first.
    fn act(&mut self) -> Vec<Happening> {
        if let Some(happened) = self.act_at_market() {
            return happened;
        }
        for _ in 0..4 {
            let roll = self.dice.below(100);
            let done = match roll {
                0..=29 => self.random_sale(),
                30..=46 => one(Kind::ShopSale, self.buy_in_shop()),
                47..=71 => self.random_packing(),
                72..=79 => self.settle_late(),
                80..=85 => one(Kind::PaymentReleased, self.release_payment()),
                86..=90 => self
                    .random_order(|o| o.cancellable)
                    .and_then(|number| one(Kind::Cancelled, self.cancel_on_channel(&number))),
                91..=93 => self
                    .random_order(|o| o.packable)
                    .and_then(|number| one(Kind::Cancelled, self.cancel_in_shop(&number))),
                94..=97 => one(Kind::Recounted, self.recount()),
                _ if !self.near.is_empty() => one(Kind::SkuEdited, self.edit_sku()),
                _ => None,
            };
            if let Some(happened) = done {
                return happened;
            }
        }
        Vec::new()
    }

    fn random_sale(&mut self) -> Option<Vec<Happening>> {
        let pieces = match self.dice.below(10) {
            0..=4 => 1,
            5..=7 => 2,
            8 => 3,
            _ => 4,
        };
        let mut purchase = Purchase {
            payment_pending: self.dice.chance(12),
            ..Purchase::default()
        };
        if self.dice.chance(25) {
            purchase.shipping_fee = Decimal::new(995, 2);
        }
        if self.dice.chance(15) {
            purchase.discount_per_item = Decimal::new(500, 2);
        }
        if self.dice.chance(5) {
            purchase.venture_items = vec![("TI-TOTE-NAT".into(), 1)];
        }
        let basket = self.basket(pieces)?;
        one(
            Kind::ChannelSale,
            self.buy(&basket, purchase).map(|(_, text)| text),
        )
    }

    /// Somebody buys `pieces` pieces at the marketplace, of one SKU or several, and pays at once.
    ///
    /// # Errors
    /// Not that much is there to be sold.
    pub fn buy_on_channel(&mut self, pieces: u32) -> anyhow::Result<(PlacedOrder, String)> {
        self.buy_anything(pieces, Purchase::default())
    }

    /// Somebody buys `pieces` pieces at the marketplace in a way of their own.
    ///
    /// # Errors
    /// Not that much is there to be sold.
    pub fn buy_anything(
        &mut self,
        pieces: u32,
        purchase: Purchase,
    ) -> anyhow::Result<(PlacedOrder, String)> {
        let basket = self.basket(pieces).ok_or_else(|| {
            anyhow!("{pieces} pieces cannot be bought: no SKU is in stock on both sides; give some stock first")
        })?;
        self.buy(&basket, purchase)
    }

    /// Somebody buys exactly this at the marketplace.
    ///
    /// # Errors
    /// The marketplace does not sell it.
    pub fn buy(
        &mut self,
        basket: &[(String, u32)],
        purchase: Purchase,
    ) -> anyhow::Result<(PlacedOrder, String)> {
        let buyer = Buyer::random(self.dice.bits());
        let name = format!("{} {}", buyer.first_name, buyer.last_name);
        let items: Vec<(&str, u32)> = basket.iter().map(|(sku, n)| (sku.as_str(), *n)).collect();
        let pending = purchase.payment_pending;
        let order = self
            .channel
            .buy(&items, buyer, purchase)
            .map_err(|why| anyhow!("{CHANNEL} does not sell it: {why}"))?;
        let mut text = format!(
            "{name} buys {} on {CHANNEL}, order {}",
            pieces_text(basket),
            order.number
        );
        if pending {
            text.push_str(" (payment under review)");
            self.reviewed.push((order.id, order.number.clone()));
        }
        Ok((order, text))
    }

    /// Somebody buys a piece or two in the shop.
    ///
    /// # Errors
    /// Nothing is in stock.
    pub fn buy_in_shop(&mut self) -> anyhow::Result<String> {
        let wanted = 1 + u32::from(self.dice.chance(25));
        let sku = self
            .sku_with_room(wanted, false, &[])
            .ok_or_else(|| anyhow!("nothing is in stock in the shop; give some stock first"))?;
        self.sell(&sku, wanted)
    }

    /// Somebody buys exactly this in the shop.
    ///
    /// # Errors
    /// Shopify has no such SKU, or not enough of it.
    pub fn sell(&mut self, sku: &str, quantity: u32) -> anyhow::Result<String> {
        self.shop
            .sell(sku, quantity)
            .map_err(|why| anyhow!("the shop does not sell {quantity} x {sku}: {why}"))?;
        Ok(format!("Somebody buys {quantity} x {sku} in the shop"))
    }

    /// The marketplace ends its longest payment review.
    ///
    /// # Errors
    /// No payment is under review.
    pub fn release_payment(&mut self) -> anyhow::Result<String> {
        if self.reviewed.is_empty() {
            bail!("no payment is under review");
        }
        let (id, number) = self.reviewed.remove(0);
        self.channel.release_payment(id);
        Ok(format!("{CHANNEL} releases the payment of order {number}"))
    }

    fn random_packing(&mut self) -> Option<Vec<Happening>> {
        let number = self.random_order(|o| o.packable)?;
        let packing = match self.dice.below(20) {
            0..=9 => Packing::Whole,
            10..=12 => Packing::TwoParcels,
            13..=15 => Packing::Partial,
            _ => Packing::TrackingLater,
        };
        let texts = self
            .pack(&number, packing)
            .or_else(|_| self.pack(&number, Packing::Whole))
            .ok()?;
        Some(
            texts
                .into_iter()
                .map(|text| Happening {
                    kind: Kind::Packed,
                    text,
                })
                .collect(),
        )
    }

    /// The merchant packs what is open of a marketplace order, by its number; a sentence for each parcel.
    ///
    /// # Errors
    /// Shopify does not have the order once, nothing of it is open, or one unit is to go in two parcels.
    pub fn pack(&mut self, number: &str, packing: Packing) -> anyhow::Result<Vec<String>> {
        let order = self.order_in_shop(number)?;
        let open = open_units(&order);
        if open.is_empty() {
            bail!("nothing of order {number} is left to pack");
        }
        let single = open.len() == 1;
        let split = 1 + self.dice.below(open.len().saturating_sub(1));
        let parcels: Vec<&[String]> = match packing {
            Packing::TwoParcels | Packing::Partial if single => {
                bail!("order {number} has one unit left: it cannot be divided")
            }
            Packing::TwoParcels => vec![&open[..split], &open[split..]],
            Packing::Partial => vec![&open[..1]],
            Packing::Whole | Packing::TrackingLater => vec![&open[..]],
        };
        // What lies in two warehouses leaves in two boxes, each with its own label.
        let parcels: Vec<Vec<String>> = parcels
            .into_iter()
            .flat_map(|units| by_place(&order, units))
            .collect();
        let mut texts = Vec::new();
        for (i, units) in parcels.iter().enumerate() {
            let parcel = order.fulfillments.len() + i + 1;
            let (carrier, code) = self.label(number, parcel);
            let lines = counted(units);
            let what = pieces_text(&skus_of(&order, &lines));
            let later = packing == Packing::TrackingLater;
            let fulfillment = self
                .shop
                .fulfill(
                    &order.gid,
                    Some(&lines),
                    (!later).then_some((carrier, &code)),
                )
                .map_err(|why| anyhow!("order {number} cannot be packed: {why}"))?;
            texts.push(if later {
                format!("The merchant packs {what} of order {number}; the tracking code follows")
            } else {
                format!(
                    "The merchant packs {what} of order {number}: {carrier} {}",
                    code.trim()
                )
            });
            if later {
                self.late.push(Late {
                    fulfillment,
                    order: number.to_owned(),
                    carrier,
                    code,
                });
            }
        }
        Ok(texts)
    }

    /// A carrier and a code that no other parcel has, sometimes with blanks around as people copy it.
    fn label(&mut self, number: &str, parcel: usize) -> (&'static str, String) {
        let (carrier, prefix) = CARRIERS[self.dice.below(CARRIERS.len())];
        let code = format!("{prefix}{number}{parcel:02}");
        let code = match self.dice.below(10) {
            0 => format!(" {code}"),
            1 => format!("{code} "),
            _ => code,
        };
        (carrier, code)
    }

    /// The merchant enters the tracking code that is owed the longest.
    ///
    /// # Errors
    /// None is owed.
    pub fn add_tracking(&mut self) -> anyhow::Result<String> {
        if self.late.is_empty() {
            bail!("no parcel waits for a tracking code; pack one as \"tracking-later\" first");
        }
        let late = self.late.remove(0);
        self.shop
            .set_tracking(&late.fulfillment, late.carrier, &late.code);
        Ok(format!(
            "The merchant enters the tracking code of order {}: {} {}",
            late.order,
            late.carrier,
            late.code.trim()
        ))
    }

    /// The merchant takes back the packing that waits the longest for its code: its units are open again.
    ///
    /// # Errors
    /// Nothing waits for a code.
    pub fn unpack(&mut self) -> anyhow::Result<String> {
        if self.late.is_empty() {
            bail!("no parcel waits for a tracking code; pack one as \"tracking-later\" first");
        }
        let late = self.late.remove(0);
        self.shop.cancel_fulfillment(&late.fulfillment);
        Ok(format!("The merchant unpacks order {} again", late.order))
    }

    fn settle_late(&mut self) -> Option<Vec<Happening>> {
        if self.dice.chance(20) {
            one(Kind::Unpacked, self.unpack())
        } else {
            one(Kind::Tracking, self.add_tracking())
        }
    }

    /// The customer cancels one unit of an order, by its number, at the marketplace.
    ///
    /// # Errors
    /// There is no such order, or nothing of it can be cancelled any more.
    pub fn cancel_on_channel(&mut self, number: &str) -> anyhow::Result<String> {
        let orders = self.channel.orders();
        let order = orders
            .iter()
            .find(|o| o.number == number)
            .ok_or_else(|| anyhow!("{CHANNEL} has no order {number}"))?;
        let item = order
            .items
            .iter()
            .rev()
            .find(|i| {
                i.shipment_type != ShipmentType::Warehouse
                    && matches!(i.status.as_str(), "pending" | "payment_pending")
            })
            .ok_or_else(|| anyhow!("nothing of order {number} can be cancelled any more"))?;
        if self
            .channel
            .cancel_items(&[item.id], "Customer request")
            .is_empty()
        {
            bail!("item {} of order {number} cannot be cancelled", item.id);
        }
        Ok(format!(
            "{} {} cancels 1 x {} of order {number} on {CHANNEL}",
            order.buyer.first_name, order.buyer.last_name, item.seller_sku
        ))
    }

    /// The merchant cannot find one unit of an order, by its number, and cancels it in Shopify; the whole order when
    /// no other unit is left.
    ///
    /// # Errors
    /// Shopify does not have the order once, or nothing of it is open.
    pub fn cancel_in_shop(&mut self, number: &str) -> anyhow::Result<String> {
        let order = self.order_in_shop(number)?;
        let open = open_units(&order);
        let Some(line) = open.last() else {
            bail!("nothing of order {number} is left to cancel");
        };
        let refused = |why| anyhow!("order {number} cannot be cancelled: {why}");
        let packed = order.lines.iter().any(|l| l.fulfilled > 0);
        if open.len() == 1 && !packed {
            self.shop
                .cancel_order(&order.gid, "INVENTORY", false)
                .map_err(refused)?;
            return Ok(format!(
                "The merchant cancels order {number} in Shopify: out of stock"
            ));
        }
        self.shop
            .remove_units(&order.gid, line, 1, false)
            .map_err(refused)?;
        let what = pieces_text(&skus_of(&order, &[(line.clone(), 1)]));
        Ok(format!(
            "The merchant cancels {what} of order {number} in Shopify: out of stock"
        ))
    }

    /// The merchant corrects a SKU in Shopify that nearly agreed; when all agree, one SKU gets a new name on both sides.
    ///
    /// # Errors
    /// There is no SKU that could be edited without touching open orders.
    pub fn edit_sku(&mut self) -> anyhow::Result<String> {
        let variants = self.shop.variants();
        let gid_of = |sku: &str| {
            variants
                .iter()
                .find(|v| v.sku.as_deref() == Some(sku))
                .map(|v| v.gid.clone())
        };
        while let Some((shop, channel)) = self.near.pop() {
            let Some(gid) = gid_of(&shop) else { continue };
            self.shop.set_sku(&gid, Some(&channel));
            self.skus.push(channel.clone());
            return Ok(format!(
                "The merchant corrects the SKU \"{shop}\" to \"{channel}\" in Shopify"
            ));
        }
        for _ in 0..50 {
            let place = self.dice.below(self.skus.len());
            let Some(sku) = self.skus.get(place).cloned() else {
                break;
            };
            let products = self.channel.product(&sku);
            let [product] = products.as_slice() else {
                continue;
            };
            let waiting = self.waiting().get(&sku).is_some_and(|units| *units > 0);
            if product.reserved != 0 || waiting {
                continue;
            }
            let Some(gid) = gid_of(&sku) else { continue };
            let new = format!("{sku}-R");
            self.shop.set_sku(&gid, Some(&new));
            self.channel.set_seller_sku(product.id, &new);
            if let Some(market) = &self.market {
                market.set_sku(&sku, &new);
            }
            self.skus[place].clone_from(&new);
            return Ok(format!(
                "The merchant renames the SKU \"{sku}\" to \"{new}\" on both sides"
            ));
        }
        bail!("no SKU is without open orders; let some be packed first")
    }

    /// The merchant counts the stock of one SKU at one location.
    ///
    /// # Errors
    /// Nothing is sold on both sides.
    pub fn recount(&mut self) -> anyhow::Result<String> {
        let place = self.dice.below(self.locations.len());
        let found = self.dice.between(0, 12);
        let sku = self.dice.pick(&self.skus).cloned();
        let (Some(location), Some(sku)) = (self.locations.get(place).cloned(), sku) else {
            bail!("nothing is sold on both sides; start the sandbox with more SKUs");
        };
        let variant = self.variant(&sku);
        let level = |at: &str| {
            variant
                .iter()
                .flat_map(|v| &v.levels)
                .filter(|l| l.location == at)
                .map(|l| l.available)
                .sum::<i64>()
        };
        let elsewhere: i64 = self
            .locations
            .iter()
            .filter(|l| **l != location)
            .map(|l| level(l))
            .sum();
        // What was sold a moment ago at the marketplace still lies there, although Shopify does not know of it.
        let sold = self.waiting().get(&sku).copied().unwrap_or(0);
        let found = found.max(sold - elsewhere);
        let before = level(&location);
        // A count that confirms the number is no event.
        let found = if found == before { found + 1 } else { found };
        self.shop.set_available(&sku, &location, found);
        Ok(format!(
            "A count at the {} finds {found} x {sku} instead of {before}",
            LOCATIONS[place]
        ))
    }

    /// Ends what people left open: payments under review, money that is on its way, and tracking codes that are owed.
    ///
    /// # Errors
    /// None in practice; those of [`release_payment`](Self::release_payment) and [`add_tracking`](Self::add_tracking).
    pub fn finish(&mut self) -> anyhow::Result<Vec<String>> {
        let mut texts = Vec::new();
        while !self.reviewed.is_empty() {
            texts.push(self.release_payment()?);
        }
        while let Ok(text) = self.collect_money() {
            texts.push(text);
        }
        while !self.late.is_empty() {
            texts.push(self.add_tracking()?);
        }
        Ok(texts)
    }

    fn order_in_shop(&self, number: &str) -> anyhow::Result<OrderView> {
        let mut found = self.shop.order_by_name(number);
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => bail!("Shopify has no order {number}; let the host bring it over first"),
            n => bail!("Shopify has {n} orders named {number}"),
        }
    }

    fn variant(&self, sku: &str) -> Option<VariantView> {
        self.shop
            .variants()
            .into_iter()
            .find(|v| v.sku.as_deref() == Some(sku))
    }

    /// Units sold at the marketplaces that Shopify's stock does not contain yet, by SKU.
    fn waiting(&self) -> BTreeMap<String, i64> {
        let mut units = BTreeMap::new();
        for order in self.channel.orders() {
            let open = |status: &str| matches!(status, "pending" | "payment_pending");
            if !order.items.iter().any(|i| open(&i.status))
                || !self.shop.order_by_name(&order.number).is_empty()
            {
                continue;
            }
            for item in order
                .items
                .into_iter()
                .filter(|i| open(&i.status) && i.shipment_type != ShipmentType::Warehouse)
            {
                *units.entry(item.seller_sku).or_insert(0) += 1;
            }
        }
        self.waiting_at_market(&mut units);
        units
    }

    /// A random SKU of which `wanted` pieces are really there, and on sale at the marketplace if so asked.
    fn sku_with_room(&mut self, wanted: u32, on_channel: bool, but: &[String]) -> Option<String> {
        let channel = self.channel.clone();
        let offered = |sku: &str| {
            let products = channel.product(sku);
            let mut products = products.iter();
            products.any(|p| p.available >= i64::from(wanted) && p.status == "active")
        };
        self.sku_where(wanted, &|sku| {
            !but.iter().any(|b| b == sku) && (!on_channel || offered(sku))
        })
    }

    /// A random SKU of which `wanted` pieces are really there, and that passes the test.
    fn sku_where(&mut self, wanted: u32, test: &dyn Fn(&str) -> bool) -> Option<String> {
        let stock: BTreeMap<String, i64> = self
            .shop
            .variants()
            .into_iter()
            .filter(|v| v.tracked)
            .filter_map(|v| Some((v.sku?, v.levels.iter().map(|l| l.available).sum())))
            .collect();
        let waiting = if self.racing {
            BTreeMap::new()
        } else {
            self.waiting()
        };
        let start = self.dice.below(self.skus.len());
        let (tail, head) = (&self.skus[start..], &self.skus[..start]);
        tail.iter()
            .chain(head)
            .find(|sku| {
                let of = |counts: &BTreeMap<String, i64>| counts.get(*sku).copied().unwrap_or(0);
                of(&stock) - of(&waiting) >= i64::from(wanted) && test(sku)
            })
            .cloned()
    }

    /// Something to buy at the marketplace: often one of each, sometimes several of one.
    fn basket(&mut self, pieces: u32) -> Option<Vec<(String, u32)>> {
        if pieces > 1
            && self.dice.chance(40)
            && let Some(sku) = self.sku_with_room(pieces, true, &[])
        {
            return Some(vec![(sku, pieces)]);
        }
        let mut chosen: Vec<String> = Vec::new();
        for _ in 0..pieces {
            chosen.push(self.sku_with_room(1, true, &chosen)?);
        }
        (!chosen.is_empty()).then(|| chosen.into_iter().map(|sku| (sku, 1)).collect())
    }

    /// The number of a random marketplace order that stands so.
    fn random_order(&mut self, wanted: impl Fn(&Standing) -> bool) -> Option<String> {
        let mut numbers = Vec::new();
        for order in self.channel.orders() {
            if !order
                .items
                .iter()
                .any(|i| !matches!(i.status.as_str(), "canceled" | "shipped" | "delivered"))
            {
                continue;
            }
            let packable = match self.shop.order_by_name(&order.number).as_slice() {
                [one] => !open_units(one).is_empty(),
                _ => false,
            };
            let cancellable = order
                .items
                .iter()
                .any(|i| i.status == "pending" && i.shipment_type != ShipmentType::Warehouse);
            if wanted(&Standing {
                packable,
                cancellable,
            }) {
                numbers.push(order.number);
            }
        }
        if wanted(&Standing {
            packable: true,
            cancellable: false,
        }) {
            numbers.extend(self.packable_at_market());
        }
        self.dice.pick(&numbers).cloned()
    }
}

/// What can be done with an order.
struct Standing {
    packable: bool,
    cancellable: bool,
}

/// One happening, when there was occasion for it.
fn one(kind: Kind, text: anyhow::Result<String>) -> Option<Vec<Happening>> {
    text.ok().map(|text| vec![Happening { kind, text }])
}

/// The line ids of all units that are neither packed nor removed, one for each unit.
fn open_units(order: &OrderView) -> Vec<String> {
    if order.cancelled_at.is_some() {
        return Vec::new();
    }
    order
        .lines
        .iter()
        .filter(|l| l.requires_shipping)
        .flat_map(|l| {
            let open = l.current.saturating_sub(l.fulfilled) as usize;
            std::iter::repeat_n(l.id.clone(), open)
        })
        .collect()
}

/// Units (line ids, one each) apart by the location that ships them.
fn by_place(order: &OrderView, units: &[String]) -> Vec<Vec<String>> {
    let mut places: BTreeMap<Option<&str>, Vec<String>> = BTreeMap::new();
    for unit in units {
        let line = order.lines.iter().find(|l| l.id == *unit);
        let place = line.and_then(|l| l.claimed_at.as_deref());
        places.entry(place).or_default().push(unit.clone());
    }
    places.into_values().collect()
}

fn counted(units: &[String]) -> Vec<(String, u32)> {
    let mut lines: Vec<(String, u32)> = Vec::new();
    for unit in units {
        match lines.iter_mut().find(|(id, _)| id == unit) {
            Some((_, n)) => *n += 1,
            None => lines.push((unit.clone(), 1)),
        }
    }
    lines
}

fn skus_of(order: &OrderView, lines: &[(String, u32)]) -> Vec<(String, u32)> {
    lines
        .iter()
        .map(|(id, n)| {
            let line = order.lines.iter().find(|l| l.id == *id);
            let sku = line.and_then(|l| l.sku.clone()).unwrap_or_default();
            (sku, *n)
        })
        .collect()
}

/// As in "2 x KS-TIDE-NVY-32 and 1 x KS-LANT-BLK-M".
fn pieces_text(basket: &[(String, u32)]) -> String {
    let parts: Vec<String> = basket
        .iter()
        .map(|(sku, n)| format!("{n} x {sku}"))
        .collect();
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}
