//! A walk over a long list, past the point where Shopify stops paging.

use crate::model::Fault;

/// Shopify ends a connection after so many objects.
pub(super) const MOST: u32 = 25_000;

/// Where a walk stands. Its text is the cursor that callers hand back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// Objects read since the last restart.
    pub(super) seen: u32,
    /// What the present part of the list begins after (an id) or at (a time); empty: its beginning.
    pub(super) floor: String,
    /// Shopify's cursor within the part.
    pub(super) after: Option<String>,
}

impl Walk {
    /// Reads a cursor; none is the beginning.
    pub(super) fn parse(cursor: Option<&str>) -> Result<Self, Fault> {
        let Some(text) = cursor else {
            return Ok(Self::default());
        };
        let mut parts = text.splitn(3, '|');
        let parsed = (|| {
            let seen = parts.next()?.parse().ok()?;
            let floor = parts.next()?.to_owned();
            let after = parts.next()?;
            Some(Self {
                seen,
                floor,
                after: (!after.is_empty()).then(|| after.to_owned()),
            })
        })();
        parsed.ok_or_else(|| Fault::Other {
            detail: format!("\"{text}\" is no cursor of this program"),
        })
    }

    /// The cursor of the next page, after one of `size` objects at most of which `read` came. Begins a new part at
    /// `floor` when Shopify would give no further page of this one.
    pub(super) fn next(
        &self,
        read: usize,
        size: u32,
        after: Option<String>,
        floor: impl FnOnce() -> Option<String>,
    ) -> Option<String> {
        let after = after?;
        let seen = self.seen + read as u32;
        let next = if seen + size > MOST {
            Self {
                seen: 0,
                floor: floor()?,
                after: None,
            }
        } else {
            Self {
                seen,
                floor: self.floor.clone(),
                after: Some(after),
            }
        };
        Some(format!(
            "{}|{}|{}",
            next.seen,
            next.floor,
            next.after.unwrap_or_default()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back() {
        let start = Walk::parse(None).unwrap();
        let cursor = start.next(250, 250, Some("a|b".into()), || None).unwrap();
        let walk = Walk::parse(Some(&cursor)).unwrap();
        assert_eq!(
            walk,
            Walk {
                seen: 250,
                floor: String::new(),
                after: Some("a|b".into())
            }
        );
        assert!(Walk::parse(Some("nonsense")).is_err());
        assert_eq!(walk.next(250, 250, None, || None), None);
    }

    #[test]
    fn a_new_part_begins_before_shopify_stops() {
        let walk = Walk {
            seen: 24_750,
            floor: "7".into(),
            after: Some("x".into()),
        };
        let cursor = walk
            .next(250, 250, Some("y".into()), || Some("99".into()))
            .unwrap();
        assert_eq!(
            Walk::parse(Some(&cursor)).unwrap(),
            Walk {
                seen: 0,
                floor: "99".into(),
                after: None
            }
        );
    }
}
