//! Sets the shipping method of an order by the country of purchase.

use lockstep_sdk::order_edits::{Draft, Edit, NewShipping};
use lockstep_sdk::prelude::*;
use rust_decimal::Decimal;

/// The extra.
pub struct ShippingByCountry;

impl OrderEdits for ShippingByCountry {
    fn edits(cx: ExtraCx<'_>, draft: Draft) -> Result<Vec<Edit>, String> {
        let table = cx.setting("methods").unwrap_or_default();
        let mut chosen = None;
        for row in table.split(';').map(str::trim).filter(|r| !r.is_empty()) {
            let Some((countries, method)) = row.split_once('=') else {
                return Err(format!(
                    "the setting methods holds \"{row}\", which is not COUNTRY=METHOD"
                ));
            };
            // The whole table is read each time, so that a mistake in it shows with the first order.
            let method = read(method, &draft.currency)?;
            for country in countries.split(',').map(str::trim) {
                if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_alphabetic()) {
                    return Err(format!(
                        "the setting methods holds \"{country}\", which is no country of two letters"
                    ));
                }
                let here =
                    (draft.country.as_deref()).is_some_and(|c| c.eq_ignore_ascii_case(country));
                if here && chosen.is_none() {
                    chosen = Some(method.clone());
                }
            }
        }
        let default = cx.setting("default").unwrap_or_default();
        if chosen.is_none() && !default.trim().is_empty() {
            chosen = Some(read(&default, &draft.currency)?);
        }
        Ok(chosen.map(Edit::SetShipping).into_iter().collect())
    }
}

extra!(ShippingByCountry: order_edits);

/// Reads `TITLE|CODE|PRICE`; code and price may be left out.
fn read(method: &str, currency: &str) -> Result<NewShipping, String> {
    let mut parts = method.split('|').map(str::trim);
    let title = parts.next().unwrap_or_default();
    if title.is_empty() {
        return Err(format!("the shipping method \"{method}\" has no title"));
    }
    let code = parts.next().filter(|c| !c.is_empty()).map(str::to_owned);
    let price = match parts.next().filter(|p| !p.is_empty()) {
        Some(price) => {
            let amount = Decimal::from_str_exact(price).map_err(|_| {
                format!(
                    "the shipping method \"{method}\" has the price \"{price}\", which is no amount"
                )
            })?;
            Some(Money::new(amount, currency))
        }
        None => None,
    };
    if parts.next().is_some() {
        return Err(format!(
            "the shipping method \"{method}\" has more than title, code and price"
        ));
    }
    Ok(NewShipping {
        title: Some(title.to_owned()),
        code,
        price,
    })
}

#[cfg(test)]
mod tests {
    use lockstep_sdk::testing::{Fake, draft};

    use super::*;

    fn chosen(
        methods: &str,
        default: &str,
        country: Option<&str>,
    ) -> Result<Option<String>, String> {
        let fake = Fake::closed()
            .set("methods", methods)
            .set("default", default);
        let draft = Draft {
            country: country.map(str::to_owned),
            ..draft()
        };
        let edits = ShippingByCountry::edits(fake.extra_cx(), draft)?;
        Ok(edits.into_iter().next().map(|edit| match edit {
            Edit::SetShipping(new) => new.title.unwrap(),
            other => panic!("{other:?}"),
        }))
    }

    #[test]
    fn the_country_chooses_and_the_default_takes_the_rest() {
        let table = "AU = Australia Post ; NZ, FJ = NZ Post|nz|9.50";
        assert_eq!(
            chosen(table, "", Some("AU")).unwrap().as_deref(),
            Some("Australia Post")
        );
        assert_eq!(
            chosen(table, "", Some("FJ")).unwrap().as_deref(),
            Some("NZ Post")
        );
        assert_eq!(
            chosen(table, "DHL", Some("DE")).unwrap().as_deref(),
            Some("DHL")
        );
        assert_eq!(chosen(table, "DHL", None).unwrap().as_deref(), Some("DHL"));
        assert_eq!(chosen(table, " ", None).unwrap(), None);
    }

    #[test]
    fn a_mistake_in_the_table_is_told_whatever_the_country() {
        for (table, why) in [
            ("AU", "COUNTRY=METHOD"),
            ("Australia=x", "two letters"),
            ("NZ=|code", "no title"),
            ("NZ=NZ Post||dear", "\"dear\""),
            ("NZ=a|b|1|2", "more than"),
        ] {
            let error = chosen(table, "", Some("AU")).unwrap_err();
            assert!(error.contains(why), "{table}: {error}");
        }
    }
}
