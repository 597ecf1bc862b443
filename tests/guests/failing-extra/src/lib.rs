//! An extra that fails as the setting `do` says.

use lockstep_sdk::order_edits::{Draft, Edit, NewLine};
use lockstep_sdk::prelude::*;
use lockstep_sdk::stock_edits::Position;

struct Failing;

fn fail(cx: ExtraCx<'_>) -> Result<(), String> {
    match cx.setting("do").unwrap_or_default().as_str() {
        "trap" => panic!("told to"),
        "spin" => {
            let mut n = 0u64;
            loop {
                n = std::hint::black_box(n.wrapping_add(1));
            }
        }
        "memory" => {
            let mut hoard = Vec::new();
            loop {
                hoard.push(std::hint::black_box(vec![1u8; 1 << 20]));
            }
        }
        "words" => Err("it does not feel like it".to_owned()),
        _ => Ok(()),
    }
}

impl OrderEdits for Failing {
    fn edits(cx: ExtraCx<'_>, draft: Draft) -> Result<Vec<Edit>, String> {
        fail(cx)?;
        let price = |amount: &str| Money {
            amount: amount.to_owned(),
            currency: draft.currency.clone(),
        };
        let line = |amount: &str| {
            vec![Edit::AddLine(NewLine {
                title: "A line".to_owned(),
                quantity: 1,
                price: price(amount),
                taxable: false,
                properties: Vec::new(),
            })]
        };
        Ok(match cx.setting("do").unwrap_or_default().as_str() {
            "negative" => line("-5"),
            "garbage" => line("dear"),
            "forge" => vec![Edit::SetAttribute(Fact::new("Channel order id", "1"))],
            "flood" => line("1").into_iter().cycle().take(100_000).collect(),
            _ => Vec::new(),
        })
    }
}

impl StockEdits for Failing {
    fn adjust(cx: ExtraCx<'_>, positions: Vec<Position>) -> Result<Vec<u32>, String> {
        fail(cx)?;
        Ok(match cx.setting("do").unwrap_or_default().as_str() {
            "raise" => positions.iter().map(|p| p.sellable + 1_000).collect(),
            "short" => Vec::new(),
            _ => positions.iter().map(|p| p.sellable).collect(),
        })
    }
}

extra!(Failing: order_edits, stock_edits);
