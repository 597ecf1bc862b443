//! Adds a line that names the sales channel to every order.

use lockstep_sdk::order_edits::{Draft, Edit, NewLine};
use lockstep_sdk::prelude::*;
use rust_decimal::Decimal;

/// The extra.
pub struct ChannelLineItem;

impl OrderEdits for ChannelLineItem {
    fn edits(cx: ExtraCx<'_>, draft: Draft) -> Result<Vec<Edit>, String> {
        let title = cx.setting("title").unwrap_or_default();
        let price = cx.setting("price").unwrap_or_else(|| "0".to_owned());
        let price = Decimal::from_str_exact(price.trim())
            .map_err(|_| format!("the setting price is \"{price}\", which is no amount"))?;
        Ok(vec![Edit::AddLine(NewLine {
            title: fill(&title, &draft),
            quantity: 1,
            price: Money::new(price, &draft.currency),
            taxable: cx.flag("taxable"),
            properties: Vec::new(),
        })])
    }
}

extra!(ChannelLineItem: order_edits);

#[cfg(test)]
mod tests {
    use lockstep_sdk::testing::{Fake, draft};

    use super::*;

    fn run(fake: &Fake) -> Result<Vec<Edit>, String> {
        ChannelLineItem::edits(fake.extra_cx(), draft())
    }

    #[test]
    fn the_line_names_the_channel() {
        let fake = Fake::closed()
            .set("title", "Sold on {channel}, order {number}")
            .set("price", "1.50")
            .set("taxable", "true");
        let edits = run(&fake).unwrap();
        let [Edit::AddLine(line)] = edits.as_slice() else {
            panic!("one line")
        };
        assert_eq!(line.title, "Sold on THE ICONIC, order 914002771");
        assert_eq!(line.price, Money::new(Decimal::new(150, 2), "AUD"));
        assert!(line.taxable && line.quantity == 1);
    }

    #[test]
    fn a_price_that_is_none_is_told() {
        let fake = Fake::closed().set("title", "x").set("price", "a lot");
        assert!(run(&fake).unwrap_err().contains("\"a lot\""));
    }
}
