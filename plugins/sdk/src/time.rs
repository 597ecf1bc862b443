//! Points in time as marketplaces write them, turned into RFC 3339 in UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads a point in time: RFC 3339 with `Z` or any offset (with or without colon), or without a zone, which
/// is taken as UTC. None for anything else, the all-zero date of databases included.
pub fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let civil: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}

/// The contract's form of a time that a marketplace wrote.
pub fn instant(text: &str) -> Option<String> {
    parse(text).map(|at| at.to_string())
}

/// How long `Retry-After` asks to wait, in milliseconds: whole seconds or an HTTP date. At most a day.
pub fn retry_after(value: &str, now: &str) -> Option<u32> {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let value = value.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => i64::try_from(seconds).ok()?.saturating_mul(1000),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
            at.as_millisecond()
                .saturating_sub(parse(now)?.as_millisecond())
        }
    };
    u32::try_from(wait.clamp(0, DAY)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_becomes_utc() {
        for (given, wanted) in [
            ("2026-03-08T23:41:07.000000Z", "2026-03-08T23:41:07Z"),
            ("2026-03-08T23:41:07.250000Z", "2026-03-08T23:41:07.25Z"),
            ("2026-03-09T10:41:07+11:00", "2026-03-08T23:41:07Z"),
            ("2026-02-27T22:05:10+00:00", "2026-02-27T22:05:10Z"),
            ("2026-03-09T04:05:07+0100", "2026-03-09T03:05:07Z"),
            ("2026-03-01 10:00:00", "2026-03-01T10:00:00Z"),
            ("2026-03-01T10:00:00", "2026-03-01T10:00:00Z"),
            (" 2026-03-01 ", "2026-03-01T00:00:00Z"),
        ] {
            assert_eq!(instant(given).as_deref(), Some(wanted), "{given}");
        }
        for bad in ["", "soon", "0000-00-00 00:00:00", "2026-13-01T00:00:00Z"] {
            assert_eq!(instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn retry_after_takes_both_forms() {
        let now = "2026-10-21T07:27:00.000Z";
        assert_eq!(retry_after("3", now), Some(3_000));
        assert_eq!(
            retry_after("Wed, 21 Oct 2026 07:28:00 GMT", now),
            Some(60_000)
        );
        assert_eq!(retry_after("Wed, 21 Oct 2026 07:00:00 GMT", now), Some(0));
        assert_eq!(retry_after("99999999999", now), Some(86_400_000));
        assert_eq!(retry_after("later", now), None);
        assert_eq!(retry_after("-5", now), None);
    }
}
