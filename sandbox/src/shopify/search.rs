//! Shopify's search syntax: what the `query` arguments mean.
//!
//! Terms are joined by AND unless OR stands between them; `NOT` or `-` negates; parentheses group; a value is
//! quoted with `'` or `"`, where `\` escapes; comparators are `:`, `:<`, `:<=`, `:>`, `:>=`; a trailing `*` of an
//! unquoted value matches the beginning of a word.

/// A parsed query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    /// Matches everything.
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Term(Term),
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// Lower-case field name; none for a bare word.
    pub(super) field: Option<String>,
    pub(super) how: How,
    pub(super) value: String,
    pub(super) prefix: bool,
}

/// How a term compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Is,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Term {
    /// Compares an ordered value.
    pub(super) fn compares<T: Ord>(&self, have: &T, wanted: &T) -> bool {
        match self.how {
            How::Is => have == wanted,
            How::Less => have < wanted,
            How::AtMost => have <= wanted,
            How::More => have > wanted,
            How::AtLeast => have >= wanted,
        }
    }

    /// The value as an instant in seconds: RFC 3339 or a date.
    pub(super) fn instant(&self) -> Option<i64> {
        if let Ok(at) = self.value.parse::<jiff::Timestamp>() {
            return Some(at.as_second());
        }
        let date: jiff::civil::Date = self.value.parse().ok()?;
        let start = date.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?;
        Some(start.timestamp().as_second())
    }

    /// The value as a number; global ids count as theirs.
    pub(super) fn number(&self) -> Option<i128> {
        let text = self.value.rsplit('/').next()?;
        text.parse().ok()
    }

    /// Whether a text has the value's words in a row, the way an analyzed field matches: case and punctuation
    /// do not count.
    pub(super) fn matches_words(&self, text: &str) -> bool {
        let have = words(text);
        let wanted = words(&self.value);
        if wanted.is_empty() {
            return false;
        }
        have.windows(wanted.len()).any(|window| {
            window.iter().zip(&wanted).enumerate().all(|(i, (h, w))| {
                h == w || (self.prefix && i + 1 == wanted.len() && h.starts_with(w.as_str()))
            })
        })
    }

    /// Whether a text is the value, case apart.
    pub(super) fn matches_whole(&self, text: &str) -> bool {
        let (text, value) = (text.to_lowercase(), self.value.to_lowercase());
        if self.prefix {
            text.starts_with(&value)
        } else {
            text == value
        }
    }
}

impl Expr {
    /// Whether the query matches, given what each term says.
    pub(super) fn matches(&self, term: &dyn Fn(&Term) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::And(parts) => parts.iter().all(|p| p.matches(term)),
            Self::Or(parts) => parts.iter().any(|p| p.matches(term)),
            Self::Not(part) => !part.matches(term),
            Self::Term(t) => term(t),
        }
    }

    /// Every term in it.
    pub(super) fn terms(&self) -> Vec<&Term> {
        match self {
            Self::All => Vec::new(),
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::terms).collect(),
            Self::Not(part) => part.terms(),
            Self::Term(t) => vec![t],
        }
    }

    /// Terms that have to hold whatever else does.
    pub(super) fn required(&self) -> Vec<&Term> {
        match self {
            Self::And(parts) => parts.iter().flat_map(Self::required).collect(),
            Self::Term(t) => vec![t],
            _ => Vec::new(),
        }
    }
}

/// The words of a text as the index has them: letters and digits, lower case.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Parses a query; like the real one it makes something of any text.
pub(super) fn parse(text: &str) -> Expr {
    let tokens = tokens(text);
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
    };
    parser.or()
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    Term(Term),
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            c if c.is_whitespace() => at += 1,
            '(' => {
                found.push(Token::Open);
                at += 1;
            }
            ')' => {
                found.push(Token::Close);
                at += 1;
            }
            '-' => {
                found.push(Token::Not);
                at += 1;
            }
            _ => {
                let (word, quoted) = value(&chars, &mut at, true);
                if !quoted {
                    match word.as_str() {
                        "AND" => {
                            found.push(Token::And);
                            continue;
                        }
                        "OR" => {
                            found.push(Token::Or);
                            continue;
                        }
                        "NOT" => {
                            found.push(Token::Not);
                            continue;
                        }
                        _ => {}
                    }
                }
                found.push(Token::Term(term(&chars, &mut at, word, quoted)));
            }
        }
    }
    found
}

/// Reads what follows a word: the comparator and the value when it is a field name.
fn term(chars: &[char], at: &mut usize, word: String, quoted: bool) -> Term {
    if quoted || chars.get(*at) != Some(&':') {
        let prefix = !quoted && word.ends_with('*');
        let value = if prefix {
            word.trim_end_matches('*').to_owned()
        } else {
            word
        };
        return Term {
            field: None,
            how: How::Is,
            value,
            prefix,
        };
    }
    *at += 1;
    let how = match (chars.get(*at), chars.get(*at + 1)) {
        (Some('<'), Some('=')) => How::AtMost,
        (Some('<'), _) => How::Less,
        (Some('>'), Some('=')) => How::AtLeast,
        (Some('>'), _) => How::More,
        _ => How::Is,
    };
    *at += match how {
        How::Is => 0,
        How::Less | How::More => 1,
        How::AtMost | How::AtLeast => 2,
    };
    let (text, quoted) = value(chars, at, false);
    let prefix = !quoted && text.ends_with('*');
    Term {
        field: Some(word.to_lowercase()),
        how,
        value: if prefix {
            text.trim_end_matches('*').to_owned()
        } else {
            text
        },
        prefix,
    }
}

/// Reads a word or a quoted text. A field name ends at the colon; an unquoted value may contain more of them, as
/// times and global ids do.
fn value(chars: &[char], at: &mut usize, ends_at_colon: bool) -> (String, bool) {
    let mut text = String::new();
    if let Some(quote @ ('"' | '\'')) = chars.get(*at).copied() {
        *at += 1;
        while let Some(c) = chars.get(*at).copied() {
            *at += 1;
            match c {
                '\\' => {
                    if let Some(escaped) = chars.get(*at) {
                        text.push(*escaped);
                        *at += 1;
                    }
                }
                c if c == quote => break,
                c => text.push(c),
            }
        }
        return (text, true);
    }
    while let Some(c) = chars.get(*at).copied() {
        match c {
            c if c.is_whitespace() || c == '(' || c == ')' => break,
            ':' if ends_at_colon => break,
            '\\' => {
                *at += 1;
                if let Some(escaped) = chars.get(*at) {
                    text.push(*escaped);
                }
            }
            c => text.push(c),
        }
        *at += 1;
    }
    if text.is_empty() && chars.get(*at) == Some(&':') && ends_at_colon {
        // A colon without a name: skip it, or the reader would stand still.
        *at += 1;
    }
    (text, false)
}

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Expr {
        let mut parts = vec![self.and()];
        while self.tokens.get(self.at) == Some(&Token::Or) {
            self.at += 1;
            parts.push(self.and());
        }
        parts.retain(|p| *p != Expr::All);
        match parts.len() {
            0 => Expr::All,
            1 => parts.remove(0),
            _ => Expr::Or(parts),
        }
    }

    fn and(&mut self) -> Expr {
        let mut parts = Vec::new();
        loop {
            match self.tokens.get(self.at) {
                None | Some(Token::Or | Token::Close) => break,
                Some(Token::And) => self.at += 1,
                Some(_) => parts.push(self.one()),
            }
        }
        match parts.len() {
            0 => Expr::All,
            1 => parts.remove(0),
            _ => Expr::And(parts),
        }
    }

    fn one(&mut self) -> Expr {
        let token = self.tokens.get(self.at);
        self.at += 1;
        match token {
            Some(Token::Not) => Expr::Not(Box::new(self.one())),
            Some(Token::Open) => {
                let inner = self.or();
                if self.tokens.get(self.at) == Some(&Token::Close) {
                    self.at += 1;
                }
                inner
            }
            Some(Token::Term(term)) => Expr::Term(term.clone()),
            _ => Expr::All,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(field: Option<&str>, how: How, value: &str) -> Expr {
        Expr::Term(Term {
            field: field.map(str::to_owned),
            how,
            value: value.to_owned(),
            prefix: false,
        })
    }

    #[test]
    fn terms_join_by_and_and_or_binds_weaker() {
        assert_eq!(
            parse("a:1 b:2 OR c:3"),
            Expr::Or(vec![
                Expr::And(vec![
                    term(Some("a"), How::Is, "1"),
                    term(Some("b"), How::Is, "2")
                ]),
                term(Some("c"), How::Is, "3"),
            ])
        );
        assert_eq!(
            parse("a:1 AND (b:2 OR c:3)"),
            Expr::And(vec![
                term(Some("a"), How::Is, "1"),
                Expr::Or(vec![
                    term(Some("b"), How::Is, "2"),
                    term(Some("c"), How::Is, "3")
                ]),
            ])
        );
    }

    #[test]
    fn quotes_escapes_and_comparators() {
        assert_eq!(
            parse(r#"sku:"A \"1\" \\ (x): y""#),
            term(Some("sku"), How::Is, r#"A "1" \ (x): y"#)
        );
        assert_eq!(
            parse("updated_at:>='2026-11-22T23:55:00Z'"),
            term(Some("updated_at"), How::AtLeast, "2026-11-22T23:55:00Z")
        );
        assert_eq!(
            parse("updated_at:>2026-11-22T23:55:00Z"),
            term(Some("updated_at"), How::More, "2026-11-22T23:55:00Z")
        );
        assert_eq!(parse("id:<=12"), term(Some("id"), How::AtMost, "12"));
    }

    #[test]
    fn negation_prefix_and_bare_words() {
        assert_eq!(
            parse("-tag:x NOT tag:y"),
            Expr::And(vec![
                Expr::Not(Box::new(term(Some("tag"), How::Is, "x"))),
                Expr::Not(Box::new(term(Some("tag"), How::Is, "y"))),
            ])
        );
        let Expr::Term(prefixed) = parse("sku:KS-*") else {
            panic!("one term")
        };
        assert!(prefixed.prefix);
        assert!(prefixed.matches_words("ks-tide"));
        assert_eq!(parse("shirt"), term(None, How::Is, "shirt"));
        assert_eq!(parse("  "), Expr::All);
    }

    #[test]
    fn words_match_without_case_and_punctuation() {
        let Expr::Term(sku) = parse(r#"sku:"abc-1""#) else {
            panic!("one term")
        };
        assert!(sku.matches_words("ABC-1"));
        assert!(sku.matches_words("ABC 1 / XL"));
        assert!(!sku.matches_words("ABC-12"));
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        for text in [
            ":", "a:", "((", "))", "\"", "a:>", "OR OR", "\\", "- -", "a::b", ": :",
        ] {
            parse(text);
        }
    }

    #[test]
    fn instants() {
        let Expr::Term(date) = parse("created_at:2026-11-22") else {
            panic!("one term")
        };
        assert_eq!(date.instant(), Some(1_795_305_600));
    }
}
