//! The form that Seller Center's date filters take.

use jiff::Timestamp;

/// Microseconds and `Z`.
pub fn filter(at: Timestamp) -> String {
    format!("{at:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_carry_microseconds() {
        let at = lockstep_sdk::time::parse("2026-03-09T10:41:07.5+11:00").expect("a time");
        assert_eq!(filter(at), "2026-03-08T23:41:07.500000Z");
    }
}
