//! Whether a list of Seller Center goes on.

use lockstep_sdk::json::Node;

/// Whether a list goes on after a page, by what the page says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pagination {
    has_next: Option<bool>,
    total: Option<u64>,
}

impl Pagination {
    /// Reads the member `pagination`, which may be missing or hold either member, both or none.
    pub fn read(node: Node<'_>) -> Self {
        Self {
            has_next: node.get("hasNext").flag(),
            total: node.get("totalCount").id(),
        }
    }

    /// Whether `rows` rows from `offset` on were the last. A page that is shorter than asked for proves
    /// nothing: the limit may have been lowered silently.
    pub fn ends(self, offset: u64, rows: u64) -> bool {
        rows == 0
            || self.has_next == Some(false)
            || self.total.is_some_and(|total| offset + rows >= total)
    }

    /// Whether the page says that more rows follow.
    pub fn goes_on(self, offset: u64, rows: u64) -> bool {
        let told = self.has_next == Some(true) || self.total.is_some();
        told && !self.ends(offset, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_by_any_sign() {
        let read = |text: &str| {
            Pagination::read(Node::new(&serde_json::from_str(text).expect("valid JSON")))
        };
        assert!(read(r#"{"hasNext":false}"#).ends(0, 50));
        assert!(!read(r#"{"hasNext":true}"#).ends(0, 20));
        assert!(read(r#"{"totalCount":70}"#).ends(50, 20));
        assert!(!read(r#"{"totalCount":71}"#).ends(50, 20));
        assert!(!read("{}").ends(0, 3));
        assert!(!read("null").ends(0, 3));
        assert!(read("{}").ends(50, 0));
    }
}
