//! Time stamps in the formats of the different endpoints, and the dispatch deadline.

use jiff::civil::Weekday;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// Orders: UTC with microseconds and `Z`.
pub(super) fn micros(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// Products, feeds and deliveries: RFC 3339 with a numeric offset.
pub(super) fn with_offset(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// Webhook rows: no zone at all.
pub(super) fn zoneless(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// XML answers: central European time, offset without a colon.
pub(super) fn central_european(at: Timestamp) -> String {
    at.to_zoned_datetime(zone(1))
        .strftime("%Y-%m-%dT%H:%M:%S+0100")
        .to_string()
}

fn zone(hours: i8) -> TimeZone {
    TimeZone::fixed(Offset::from_hours(hours).unwrap_or(Offset::UTC))
}

/// One end of a range filter: a date, which stands for its first or last instant in the given zone, or a date-time.
pub(super) fn parse_bound(text: &str, end: bool, zone_hours: i8) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if text.len() != "2026-03-09".len() {
        return None;
    }
    let date: jiff::civil::Date = text.parse().ok()?;
    let midnight = date
        .at(0, 0, 0, 0)
        .to_zoned_datetime(zone(zone_hours))
        .ok()?;
    let start = midnight.timestamp();
    let day = SignedDuration::from_hours(24) - SignedDuration::from_micros(1);
    Some(if end { start + day } else { start })
}

/// When an order placed at `created` has to be on its way: 24 hours later, weekends in Sydney not counted.
pub(super) fn ship_by(created: Timestamp) -> Timestamp {
    let weekend = |at: Timestamp| {
        let day = at.to_zoned_datetime(zone(10)).weekday();
        matches!(day, Weekday::Saturday | Weekday::Sunday)
    };
    let day = SignedDuration::from_hours(24);
    let mut start = created;
    if weekend(start) {
        while weekend(start) {
            start += day;
        }
        let monday = start.to_zoned_datetime(zone(10)).date();
        if let Ok(midnight) = monday.at(0, 0, 0, 0).to_zoned_datetime(zone(10)) {
            start = midnight.timestamp();
        }
    }
    let mut due = start + day;
    while weekend(due) {
        due += day;
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time stamp")
    }

    #[test]
    fn formats() {
        let when = at("2026-03-08T23:41:07.0000421Z");
        assert_eq!(micros(when), "2026-03-08T23:41:07.000042Z");
        assert_eq!(with_offset(when), "2026-03-08T23:41:07+00:00");
        assert_eq!(zoneless(when), "2026-03-08 23:41:07");
        assert_eq!(central_european(when), "2026-03-09T00:41:07+0100");
    }

    #[test]
    fn bounds() {
        assert_eq!(
            parse_bound("2026-03-08", false, 0),
            Some(at("2026-03-08T00:00:00Z"))
        );
        assert_eq!(
            parse_bound("2026-03-08", true, 10),
            Some(at("2026-03-08T13:59:59.999999Z"))
        );
        assert_eq!(
            parse_bound("2026-03-08T13:00:00.000000Z", false, 10),
            Some(at("2026-03-08T13:00:00Z"))
        );
        assert_eq!(
            parse_bound("2026-03-08T13:00:00+11:00", false, 0),
            Some(at("2026-03-08T02:00:00Z"))
        );
        assert_eq!(parse_bound("2026-03-08T13:00:00 11:00", false, 0), None);
        assert_eq!(parse_bound("yesterday", false, 0), None);
    }

    #[test]
    fn deadlines_skip_weekends() {
        // A Tuesday, a Friday and a Saturday in Sydney.
        assert_eq!(
            ship_by(at("2026-03-10T01:00:00Z")),
            at("2026-03-11T01:00:00Z")
        );
        assert_eq!(
            ship_by(at("2026-03-13T01:00:00Z")),
            at("2026-03-16T01:00:00Z")
        );
        assert_eq!(
            ship_by(at("2026-03-14T01:00:00Z")),
            at("2026-03-16T14:00:00Z")
        );
    }
}
