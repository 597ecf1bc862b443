//! Names the parts of listings that are sold as one and kept in the shop as several, by recipes of the operator.

mod recipe;

use lockstep_sdk::bundles::{Candidate, Part};
use lockstep_sdk::prelude::*;

/// The extra.
pub struct Recipes;

impl Bundles for Recipes {
    fn parts(cx: ExtraCx<'_>, candidates: Vec<Candidate>) -> Result<Vec<Vec<Part>>, String> {
        let recipes = recipe::read(&cx.setting("recipes").unwrap_or_default())?;
        let made_of = |c: &Candidate| recipes.iter().find_map(|r| r.parts_of(&c.sku));
        Ok(candidates
            .iter()
            .map(|c| made_of(c).unwrap_or_default())
            .collect())
    }
}

extra!(Recipes: bundles);

#[cfg(test)]
mod tests {
    use lockstep_sdk::testing::Fake;

    use super::*;

    fn parts(recipes: &str, skus: &[&str]) -> Result<Vec<String>, String> {
        let fake = Fake::closed().set("recipes", recipes);
        let candidates = (skus.iter())
            .map(|sku| Candidate {
                listing: format!("listing of {sku}"),
                sku: (*sku).into(),
                title: String::new(),
                facts: Vec::new(),
            })
            .collect();
        let told = Recipes::parts(fake.extra_cx(), candidates)?;
        let words = |parts: Vec<Part>| {
            let words =
                (parts.iter()).map(|p| format!("{} x {} @ {}", p.sku, p.quantity, p.price_weight));
            words.collect::<Vec<_>>().join(" + ")
        };
        Ok(told.into_iter().map(words).collect())
    }

    #[test]
    fn a_recipe_names_parts_pieces_and_shares_of_the_price() {
        let recipes = "SET-1 = KES-A @ 70 + KES-B x 2 @ 15;\n\"TWO = 2\" = \"A + B\" x 2";
        assert_eq!(
            parts(recipes, &["SET-1", "TWO = 2", "KES-A"]),
            Ok(vec![
                "KES-A x 1 @ 70 + KES-B x 2 @ 15".into(),
                "A + B x 2 @ 1".into(),
                String::new(),
            ])
        );
        assert_eq!(parts("", &["A"]), Ok(vec![String::new()]));
    }

    #[test]
    fn a_star_stands_for_the_same_on_both_sides() {
        assert_eq!(
            parts(
                "KES-*-6PACK = KES-* x 6",
                &["KES-TEE-M-6PACK", "KES--6PACK", "TEE-M-6PACK"]
            ),
            Ok(vec![
                "KES-TEE-M x 6 @ 1".into(),
                // Nothing is not anything.
                String::new(),
                String::new(),
            ])
        );
        assert_eq!(
            parts("\"*+CASE\" = * + CASE", &["LAMP+CASE"]),
            Ok(vec!["LAMP x 1 @ 1 + CASE x 1 @ 1".into()])
        );
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (recipes, why) in [
            ("SET", "must be SKU = PART + PART"),
            ("= A", "has no SKU before ="),
            ("SET =", "has no parts"),
            ("SET = A +", "a part is missing"),
            ("SET = A x", "a number must stand behind x"),
            ("SET = A x two", "\"two\" is not a whole number"),
            ("SET = A x 0", "0 of a part"),
            ("SET = A @ 1.5", "\"1.5\" is not a whole number"),
            ("SET = \"A", "a quote is not closed"),
            ("SET = A B", "\"B\" stands where + must"),
            ("*-*-2 = * x 2", "more than one *"),
            ("SET = * x 2", "no * that the parts could take it from"),
        ] {
            let text = parts(recipes, &["X"]).expect_err(recipes);
            assert!(text.contains(why), "{recipes}: {text}");
        }
    }
}
