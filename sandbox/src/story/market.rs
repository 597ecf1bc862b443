//! The people at a Mirakl marketplace, where the sandbox has one: they buy, pay, and change their minds.

use std::collections::BTreeMap;

use anyhow::{anyhow, bail};
use rust_decimal::Decimal;

use super::{Happening, Kind, Story, one, open_units, pieces_text};
use crate::mirakl::{Mirakl, OrderView, Purchase};
use crate::seller_center::Buyer;

/// States in which accepted lines wait for money.
const UNPAID: [&str; 2] = ["WAITING_DEBIT", "WAITING_DEBIT_PAYMENT"];

impl Story {
    fn the_market(&self) -> anyhow::Result<&Mirakl> {
        (self.market.as_ref()).ok_or_else(|| anyhow!("the sandbox has no Mirakl marketplace"))
    }

    /// A random act at the marketplace; none where there is none, or now and then.
    pub(super) fn act_at_market(&mut self) -> Option<Vec<Happening>> {
        if self.market.is_none() || !self.dice.chance(30) {
            return None;
        }
        match self.dice.below(10) {
            0..=4 => {
                let pieces = 1 + u32::from(self.dice.chance(40));
                one(Kind::ChannelSale, self.buy_at_market(pieces))
            }
            5..=8 => one(Kind::PaymentReleased, self.collect_money()),
            _ => one(Kind::Cancelled, self.cancel_at_market()),
        }
    }

    /// Somebody buys `pieces` pieces of one SKU at the Mirakl marketplace.
    ///
    /// # Errors
    /// There is no such marketplace, or not that much to be sold.
    pub fn buy_at_market(&mut self, pieces: u32) -> anyhow::Result<String> {
        let market = self.the_market()?.clone();
        let offered = |sku: &str| {
            let offer = market.offer(sku);
            offer.is_some_and(|o| o.active && o.quantity >= i64::from(pieces))
        };
        let sku = self.sku_where(pieces, &offered).ok_or_else(|| {
            anyhow!(
                "{pieces} pieces cannot be bought at {}",
                market.platform_name()
            )
        })?;
        let buyer = Buyer::random(self.dice.bits());
        let name = format!("{} {}", buyer.first_name, buyer.last_name);
        let mut purchase = Purchase::default();
        if self.dice.chance(25) {
            purchase.shipping_per_line = Decimal::new(795, 2);
        }
        if self.dice.chance(15) {
            purchase.discount_per_unit = Decimal::new(300, 2);
        }
        let title = market.platform_name();
        let order = market
            .buy(&[(&sku, pieces)], buyer, &purchase)
            .map_err(|why| anyhow!("{title} does not sell it: {why}"))?;
        let what = pieces_text(&[(sku, pieces)]);
        Ok(format!("{name} buys {what} on {title}, order {}", order.id))
    }

    /// The money of the order that waits the longest for it arrives at the Mirakl marketplace.
    ///
    /// # Errors
    /// There is no such marketplace, or no order waits for money.
    pub fn collect_money(&mut self) -> anyhow::Result<String> {
        let market = self.the_market()?;
        let unpaid = |o: &OrderView| UNPAID.contains(&o.state.as_str());
        let Some(order) = market.orders().into_iter().find(unpaid) else {
            bail!("no order waits for money");
        };
        market.debit(&order.id);
        Ok(format!("The money of order {} is there", order.id))
    }

    /// The Mirakl marketplace cancels a random order that is not packed.
    ///
    /// # Errors
    /// There is no such marketplace, or nothing to cancel.
    pub fn cancel_at_market(&mut self) -> anyhow::Result<String> {
        let market = self.the_market()?.clone();
        let open: Vec<String> = (market.orders().into_iter())
            .filter(|o| matches!(o.state.as_str(), "WAITING_DEBIT" | "SHIPPING"))
            .filter(|o| o.shipments.is_empty() && !self.packed(&o.id))
            .map(|o| o.id)
            .collect();
        let Some(order) = self.dice.pick(&open) else {
            bail!("no order can be cancelled");
        };
        market.cancel(order, &[]);
        Ok(format!("{} cancels order {order}", market.platform_name()))
    }

    /// Whether any of it is in a parcel.
    fn packed(&self, order: &str) -> bool {
        let made = self.shop.order_by_name(order);
        made.iter().any(|o| o.lines.iter().any(|l| l.fulfilled > 0))
    }

    /// Orders there that the merchant can pack.
    pub(super) fn packable_at_market(&self) -> Vec<String> {
        let orders = self.market.iter().flat_map(Mirakl::orders);
        orders
            .filter(|o| o.state == "SHIPPING")
            .filter(|o| match self.shop.order_by_name(&o.id).as_slice() {
                [made] => !open_units(made).is_empty(),
                _ => false,
            })
            .map(|o| o.id)
            .collect()
    }

    /// Units sold there that Shopify's stock does not contain yet, by SKU.
    pub(super) fn waiting_at_market(&self, units: &mut BTreeMap<String, i64>) {
        for order in self.market.iter().flat_map(Mirakl::orders) {
            if !self.shop.order_by_name(&order.id).is_empty() {
                continue;
            }
            for line in order.lines {
                let left = line.quantity.saturating_sub(line.canceled + line.shipped);
                *units.entry(line.sku).or_default() += i64::from(left);
            }
        }
    }
}
