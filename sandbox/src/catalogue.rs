//! A believable fashion catalogue, the same for the same seed: what the shop and THE ICONIC sell when the sandbox
//! starts, with the irregularities that every real pair of catalogues has.
//!
//! A [`Product`] is one style in one color: a product in Shopify, a product set at THE ICONIC. A [`Variation`] is
//! one size of it and has a side in the shop, at the marketplace, or on both.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::dice::Dice;

/// The two Shopify locations that share the stock, in the order of [`ShopSide::available`].
pub const LOCATIONS: [&str; 2] = ["Sydney warehouse", "Melbourne store"];

/// All that is sold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Styles by color.
    pub products: Vec<Product>,
}

/// One style in one color.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Name of the style, as in "Tidepool Board Shorts".
    pub name: String,
    /// The color's name.
    pub color: String,
    /// What the SKUs of its sizes begin with, as in "KS-TIDE-NVY".
    pub base: String,
    /// Price of one piece in AUD, GST included.
    pub price: Decimal,
    /// Its sizes: 4 to 8, fewer only in a catalogue that has no more.
    pub variations: Vec<Variation>,
}

/// One size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variation {
    /// As in "32" or "XL".
    pub size: String,
    /// What is special about it.
    pub kind: Kind,
    /// The Shopify variant; none when the shop does not have it.
    pub shop: Option<ShopSide>,
    /// The marketplace's product; none when it is not sold there.
    pub channel: Option<ChannelSide>,
}

/// How the two sides of a variation relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// On both sides with the same SKU.
    Both,
    /// Only in Shopify.
    ShopOnly,
    /// Only at THE ICONIC.
    ChannelOnly,
    /// On both sides with SKUs that only look the same: case, blank, dash or underscore differ.
    NearMiss,
    /// In Shopify with the SKU of another variation by mistake.
    DuplicateInShop,
    /// On both sides, but Shopify does not track its stock.
    Untracked,
}

/// A variation as Shopify has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopSide {
    /// SKU.
    pub sku: String,
    /// Whether Shopify counts it.
    pub tracked: bool,
    /// Pieces at each of [`LOCATIONS`].
    pub available: [i64; 2],
}

/// A variation as THE ICONIC has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelSide {
    /// The seller's SKU there.
    pub seller_sku: String,
    /// The quantity it starts with, which is often not the shop's: nobody kept them in step.
    pub quantity: u32,
}

impl Catalogue {
    /// All variations with their products.
    pub fn variations(&self) -> impl Iterator<Item = (&Product, &Variation)> {
        self.products
            .iter()
            .flat_map(|p| p.variations.iter().map(move |v| (p, v)))
    }

    /// The SKUs that are linked one to one and counted.
    pub fn linked(&self) -> Vec<&str> {
        let doubled: BTreeSet<&str> = self
            .of_kind(Kind::DuplicateInShop)
            .filter_map(|(_, v)| v.shop.as_ref())
            .map(|s| s.sku.as_str())
            .collect();
        self.of_kind(Kind::Both)
            .filter_map(|(_, v)| v.shop.as_ref())
            .map(|s| s.sku.as_str())
            .filter(|sku| !doubled.contains(sku))
            .collect()
    }

    /// The variations of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&Product, &Variation)> {
        self.variations().filter(move |(_, v)| v.kind == kind)
    }
}

/// Style words; the first four letters make the code in the SKU and differ from word to word.
const WORDS: &[&str] = &[
    "Tidepool",
    "Lantern",
    "Driftwood",
    "Saltbush",
    "Banksia",
    "Coral",
    "Wattle",
    "Harbour",
    "Meridian",
    "Juniper",
    "Kelp",
    "Ember",
    "Marlow",
    "Quillon",
    "Fremantle",
    "Noosa",
    "Pebble",
    "Ripple",
    "Solstice",
    "Thistle",
    "Umbra",
    "Verbena",
    "Willow",
    "Yarra",
    "Zephyr",
    "Anchor",
    "Bluegum",
    "Cascade",
    "Dune",
    "Estuary",
    "Fathom",
    "Grevillea",
    "Horizon",
    "Inlet",
    "Jetty",
    "Kookaburra",
    "Lagoon",
    "Mangrove",
    "Nautilus",
    "Outrigger",
    "Pandanus",
    "Quarry",
    "Rockpool",
    "Seagrass",
    "Tamarind",
    "Upland",
    "Vista",
    "Waratah",
    "Yabby",
    "Acacia",
    "Bondi",
    "Currawong",
    "Dorado",
    "Eucalypt",
    "Flinders",
    "Gibson",
    "Hakea",
    "Ironbark",
    "Jarrah",
    "Kestrel",
    "Lorikeet",
    "Mulga",
    "Nullarbor",
    "Ochre",
    "Pelican",
    "Rosella",
    "Sandpiper",
    "Torquay",
    "Undertow",
    "Voyager",
    "Whitecap",
    "Atoll",
    "Breaker",
    "Cobalt",
    "Daintree",
    "Everglade",
    "Foreshore",
    "Gannet",
    "Heron",
    "Islander",
];

/// How a garment is sized.
#[derive(Clone, Copy)]
enum Sizes {
    Waist,
    Letters,
    Dress,
    Shoe,
}

impl Sizes {
    fn all(self) -> &'static [&'static str] {
        match self {
            Sizes::Waist => &["28", "30", "32", "34", "36", "38", "40", "42"],
            Sizes::Letters => &["XS", "S", "M", "L", "XL", "XXL", "3XL", "4XL"],
            Sizes::Dress => &["6", "8", "10", "12", "14", "16", "18", "20"],
            Sizes::Shoe => &["36", "37", "38", "39", "40", "41", "42", "43"],
        }
    }
}

/// Garments with their sizes and the range of their whole-dollar prices.
const GARMENTS: &[(&str, Sizes, i64, i64)] = &[
    ("Board Shorts", Sizes::Waist, 59, 99),
    ("Linen Shirt", Sizes::Letters, 79, 139),
    ("Midi Dress", Sizes::Dress, 99, 249),
    ("Rash Vest", Sizes::Letters, 49, 89),
    ("Walk Shorts", Sizes::Waist, 69, 109),
    ("Wrap Skirt", Sizes::Dress, 69, 129),
    ("Canvas Sneakers", Sizes::Shoe, 79, 159),
    ("Boxy Tee", Sizes::Letters, 29, 59),
    ("Chino Pants", Sizes::Waist, 89, 149),
    ("Slip Dress", Sizes::Dress, 89, 199),
    ("Fleece Hoodie", Sizes::Letters, 89, 149),
    ("Leather Sandals", Sizes::Shoe, 69, 149),
    ("Denim Jacket", Sizes::Letters, 129, 229),
    ("One Piece", Sizes::Dress, 99, 179),
    ("Cord Pants", Sizes::Waist, 99, 159),
    ("Knit Jumper", Sizes::Letters, 99, 189),
    ("Bikini Top", Sizes::Dress, 49, 89),
    ("Bikini Bottom", Sizes::Dress, 45, 79),
    ("Singlet", Sizes::Letters, 25, 45),
    ("Ankle Boots", Sizes::Shoe, 149, 289),
    ("Puffer Vest", Sizes::Letters, 129, 199),
    ("Wide Leg Jeans", Sizes::Waist, 109, 179),
    ("Maxi Dress", Sizes::Dress, 129, 279),
    ("Swim Trunks", Sizes::Waist, 55, 85),
    ("Polo Shirt", Sizes::Letters, 59, 99),
    ("Espadrilles", Sizes::Shoe, 59, 119),
    ("Spray Jacket", Sizes::Letters, 119, 219),
    ("Tailored Blazer", Sizes::Dress, 179, 329),
    ("Track Pants", Sizes::Letters, 69, 109),
    ("Loafers", Sizes::Shoe, 119, 219),
    ("Camp Collar Shirt", Sizes::Letters, 69, 119),
    ("Cargo Shorts", Sizes::Waist, 69, 99),
];

const COLORS: &[(&str, &str)] = &[
    ("Navy", "NVY"),
    ("Black", "BLK"),
    ("White", "WHT"),
    ("Sand", "SND"),
    ("Olive", "OLV"),
    ("Rust", "RST"),
    ("Sky", "SKY"),
    ("Blush", "BLS"),
    ("Charcoal", "CHR"),
    ("Sage", "SGE"),
    ("Mustard", "MST"),
    ("Plum", "PLM"),
    ("Teal", "TEL"),
    ("Ecru", "ECR"),
    ("Clay", "CLY"),
    ("Indigo", "IND"),
];

/// Makes a catalogue of exactly `skus` variations.
///
/// About 1 % are only in Shopify, 1 % only at THE ICONIC; up to 8 have SKUs that nearly agree, one bears another
/// one's SKU in Shopify, one is not tracked. A catalogue of fewer than 50 has fewer of these.
pub fn generate(skus: usize, seed: u64) -> Catalogue {
    let mut dice = Dice::new(seed ^ 0x00C0_FFEE_CAFE_D00D);
    let mut products = Vec::with_capacity(skus / 5 + 1);
    let mut left = skus;
    let mut style = 0;
    while left > 0 {
        let mut colors: Vec<usize> = (0..COLORS.len()).collect();
        dice.shuffle(&mut colors);
        colors.truncate(3 + dice.below(4));
        for color in colors {
            if left == 0 {
                break;
            }
            let count = set_size(left, &mut dice);
            products.push(product(style, COLORS[color], count, &mut dice));
            left -= count;
        }
        style += 1;
    }
    let mut catalogue = Catalogue { products };
    disturb(&mut catalogue, skus, &mut dice);
    catalogue
}

/// 4 to 8 sizes, so that no set of fewer than 4 is left over.
fn set_size(left: usize, dice: &mut Dice) -> usize {
    if left <= 8 {
        return left;
    }
    let count = 4 + dice.below(5);
    if left - count < 4 { 4 } else { count }
}

fn product(style: usize, color: (&str, &str), count: usize, dice: &mut Dice) -> Product {
    let word = WORDS[style % WORDS.len()];
    let round = style / WORDS.len();
    let (garment, sizes, low, high) = GARMENTS[(style % WORDS.len() + round * 7) % GARMENTS.len()];
    let edition = round / GARMENTS.len();
    let mut name = format!("{word} {garment}");
    if edition > 0 {
        name.push_str(&format!(" No. {}", edition + 1));
    }
    let mut code: String = word.chars().take(4).collect::<String>().to_uppercase();
    if round > 0 {
        code.push_str(&(round + 1).to_string());
    }
    let base = format!("KS-{code}-{}", color.1);
    let all = sizes.all();
    let first = dice.below(all.len() - count + 1);
    let whole = dice.between(low, high);
    let price = if dice.chance(75) {
        Decimal::new(whole * 100 + 95, 2)
    } else {
        Decimal::new((whole + 1) * 100, 2)
    };
    let variations = all[first..first + count]
        .iter()
        .map(|size| {
            let sku = format!("{base}-{size}");
            let available = shelves(dice);
            Variation {
                size: (*size).to_owned(),
                kind: Kind::Both,
                channel: Some(ChannelSide {
                    seller_sku: sku.clone(),
                    quantity: stale(available.iter().sum(), dice),
                }),
                shop: Some(ShopSide {
                    sku,
                    tracked: true,
                    available,
                }),
            }
        })
        .collect();
    Product {
        name,
        color: color.0.to_owned(),
        base,
        price,
        variations,
    }
}

/// Stock as shops have it: much of little, some of nothing, a little of much.
fn shelves(dice: &mut Dice) -> [i64; 2] {
    let total = match dice.below(100) {
        0..=11 => 0,
        12..=66 => dice.between(1, 8),
        67..=91 => dice.between(9, 40),
        _ => dice.between(41, 400),
    };
    match dice.below(10) {
        0..=2 => [total, 0],
        3 => [0, total],
        _ => {
            let store = dice.between(0, total / 2);
            [total - store, store]
        }
    }
}

/// What THE ICONIC last heard of a stock of `total`.
fn stale(total: i64, dice: &mut Dice) -> u32 {
    let said = match dice.below(100) {
        0..=54 => total,
        55..=69 => 0,
        70..=84 => total + dice.between(1, 5),
        _ => (total - dice.between(1, 4)).max(0),
    };
    u32::try_from(said).unwrap_or(0)
}

/// Plants the irregularities in distinct variations.
fn disturb(catalogue: &mut Catalogue, skus: usize, dice: &mut Dice) {
    let share = |percent: usize| {
        if skus >= 50 {
            (skus * percent / 100).max(1)
        } else {
            0
        }
    };
    let near = 8.min(skus / 20);
    let single = usize::from(skus >= 10);
    let mut places: Vec<(usize, usize)> = catalogue
        .products
        .iter()
        .enumerate()
        .flat_map(|(p, product)| (0..product.variations.len()).map(move |v| (p, v)))
        .collect();
    let wanted = 2 * share(1) + near + 3 * single;
    // Only the drawn ones need a random place.
    for i in 0..wanted.min(places.len()) {
        let other = i + dice.below(places.len() - i);
        places.swap(i, other);
    }
    let mut places = places.into_iter();
    let mut next = |n: usize| places.by_ref().take(n).collect::<Vec<_>>();
    for (p, v) in next(share(1)) {
        let variation = &mut catalogue.products[p].variations[v];
        variation.kind = Kind::ShopOnly;
        variation.channel = None;
    }
    for (p, v) in next(share(1)) {
        let variation = &mut catalogue.products[p].variations[v];
        variation.kind = Kind::ChannelOnly;
        variation.shop = None;
    }
    for (i, (p, v)) in next(near).into_iter().enumerate() {
        let variation = &mut catalogue.products[p].variations[v];
        variation.kind = Kind::NearMiss;
        if let (Some(shop), Some(channel)) = (&mut variation.shop, &mut variation.channel) {
            match i % 8 {
                0 => channel.seller_sku = channel.seller_sku.to_lowercase(),
                1 => shop.sku = shop.sku.replace('-', "_"),
                2 => shop.sku.push(' '),
                3 => channel.seller_sku = channel.seller_sku.replacen('-', "_", 1),
                4 => shop.sku.insert(0, ' '),
                5 => channel.seller_sku = title_case(&channel.seller_sku),
                6 => channel.seller_sku = channel.seller_sku.replacen('-', " -", 1),
                _ => shop.sku = shop.sku.to_lowercase(),
            }
        }
    }
    for (p, v) in next(single) {
        let variation = &mut catalogue.products[p].variations[v];
        variation.kind = Kind::Untracked;
        if let Some(shop) = &mut variation.shop {
            shop.tracked = false;
        }
    }
    if let [(p, v), (q, w)] = next(2 * single)[..] {
        // The other one stays as it is: its SKU is what is doubled.
        let twin = catalogue.products[q].variations[w].shop.clone();
        let variation = &mut catalogue.products[p].variations[v];
        variation.kind = Kind::DuplicateInShop;
        variation.channel = None;
        if let (Some(shop), Some(twin)) = (&mut variation.shop, twin) {
            shop.sku = twin.sku;
        }
    }
}

fn title_case(sku: &str) -> String {
    sku.split('-')
        .map(|part| match part.char_indices().nth(1) {
            Some((i, _)) => format!("{}{}", &part[..i], part[i..].to_lowercase()),
            None => part.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn count(catalogue: &Catalogue, kind: Kind) -> usize {
        catalogue.of_kind(kind).count()
    }

    #[test]
    fn the_same_seed_makes_the_same_catalogue() {
        assert_eq!(generate(500, 3), generate(500, 3));
        assert_ne!(generate(500, 3), generate(500, 4));
    }

    #[test]
    fn counts_are_as_asked_at_any_size() {
        for skus in [0, 1, 3, 9, 10, 49, 50, 51, 333, 2_000] {
            let catalogue = generate(skus, 7);
            assert_eq!(catalogue.variations().count(), skus, "{skus} SKUs");
            if skus >= 4 {
                assert!(
                    catalogue
                        .products
                        .iter()
                        .all(|p| (4..=8).contains(&p.variations.len())),
                    "{skus} SKUs"
                );
            }
        }
        let catalogue = generate(2_000, 7);
        assert_eq!(count(&catalogue, Kind::ShopOnly), 20);
        assert_eq!(count(&catalogue, Kind::ChannelOnly), 20);
        assert_eq!(count(&catalogue, Kind::NearMiss), 8);
        assert_eq!(count(&catalogue, Kind::DuplicateInShop), 1);
        assert_eq!(count(&catalogue, Kind::Untracked), 1);
        assert_eq!(catalogue.linked().len(), 2_000 - 20 - 20 - 8 - 1 - 1 - 1);
    }

    #[test]
    fn skus_are_unique_but_for_the_one_double() {
        let codes: BTreeSet<String> = WORDS
            .iter()
            .map(|w| w.chars().take(4).collect::<String>().to_uppercase())
            .collect();
        assert_eq!(codes.len(), WORDS.len());
        for (skus, seed) in [(2_000, 1), (100_000, 2)] {
            let catalogue = generate(skus, seed);
            let mut shop: BTreeMap<&str, usize> = BTreeMap::new();
            let mut channel = BTreeSet::new();
            for (_, v) in catalogue.variations() {
                if let Some(s) = &v.shop {
                    *shop.entry(&s.sku).or_default() += 1;
                }
                if let Some(c) = &v.channel {
                    assert!(channel.insert(&c.seller_sku), "{} twice", c.seller_sku);
                }
            }
            let doubled: Vec<_> = shop.values().filter(|n| **n > 1).collect();
            assert_eq!(doubled, [&2]);
            let names: BTreeSet<(&str, &str)> = catalogue
                .products
                .iter()
                .map(|p| (p.name.as_str(), p.color.as_str()))
                .collect();
            assert_eq!(names.len(), catalogue.products.len());
        }
    }

    #[test]
    fn near_misses_only_look_the_same() {
        let plain = |sku: &str| {
            sku.replace('_', "-")
                .chars()
                .filter(|c| !c.is_whitespace())
                .flat_map(char::to_lowercase)
                .collect::<String>()
        };
        let catalogue = generate(1_000, 11);
        for (_, v) in catalogue.of_kind(Kind::NearMiss) {
            let (shop, channel) = (
                &v.shop.as_ref().unwrap().sku,
                &v.channel.as_ref().unwrap().seller_sku,
            );
            assert_ne!(shop, channel);
            assert_eq!(plain(shop), plain(channel));
        }
    }

    #[test]
    fn prices_and_stocks_look_real() {
        let catalogue = generate(5_000, 5);
        for p in &catalogue.products {
            let cents = p.price.fract();
            assert!(
                cents == Decimal::new(95, 2) || cents.is_zero(),
                "{}",
                p.price
            );
            assert!(p.price >= Decimal::from(20));
        }
        let stocks: Vec<(i64, i64)> = catalogue
            .of_kind(Kind::Both)
            .map(|(_, v)| {
                (
                    v.shop.as_ref().unwrap().available.iter().sum(),
                    i64::from(v.channel.as_ref().unwrap().quantity),
                )
            })
            .collect();
        let share = |test: &dyn Fn(&(i64, i64)) -> bool| {
            stocks.iter().filter(|s| test(s)).count() * 100 / stocks.len()
        };
        assert!((5..=20).contains(&share(&|s| s.0 == 0)));
        assert!(share(&|s| (1..=8).contains(&s.0)) >= 45);
        assert!(share(&|s| s.0 > 40) >= 3);
        assert!((25..=60).contains(&share(&|s| s.0 != s.1)));
    }
}
