//! Recipes as an operator writes them: `SKU = PART x 2 @ 15 + PART; ...`.

use lockstep_sdk::bundles::Part;

/// What one piece of a SKU contains.
#[derive(Debug)]
pub struct Recipe {
    sku: String,
    parts: Vec<Part>,
}

impl Recipe {
    /// The parts of this SKU, if the recipe is for it.
    pub fn parts_of(&self, sku: &str) -> Option<Vec<Part>> {
        let Some((head, tail)) = self.sku.split_once('*') else {
            return (sku == self.sku).then(|| self.parts.clone());
        };
        let middle = sku.strip_prefix(head)?.strip_suffix(tail)?;
        let named = |part: &Part| Part {
            sku: part.sku.replace('*', middle),
            ..part.clone()
        };
        (!middle.is_empty()).then(|| self.parts.iter().map(named).collect())
    }
}

/// Reads recipes. The error names the one that cannot be read, and why.
pub fn read(text: &str) -> Result<Vec<Recipe>, String> {
    let mut recipes = Vec::new();
    for row in rows(text) {
        let recipe = read_one(&row).map_err(|why| format!("the recipe \"{row}\": {why}"))?;
        recipes.push(recipe);
    }
    Ok(recipes)
}

/// The recipes of a text; what separates them may stand inside quotes.
fn rows(text: &str) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        quoted ^= c == '"';
        match c {
            ';' | '\n' if !quoted => rows.push(String::new()),
            _ => rows.last_mut().expect("one at least").push(c),
        }
    }
    let rows = rows.iter().map(|r| r.trim().to_owned());
    rows.filter(|r| !r.is_empty()).collect()
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A SKU or a number.
    Word(String),
    Equals,
    Plus,
    Times,
    At,
}

impl Token {
    fn text(&self) -> &str {
        match self {
            Token::Word(word) => word,
            Token::Equals => "=",
            Token::Plus => "+",
            Token::Times => "x",
            Token::At => "@",
        }
    }
}

fn tokens(row: &str) -> Result<Vec<Token>, String> {
    let mut found = Vec::new();
    let mut rest = row.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '=' => (Token::Equals, 1),
            '+' => (Token::Plus, 1),
            '@' => (Token::At, 1),
            '"' => {
                let end = rest[1..].find('"').ok_or("a quote is not closed")?;
                (Token::Word(rest[1..=end].to_owned()), end + 2)
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || "=+@\"".contains(c);
                let end = rest.find(ends).unwrap_or(rest.len());
                match &rest[..end] {
                    "x" => (Token::Times, end),
                    word => (Token::Word(word.to_owned()), end),
                }
            }
        };
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

fn read_one(row: &str) -> Result<Recipe, String> {
    let tokens = tokens(row)?;
    let (sku, right) = match tokens.as_slice() {
        [Token::Equals, ..] => return Err("it has no SKU before =".into()),
        [Token::Word(sku), Token::Equals, right @ ..] => (sku.clone(), right),
        _ => return Err("it must be SKU = PART + PART".into()),
    };
    if right.is_empty() {
        return Err("it has no parts".into());
    }
    let parts = (right.split(|t| *t == Token::Plus))
        .map(part)
        .collect::<Result<Vec<Part>, String>>()?;
    if sku.matches('*').count() > 1 {
        return Err("its SKU has more than one *".into());
    }
    if !sku.contains('*') && parts.iter().any(|p| p.sku.contains('*')) {
        return Err("its SKU has no * that the parts could take it from".into());
    }
    Ok(Recipe { sku, parts })
}

fn part(tokens: &[Token]) -> Result<Part, String> {
    let (sku, mut rest) = match tokens {
        [Token::Word(sku), rest @ ..] => (sku.clone(), rest),
        [] => return Err("a part is missing before or behind +".into()),
        [other, ..] => return Err(format!("a part must stand before {}", other.text())),
    };
    let mut part = Part {
        sku,
        quantity: 1,
        price_weight: 1,
    };
    while let [sign, behind @ ..] = rest {
        let into = match sign {
            Token::Times => &mut part.quantity,
            Token::At => &mut part.price_weight,
            other => return Err(format!("\"{}\" stands where + must", other.text())),
        };
        let [Token::Word(number), after @ ..] = behind else {
            return Err(format!("a number must stand behind {}", sign.text()));
        };
        *into = number
            .parse()
            .map_err(|_| format!("\"{number}\" is not a whole number"))?;
        rest = after;
    }
    if part.quantity == 0 {
        return Err("it has 0 of a part".into());
    }
    Ok(part)
}
