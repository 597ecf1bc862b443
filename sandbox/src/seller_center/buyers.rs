//! People who buy: given by a test, or made up from a seed.

use serde::{Deserialize, Serialize};

/// An end customer with the address parcels go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Street lines, at most five.
    pub lines: Vec<String>,
    /// Suburb or town.
    pub city: String,
    /// State, as its abbreviation.
    pub region: String,
    /// Post code.
    pub post_code: String,
    /// ISO 3166 country code: `AU` or `NZ`.
    pub country: String,
    /// Phone, in international form.
    pub phone: String,
    /// E-mail.
    pub email: String,
}

const FIRST: [&str; 16] = [
    "Marlo", "Imogen", "Tane", "Priya", "Declan", "Aroha", "Zoë", "Hamish", "Linh", "Saoirse",
    "Noah", "Wiremu", "Matilda", "Jean-Luc", "Anaïs", "Ravi",
];
const LAST: [&str; 16] = [
    "Quill",
    "Nguyen",
    "O'Connor",
    "Walker",
    "Ferreira",
    "Ngata",
    "Singh",
    "Mac Donald",
    "Papadopoulos",
    "Weiß",
    "Harrow",
    "Thistlewood",
    "Okafor",
    "Larsen",
    "Tui",
    "Bright-Smith",
];
const STREETS: [&str; 10] = [
    "Lantern Rd",
    "Wattle Grove",
    "St Kilda Esplanade",
    "Boundary Street",
    "Kookaburra Cl",
    "Pacific Hwy",
    "Ti Tree Way",
    "King William St",
    "Cuba Street",
    "Marine Parade",
];
/// City, region, post code, country.
const TOWNS: [(&str, &str, &str, &str); 16] = [
    ("Fremantle", "WA", "6160", "AU"),
    ("Newtown", "NSW", "2042", "AU"),
    ("Brunswick", "VIC", "3056", "AU"),
    ("West End", "QLD", "4101", "AU"),
    ("Glenelg", "SA", "5045", "AU"),
    ("Battery Point", "TAS", "7004", "AU"),
    ("Nightcliff", "NT", "0810", "AU"),
    ("Braddon", "ACT", "2612", "AU"),
    ("Bondi", "NSW", "2026", "AU"),
    ("Ballarat Central", "VIC", "3350", "AU"),
    ("Toowoomba City", "QLD", "4350", "AU"),
    ("Parramatta", "NSW", "2150", "AU"),
    ("Geelong", "VIC", "3220", "AU"),
    ("Cottesloe", "WA", "6011", "AU"),
    ("Te Aro", "Wellington", "6011", "NZ"),
    ("Ponsonby", "Auckland", "1011", "NZ"),
];

impl Buyer {
    /// The same believable person for the same seed; about one in eight lives in New Zealand.
    pub fn random(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let first = dice.pick(&FIRST);
        let last = dice.pick(&LAST);
        let (city, region, post_code, country) = *dice.pick(&TOWNS);
        let street = format!("{} {}", 1 + dice.below(240), dice.pick(&STREETS));
        let lines = match dice.below(6) {
            0 => vec![format!("Unit {}", 1 + dice.below(30)), street],
            1 => vec![format!("PO Box {}", 10 + dice.below(9000))],
            _ => vec![street],
        };
        let phone = match country {
            "NZ" => format!("+6421{:07}", dice.below(10_000_000)),
            _ => format!("+614{:08}", dice.below(100_000_000)),
        };
        Self {
            first_name: (*first).to_owned(),
            last_name: (*last).to_owned(),
            lines,
            city: city.to_owned(),
            region: region.to_owned(),
            post_code: post_code.to_owned(),
            country: country.to_owned(),
            phone,
            email: format!("buyer.{seed}@post.example"),
        }
    }
}

/// A small deterministic generator (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = self.below(from.len() as u64);
        &from[usize::try_from(index).unwrap_or(0)]
    }
}
