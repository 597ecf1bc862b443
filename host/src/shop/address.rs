//! Turns a channel's address into one of Shopify's, without losing a part of it.

use super::types::{Word, enum_values, schema};
use crate::model::Address;

/// Shopify's address input.
#[derive(Clone, Debug, cynic::InputObject)]
#[cynic(graphql_type = "MailingAddressInput")]
pub(super) struct MailingAddressInput {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(super) first_name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(super) last_name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(super) company: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(super) address1: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(super) address2: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(super) city: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(super) province_code: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(super) country_code: Option<Word<schema::CountryCode>>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(super) zip: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
}

/// Shopify's codes of states and provinces, each with the names it goes by.
const PROVINCES: &[(&str, &[(&str, &str)])] = &[
    (
        "AU",
        &[
            ("ACT", "Australian Capital Territory"),
            ("NSW", "New South Wales"),
            ("NT", "Northern Territory"),
            ("QLD", "Queensland"),
            ("SA", "South Australia"),
            ("TAS", "Tasmania"),
            ("VIC", "Victoria"),
            ("WA", "Western Australia"),
        ],
    ),
    (
        "NZ",
        &[
            ("AUK", "Auckland"),
            ("BOP", "Bay of Plenty"),
            ("CAN", "Canterbury"),
            ("CIT", "Chatham Islands"),
            ("GIS", "Gisborne"),
            ("HKB", "Hawke's Bay"),
            ("MWT", "Manawatu-Wanganui"),
            ("MBH", "Marlborough"),
            ("NSN", "Nelson"),
            ("NTL", "Northland"),
            ("OTA", "Otago"),
            ("STL", "Southland"),
            ("TKI", "Taranaki"),
            ("TAS", "Tasman"),
            ("WKO", "Waikato"),
            ("WGN", "Wellington"),
            ("WTC", "West Coast"),
        ],
    ),
    (
        "CA",
        &[
            ("AB", "Alberta"),
            ("BC", "British Columbia"),
            ("MB", "Manitoba"),
            ("NB", "New Brunswick"),
            ("NL", "Newfoundland and Labrador"),
            ("NS", "Nova Scotia"),
            ("NT", "Northwest Territories"),
            ("NU", "Nunavut"),
            ("ON", "Ontario"),
            ("PE", "Prince Edward Island"),
            ("QC", "Quebec"),
            ("SK", "Saskatchewan"),
            ("YT", "Yukon"),
        ],
    ),
    (
        "US",
        &[
            ("AL", "Alabama"),
            ("AK", "Alaska"),
            ("AZ", "Arizona"),
            ("AR", "Arkansas"),
            ("CA", "California"),
            ("CO", "Colorado"),
            ("CT", "Connecticut"),
            ("DE", "Delaware"),
            ("DC", "District of Columbia"),
            ("FL", "Florida"),
            ("GA", "Georgia"),
            ("HI", "Hawaii"),
            ("ID", "Idaho"),
            ("IL", "Illinois"),
            ("IN", "Indiana"),
            ("IA", "Iowa"),
            ("KS", "Kansas"),
            ("KY", "Kentucky"),
            ("LA", "Louisiana"),
            ("ME", "Maine"),
            ("MD", "Maryland"),
            ("MA", "Massachusetts"),
            ("MI", "Michigan"),
            ("MN", "Minnesota"),
            ("MS", "Mississippi"),
            ("MO", "Missouri"),
            ("MT", "Montana"),
            ("NE", "Nebraska"),
            ("NV", "Nevada"),
            ("NH", "New Hampshire"),
            ("NJ", "New Jersey"),
            ("NM", "New Mexico"),
            ("NY", "New York"),
            ("NC", "North Carolina"),
            ("ND", "North Dakota"),
            ("OH", "Ohio"),
            ("OK", "Oklahoma"),
            ("OR", "Oregon"),
            ("PA", "Pennsylvania"),
            ("RI", "Rhode Island"),
            ("SC", "South Carolina"),
            ("SD", "South Dakota"),
            ("TN", "Tennessee"),
            ("TX", "Texas"),
            ("UT", "Utah"),
            ("VT", "Vermont"),
            ("VA", "Virginia"),
            ("WA", "Washington"),
            ("WV", "West Virginia"),
            ("WI", "Wisconsin"),
            ("WY", "Wyoming"),
        ],
    ),
];

/// Letters and digits only, in lower case, without the marks of Maori names: "N.S.W." is "nsw".
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'ā' | 'Ā' => 'a',
            'ē' | 'Ē' => 'e',
            'ī' | 'Ī' => 'i',
            'ō' | 'Ō' => 'o',
            'ū' | 'Ū' => 'u',
            c => c,
        })
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Shopify's code of a state or province, from its code ("NSW", "AU-NSW") or name; none when it is not known.
pub(super) fn province_code(country: &str, region: &str) -> Option<&'static str> {
    let (_, provinces) = PROVINCES.iter().find(|(c, _)| *c == country)?;
    let bare = region.trim();
    let bare = bare
        .get(..3)
        .filter(|p| p.to_ascii_uppercase() == format!("{country}-"))
        .map_or(bare, |_| &bare[3..]);
    let wanted = plain(bare);
    let without = ["region", "state", "province"]
        .iter()
        .find_map(|w| wanted.strip_suffix(w))
        .unwrap_or(&wanted);
    provinces
        .iter()
        .find(|(code, name)| {
            [wanted.as_str(), without]
                .iter()
                .any(|w| plain(code) == *w || plain(name) == *w)
        })
        .map(|(code, _)| *code)
}

fn text(of: &Option<String>) -> Option<String> {
    of.as_deref()
        .map(str::trim)
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
}

/// First and last name. A whole name is parted at its last space; a single word is a last name, which labels need.
fn names(address: &Address) -> (Option<String>, Option<String>) {
    match (text(&address.first_name), text(&address.last_name)) {
        (None, None) => match text(&address.name) {
            None => (None, None),
            Some(whole) => match whole.rsplit_once(char::is_whitespace) {
                Some((first, last)) => (Some(first.trim().to_owned()), Some(last.to_owned())),
                None => (None, Some(whole)),
            },
        },
        (Some(first), None) => match text(&address.name).filter(|n| n.len() > first.len()) {
            Some(whole) if whole.starts_with(&first) => {
                let last = whole[first.len()..].trim().to_owned();
                (Some(first), Some(last))
            }
            _ => (None, Some(first)),
        },
        both => both,
    }
}

/// The country as Shopify knows it.
fn country(address: &Address) -> Option<String> {
    let code = text(&address.country)?.to_ascii_uppercase();
    enum_values("CountryCode")
        .contains(code.as_str())
        .then_some(code)
}

/// An address as Shopify takes it. What has no field of its own (a second town, an unknown region or country) is kept
/// in the second address line.
pub(super) fn mailing(address: &Address, with_phone: bool) -> MailingAddressInput {
    let (first_name, last_name) = names(address);
    let country = country(address);
    let mut lines = address
        .lines
        .iter()
        .map(|l| l.trim())
        .filter(|l| !l.is_empty());
    let address1 = lines.next().map(str::to_owned);
    let mut rest: Vec<String> = lines.map(str::to_owned).collect();
    let same = |a: &str, b: &str| plain(a) == plain(b);
    let (suburb, city) = (text(&address.suburb), text(&address.city));
    // In Australia the suburb is the post town; elsewhere it is a part of one.
    let (town, other) = match (suburb, city) {
        (Some(suburb), Some(city)) if same(&suburb, &city) => (Some(city), None),
        (Some(suburb), Some(city)) if country.as_deref() == Some("AU") => {
            (Some(suburb), Some(city))
        }
        (suburb, Some(city)) => (Some(city), suburb),
        (suburb, None) => (suburb, None),
    };
    rest.extend(other);
    let region = text(&address.region);
    let province = region
        .as_deref()
        .zip(country.as_deref())
        .and_then(|(r, c)| province_code(c, r));
    if province.is_none()
        && let Some(region) = region
        && !town.as_deref().is_some_and(|t| same(t, &region))
    {
        rest.push(region);
    }
    if country.is_none()
        && let Some(given) = text(&address.country_as_given).or_else(|| text(&address.country))
    {
        rest.push(given);
    }
    rest.dedup_by(|a, b| same(a, b));
    let phone = if with_phone {
        address.phones.iter().find_map(|p| text(&Some(p.clone())))
    } else {
        None
    };
    MailingAddressInput {
        first_name,
        last_name,
        company: text(&address.company),
        address1,
        address2: (!rest.is_empty()).then(|| rest.join(", ")),
        city: town,
        province_code: province.map(str::to_owned),
        country_code: country.map(Word::new),
        zip: text(&address.postcode),
        phone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> Address {
        Address {
            name: None,
            first_name: Some("Jane".into()),
            last_name: Some("Citizen".into()),
            company: None,
            lines: vec!["1 Example St".into()],
            suburb: None,
            city: Some("Bondi".into()),
            region: Some("New South Wales".into()),
            postcode: Some("2026".into()),
            country: Some("AU".into()),
            country_as_given: None,
            phones: vec!["+61 400 000 000".into()],
            instructions: None,
            masked: false,
        }
    }

    #[test]
    fn provinces() {
        for given in [
            "NSW",
            "nsw",
            "New South Wales",
            "N.S.W.",
            "AU-NSW",
            " new  south wales ",
        ] {
            assert_eq!(province_code("AU", given), Some("NSW"), "{given}");
        }
        assert_eq!(province_code("NZ", "Hawkes Bay"), Some("HKB"));
        assert_eq!(province_code("NZ", "Manawatū-Whanganui"), None);
        assert_eq!(province_code("NZ", "Auckland Region"), Some("AUK"));
        assert_eq!(province_code("NZ", "NSW"), None);
        assert_eq!(province_code("AU", ""), None);
        assert_eq!(province_code("SG", "Central"), None);
        assert_eq!(province_code("AU", "é-NSW"), None);
    }

    #[test]
    fn an_australian_address() {
        let m = mailing(&address(), true);
        assert_eq!(m.province_code.as_deref(), Some("NSW"));
        assert_eq!(m.country_code.unwrap().text(), "AU");
        assert_eq!((m.city.as_deref(), m.address2), (Some("Bondi"), None));
        assert_eq!(m.phone.as_deref(), Some("+61 400 000 000"));
        assert!(mailing(&address(), false).phone.is_none());
    }

    #[test]
    fn nothing_is_lost() {
        let mut a = address();
        a.suburb = Some("Bondi".into());
        a.city = Some("Sydney".into());
        let m = mailing(&a, true);
        assert_eq!(
            (m.city.as_deref(), m.address2.as_deref()),
            (Some("Bondi"), Some("Sydney"))
        );
        a.country = Some("NZ".into());
        a.suburb = Some("Ponsonby".into());
        a.city = Some("Auckland".into());
        a.region = Some("Somewhere".into());
        a.lines.push("Unit 2".into());
        let m = mailing(&a, true);
        assert_eq!(m.city.as_deref(), Some("Auckland"));
        assert_eq!(m.address2.as_deref(), Some("Unit 2, Ponsonby, Somewhere"));
        assert_eq!(m.province_code, None);
        a.country = Some("Neverland".into());
        assert!(mailing(&a, true).address2.unwrap().ends_with("Neverland"));
    }

    #[test]
    fn names_are_parted() {
        let mut a = address();
        (a.first_name, a.last_name, a.name) = (None, None, Some("Mary Jane  Watson".into()));
        let m = mailing(&a, true);
        assert_eq!(
            (m.first_name.as_deref(), m.last_name.as_deref()),
            (Some("Mary Jane"), Some("Watson"))
        );
        a.name = Some("Cher".into());
        let m = mailing(&a, true);
        assert_eq!((m.first_name, m.last_name.as_deref()), (None, Some("Cher")));
    }
}
