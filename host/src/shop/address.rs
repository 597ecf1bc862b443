//! Postal addresses as Shopify takes them.

use super::op;
use crate::model::Address;

/// States and regions whose names marketplaces write out. Shopify wants codes.
const PROVINCES: &[(&str, &str, &[&str])] = &[
    ("AU", "NSW", &["new south wales"]),
    ("AU", "VIC", &["victoria"]),
    ("AU", "QLD", &["queensland"]),
    ("AU", "WA", &["western australia"]),
    ("AU", "SA", &["south australia"]),
    ("AU", "TAS", &["tasmania"]),
    ("AU", "ACT", &["australian capital territory"]),
    ("AU", "NT", &["northern territory"]),
    ("NZ", "AUK", &["auckland"]),
    ("NZ", "BOP", &["bay of plenty"]),
    ("NZ", "CAN", &["canterbury"]),
    ("NZ", "GIS", &["gisborne"]),
    ("NZ", "HKB", &["hawke's bay", "hawkes bay"]),
    ("NZ", "MWT", &["manawatu-wanganui", "manawatu-whanganui", "manawatū-whanganui"]),
    ("NZ", "MBH", &["marlborough"]),
    ("NZ", "NSN", &["nelson"]),
    ("NZ", "NTL", &["northland"]),
    ("NZ", "OTA", &["otago"]),
    ("NZ", "STL", &["southland"]),
    ("NZ", "TKI", &["taranaki"]),
    ("NZ", "TAS", &["tasman"]),
    ("NZ", "WKO", &["waikato"]),
    ("NZ", "WGN", &["wellington"]),
    ("NZ", "WTC", &["west coast"]),
];

/// Code of a state or region: as given when it is one of the country's codes or looks like one, else by its name.
fn province(country: Option<&str>, region: &str) -> Option<String> {
    let plain = region.trim();
    let country = country?;
    let of_country = || PROVINCES.iter().filter(|(c, ..)| *c == country);
    let upper = plain.to_uppercase();
    if of_country().any(|(_, code, _)| *code == upper) {
        return Some(upper);
    }
    let lower = plain.to_lowercase();
    if let Some((_, code, _)) = of_country().find(|(_, _, names)| names.contains(&lower.as_str())) {
        return Some((*code).to_owned());
    }
    let looks_like_code = of_country().next().is_none() && (2..=3).contains(&upper.len()) && upper.bytes().all(|b| b.is_ascii_alphanumeric());
    looks_like_code.then_some(upper)
}

/// An address for Shopify. What has no field of its own there (a suburb, further street lines, a region without code) goes
/// into the second line, so that the label shows it.
pub(super) fn input(a: &Address) -> op::AddressInput {
    let some = |t: &Option<String>| t.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    let country = some(&a.country).filter(|c| c.len() == 2);
    let region = some(&a.region);
    let code = region.as_deref().and_then(|r| province(country.as_deref(), r));
    let (first, last) = match (some(&a.first_name), some(&a.last_name), some(&a.name)) {
        (None, None, Some(name)) => match name.rsplit_once(' ') {
            Some((first, last)) => (Some(first.to_owned()), Some(last.to_owned())),
            None => (None, Some(name)),
        },
        (first, last, _) => (first, last),
    };
    let mut second: Vec<String> = a.lines.iter().skip(1).map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    second.extend(some(&a.suburb).filter(|s| Some(s) != some(&a.city).as_ref()));
    second.extend(region.filter(|_| code.is_none()));
    second.extend(some(&a.country_as_given).filter(|_| country.is_none()));
    op::AddressInput {
        first_name: first,
        last_name: last,
        company: some(&a.company),
        address1: a.lines.first().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()),
        address2: Some(second.join(", ")).filter(|s| !s.is_empty()),
        city: some(&a.city).or_else(|| some(&a.suburb)),
        province_code: code,
        country_code: country.map(op::Country),
        zip: some(&a.postcode),
        phone: a.phones.first().cloned().filter(|p| !p.trim().is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_become_codes_where_they_have_one() {
        for (country, region, code) in [
            ("AU", "Western Australia", Some("WA")),
            ("AU", "nsw", Some("NSW")),
            ("AU", "Mars", None),
            ("NZ", "Auckland", Some("AUK")),
            ("US", "ca", Some("CA")),
            ("DE", "Bayern", None),
        ] {
            assert_eq!(province(Some(country), region).as_deref(), code, "{region}");
        }
        assert_eq!(province(None, "WA"), None);
    }

    #[test]
    fn nothing_of_an_address_is_lost() {
        let made = input(&Address {
            name: Some("Marlo van Quill".into()),
            lines: vec!["Unit 2".into(), "8 Lantern Rd".into()],
            suburb: Some("Beach".into()),
            city: Some("Fremantle".into()),
            region: Some("Outback".into()),
            country: Some("AU".into()),
            ..Address::default()
        });
        assert_eq!((made.first_name.as_deref(), made.last_name.as_deref()), (Some("Marlo van"), Some("Quill")));
        assert_eq!((made.address1.as_deref(), made.address2.as_deref()), (Some("Unit 2"), Some("8 Lantern Rd, Beach, Outback")));
        assert_eq!(made.province_code, None);
    }
}
