//! Which of a channel's carriers is meant by what the merchant wrote.

use std::collections::BTreeMap;

use crate::model::Carrier;

/// Names of one carrier as people and apps write them, reduced to letters and digits.
const KNOWN: &[&[&str]] = &[
    &[
        "australiapost",
        "auspost",
        "auspostexpress",
        "australiapostexpress",
        "australiaposteparcel",
        "eparcel",
        "australiapostmypostbusiness",
        "mypostbusiness",
    ],
    &["startrack", "startrackexpress", "startrackcourier"],
    &["couriersplease", "courierplease", "cplease", "cp"],
    &[
        "aramex",
        "aramexaustralia",
        "fastway",
        "fastwaycouriers",
        "fastwayaustralia",
    ],
    &["tnt", "tntaustralia", "tntexpress"],
    &[
        "toll",
        "tollipec",
        "tollpriority",
        "tollexpress",
        "ipec",
        "teamglobalexpress",
        "tge",
    ],
    &["dhl", "dhlexpress"],
    &["dhlecommerce", "dhlecommerceasia"],
    &["sendle"],
    &["hunterexpress", "hunter"],
    &["alliedexpress", "allied"],
    &["directcouriers", "directcourier"],
    &["northline"],
    &["gologistics"],
    &["bonds", "bondscouriers"],
    &["newzealandpost", "nzpost"],
    &["fedex", "fedexexpress"],
    &["ups"],
    &["zoom2u"],
    &["shippit"],
];

/// Finds the carrier: the operator's own map first, then an equal name, then a known other spelling.
/// An error says what to do.
pub fn resolve(
    company: Option<&str>,
    map: &BTreeMap<String, String>,
    carriers: &[Carrier],
) -> Result<Carrier, String> {
    let usable: Vec<&Carrier> = carriers.iter().filter(|c| c.usable).collect();
    let offered = || {
        usable
            .iter()
            .filter_map(|c| c.name.as_deref())
            .map(|n| format!("\"{n}\""))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let Some(company) = company.map(str::trim).filter(|c| !c.is_empty()) else {
        return Err("the fulfillment in Shopify names no carrier; choose one there".into());
    };
    let wanted = plain(company);
    if let Some((_, target)) = map.iter().find(|(from, _)| plain(from) == wanted) {
        return usable
            .iter()
            .find(|c| c.name.as_deref() == Some(target) || c.code.as_deref() == Some(target))
            .map(|c| (*c).clone())
            .ok_or_else(|| format!("\"{company}\" is mapped to \"{target}\", which the channel does not offer now; it offers {}", offered()));
    }
    let matching = |test: &dyn Fn(&str) -> bool| -> Vec<&Carrier> {
        usable
            .iter()
            .copied()
            .filter(|c| c.name.iter().chain(&c.code).any(|n| test(&plain(n))))
            .collect()
    };
    let mut found = matching(&|name| name == wanted);
    if found.is_empty()
        && let Some(names) = KNOWN.iter().find(|names| names.contains(&wanted.as_str()))
    {
        found = matching(&|name| names.contains(&name));
    }
    // Near-duplicates of one carrier: the byte-equal one is meant, else nothing can be said.
    if found.len() > 1
        && let Some(exact) = found.iter().find(|c| c.name.as_deref() == Some(company))
    {
        return Ok((*exact).clone());
    }
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(format!(
            "the channel has no carrier \"{company}\"; map it to one of {}",
            offered()
        )),
        _ => Err(format!(
            "\"{company}\" fits several carriers of the channel; map it to one of {}",
            offered()
        )),
    }
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carrier(name: &str, usable: bool) -> Carrier {
        Carrier {
            code: None,
            name: Some(name.into()),
            tracking_required: None,
            tracking_pattern: None,
            books_itself: None,
            usable,
        }
    }

    fn find(company: &str, map: &[(&str, &str)], names: &[&str]) -> Result<String, String> {
        let map = map
            .iter()
            .map(|(a, b)| (a.to_string(), b.to_string()))
            .collect();
        let carriers: Vec<_> = names.iter().map(|n| carrier(n, true)).collect();
        resolve(Some(company), &map, &carriers).map(|c| c.name.unwrap())
    }

    #[test]
    fn names_match_whatever_their_spelling() {
        assert_eq!(
            find("australia post", &[], &["Australia Post", "Sendle"]),
            Ok("Australia Post".into())
        );
        assert_eq!(
            find("AusPost", &[], &["Australia Post", "Sendle"]),
            Ok("Australia Post".into())
        );
        assert_eq!(find("Fastway", &[], &["Aramex"]), Ok("Aramex".into()));
    }

    #[test]
    fn the_operators_map_wins() {
        assert_eq!(
            find(
                "My Van",
                &[("my van", "Sendle")],
                &["Australia Post", "Sendle"]
            ),
            Ok("Sendle".into())
        );
        assert!(
            find("My Van", &[("My Van", "Gone")], &["Sendle"])
                .unwrap_err()
                .contains("offers \"Sendle\"")
        );
    }

    #[test]
    fn doubt_is_never_guessed() {
        assert!(
            find(
                "auspost",
                &[],
                &["Australia Post", "AusPost eParcel", "eParcel"]
            )
            .is_err()
        );
        assert_eq!(
            find("AusPost", &[], &["Australia Post", "AusPost"]),
            Ok("AusPost".into())
        );
        assert!(
            find("Pigeon", &[], &["Sendle"])
                .unwrap_err()
                .contains("\"Sendle\"")
        );
        assert!(
            resolve(
                Some("Sendle"),
                &BTreeMap::new(),
                &[carrier("Sendle", false)]
            )
            .is_err()
        );
        assert!(resolve(None, &BTreeMap::new(), &[]).is_err());
    }
}
