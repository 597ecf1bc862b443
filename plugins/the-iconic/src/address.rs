//! Addresses, with masked fields and countries by name.

use lockstep_sdk::json::Node;
use lockstep_sdk::types::Address;

/// Reads an address. None when there is nothing in it.
pub fn read(node: Node<'_>, instructions: Option<String>) -> Option<Address> {
    if !node.is_object() {
        return None;
    }
    let lines = node.get("address").list();
    let phones = node.get("phone").list();
    let singles = [
        "firstName",
        "lastName",
        "email",
        "city",
        "ward",
        "region",
        "postCode",
        "country",
    ];
    let masked = singles.iter().any(|name| node.get(name).masked())
        || lines.iter().chain(&phones).any(|part| part.masked());
    let country_as_given = node.get("country").shown();
    let address = Address {
        name: None,
        first_name: node.get("firstName").shown(),
        last_name: node.get("lastName").shown(),
        company: node.get("company").shown(),
        lines: lines.into_iter().filter_map(Node::shown).collect(),
        suburb: node.get("ward").shown(),
        city: node.get("city").shown(),
        region: node.get("region").shown(),
        postcode: node.get("postCode").shown(),
        country: country_as_given.as_deref().and_then(country_code),
        country_as_given,
        phones: phones.into_iter().filter_map(Node::shown).collect(),
        email: node.get("email").shown(),
        instructions,
        masked,
    };
    let empty = address.first_name.is_none()
        && address.last_name.is_none()
        && address.lines.is_empty()
        && address.city.is_none()
        && address.postcode.is_none()
        && !address.masked;
    (!empty).then_some(address)
}

/// First and last name as one.
pub fn full_name(first: Option<&str>, last: Option<&str>) -> Option<String> {
    let name = [first, last]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ");
    (!name.is_empty()).then_some(name)
}

/// ISO 3166-1 alpha-2 of a country given by code or English name; none when it is not in the table.
pub fn country_code(given: &str) -> Option<String> {
    let given = given.trim();
    if given.len() == 2 && given.bytes().all(|b| b.is_ascii_alphabetic()) {
        let code = given.to_ascii_uppercase();
        return Some(if code == "UK" { "GB".to_owned() } else { code });
    }
    let name: String = given
        .to_ascii_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && *word != "the")
        .collect::<Vec<_>>()
        .join(" ");
    COUNTRIES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, code)| (*code).to_owned())
}

/// Names and three-letter codes, in lower case without punctuation. Where the ventures of the platform sell
/// and where their buyers send goods.
const COUNTRIES: &[(&str, &str)] = &[
    ("australia", "AU"),
    ("aus", "AU"),
    ("commonwealth of australia", "AU"),
    ("new zealand", "NZ"),
    ("nzl", "NZ"),
    ("aotearoa", "NZ"),
    ("aotearoa new zealand", "NZ"),
    ("new zealand aotearoa", "NZ"),
    ("norfolk island", "NF"),
    ("christmas island", "CX"),
    ("cocos islands", "CC"),
    ("cocos keeling islands", "CC"),
    ("cook islands", "CK"),
    ("fiji", "FJ"),
    ("fji", "FJ"),
    ("papua new guinea", "PG"),
    ("png", "PG"),
    ("samoa", "WS"),
    ("tonga", "TO"),
    ("vanuatu", "VU"),
    ("new caledonia", "NC"),
    ("french polynesia", "PF"),
    ("timor leste", "TL"),
    ("singapore", "SG"),
    ("sgp", "SG"),
    ("malaysia", "MY"),
    ("mys", "MY"),
    ("indonesia", "ID"),
    ("idn", "ID"),
    ("philippines", "PH"),
    ("phl", "PH"),
    ("hong kong", "HK"),
    ("hong kong sar", "HK"),
    ("hkg", "HK"),
    ("taiwan", "TW"),
    ("twn", "TW"),
    ("thailand", "TH"),
    ("tha", "TH"),
    ("vietnam", "VN"),
    ("viet nam", "VN"),
    ("vnm", "VN"),
    ("brunei", "BN"),
    ("brunei darussalam", "BN"),
    ("cambodia", "KH"),
    ("macau", "MO"),
    ("macao", "MO"),
    ("china", "CN"),
    ("chn", "CN"),
    ("japan", "JP"),
    ("jpn", "JP"),
    ("south korea", "KR"),
    ("korea republic of", "KR"),
    ("kor", "KR"),
    ("india", "IN"),
    ("ind", "IN"),
    ("united arab emirates", "AE"),
    ("south africa", "ZA"),
    ("united kingdom", "GB"),
    ("great britain", "GB"),
    ("england", "GB"),
    ("gbr", "GB"),
    ("ireland", "IE"),
    ("irl", "IE"),
    ("united states", "US"),
    ("united states of america", "US"),
    ("usa", "US"),
    ("canada", "CA"),
    ("can", "CA"),
    ("germany", "DE"),
    ("deu", "DE"),
    ("france", "FR"),
    ("fra", "FR"),
    ("italy", "IT"),
    ("ita", "IT"),
    ("spain", "ES"),
    ("esp", "ES"),
    ("netherlands", "NL"),
    ("nld", "NL"),
    ("switzerland", "CH"),
    ("austria", "AT"),
    ("sweden", "SE"),
    ("brazil", "BR"),
    ("brasil", "BR"),
    ("bra", "BR"),
    ("chile", "CL"),
    ("chl", "CL"),
    ("colombia", "CO"),
    ("col", "CO"),
    ("peru", "PE"),
    ("per", "PE"),
    ("mexico", "MX"),
    ("mex", "MX"),
    ("argentina", "AR"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_by_code_and_name() {
        for (given, code) in [
            ("Australia", Some("AU")),
            ("au", Some("AU")),
            ("NZ", Some("NZ")),
            ("New  Zealand", Some("NZ")),
            ("The Netherlands", Some("NL")),
            ("U.S.A", None),
            ("UK", Some("GB")),
            ("Atlantis", None),
        ] {
            assert_eq!(country_code(given).as_deref(), code, "{given}");
        }
    }

    #[test]
    fn masked_fields_are_left_out_and_told() {
        let text = r#"{"firstName":"Marlo","lastName":null,"phone":["MASK"],"email":"MASK","city":"Fremantle",
            "address":["Unit 2","8 Lantern Rd","","",""],"ward":"","region":"WA","postCode":6160,
            "country":"Australia"}"#;
        let json = serde_json::from_str(&text.replace("MASK", "#####")).expect("JSON");
        let address = read(Node::new(&json), Some("gate 4".into())).expect("an address");
        assert_eq!(address.lines, ["Unit 2", "8 Lantern Rd"]);
        assert!(address.phones.is_empty());
        assert_eq!(address.email, None);
        assert!(address.masked);
        assert_eq!(address.postcode.as_deref(), Some("6160"));
        assert_eq!(address.country.as_deref(), Some("AU"));
        assert_eq!(address.instructions.as_deref(), Some("gate 4"));
    }

    #[test]
    fn nothing_is_no_address() {
        for text in [
            "null",
            "[]",
            r#"{"firstName":"","address":["",""],"country":null}"#,
        ] {
            let json = serde_json::from_str(text).expect("JSON");
            assert!(read(Node::new(&json), None).is_none(), "{text}");
        }
    }
}
