//! Whether an order that a marketplace asks about is accepted.

use crate::model::{LineDecision, Order};

/// The seller's word on an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Say this to the channel.
    Decide(Vec<LineDecision>),
    /// A person must say; why.
    Ask(String),
}

/// What a person said about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Take all of it.
    Accept,
    /// Take nothing of it, with the channel's reason if it wants one.
    Refuse(Option<String>),
}

/// Judges an order: a person's word holds; else it is accepted when every piece is there. It is never refused without
/// a person. `free` tells how many pieces of a SKU the shop has left beside every sale that is known, this order's
/// included, or why that cannot be told.
pub fn judge(
    order: &Order,
    answer: Option<&Answer>,
    by_itself: bool,
    free: &dyn Fn(&str) -> Result<i64, String>,
) -> Verdict {
    let asked: Vec<_> = order
        .lines
        .iter()
        .filter(|l| l.sellers && l.quantity > l.dropped_units())
        .filter(|l| {
            l.allowed
                .as_ref()
                .is_none_or(|a| a.iter().any(|a| a == "accept"))
        })
        .collect();
    let decide = |accepted: bool, reason: Option<&String>| {
        let lines = asked.iter().map(|l| LineDecision {
            line: l.id.clone(),
            accepted,
            quantity: l.quantity - l.dropped_units(),
            reason: reason.cloned(),
        });
        Verdict::Decide(lines.collect())
    };
    match answer {
        Some(Answer::Accept) => return decide(true, None),
        Some(Answer::Refuse(reason)) => return decide(false, reason.as_ref()),
        None if !by_itself => {
            return Verdict::Ask("orders of this channel are accepted by hand".into());
        }
        None => {}
    }
    for line in &asked {
        let Some(sku) = line.sku.as_deref().filter(|s| !s.is_empty()) else {
            return Verdict::Ask(format!("line {} has no SKU", line.id));
        };
        match free(sku) {
            Ok(left) if left >= 0 => {}
            Ok(left) => {
                return Verdict::Ask(format!(
                    "the shop is short of {} x {sku} for what is sold",
                    -left
                ));
            }
            Err(why) => return Verdict::Ask(why),
        }
    }
    decide(true, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::orders::samples::{line, order};

    fn asked() -> Order {
        let mut o = order(vec![line("1", "A", "20"), line("2", "B", "20")]);
        o.lines[0].quantity = 3;
        o.lines[0].cancelled = 1;
        o.lines[1].allowed = Some(vec!["accept".into(), "refuse".into()]);
        o
    }

    #[test]
    fn an_order_of_which_every_piece_is_there_is_accepted() {
        let Verdict::Decide(lines) = judge(&asked(), None, true, &|_| Ok(0)) else {
            panic!()
        };
        let told: Vec<_> = (lines.iter())
            .map(|l| (l.line.as_str(), l.quantity, l.accepted))
            .collect();
        assert_eq!(told, [("1", 2, true), ("2", 1, true)]);
    }

    #[test]
    fn doubt_is_a_persons_to_settle_and_nothing_is_refused_without_one() {
        let short = judge(&asked(), None, true, &|sku| {
            Ok(if sku == "B" { -1 } else { 4 })
        });
        assert!(matches!(short, Verdict::Ask(why) if why.contains("1 x B")));
        let unknown = judge(&asked(), None, true, &|_| Err("no variant".into()));
        assert_eq!(unknown, Verdict::Ask("no variant".into()));
        assert!(matches!(
            judge(&asked(), None, false, &|_| Ok(9)),
            Verdict::Ask(_)
        ));
        let refuse = Answer::Refuse(Some("NO_STOCK".into()));
        let Verdict::Decide(lines) = judge(&asked(), Some(&refuse), true, &|_| Ok(9)) else {
            panic!()
        };
        assert!(
            lines
                .iter()
                .all(|l| !l.accepted && l.reason.as_deref() == Some("NO_STOCK"))
        );
    }

    #[test]
    fn lines_that_are_not_asked_about_are_left_out() {
        let mut o = asked();
        o.lines[0].allowed = Some(vec![]);
        let Verdict::Decide(lines) = judge(&o, Some(&Answer::Accept), true, &|_| Ok(0)) else {
            panic!()
        };
        assert_eq!(lines.len(), 1);
    }
}
