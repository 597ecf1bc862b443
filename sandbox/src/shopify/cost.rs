//! Query cost: what a request may cost at most, and the bucket that pays for it.
//!
//! The sizes of connections are not published. The formula here reproduces the costs that real answers report.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet, Value as Literal};
use serde_json::{Map, Value, json};

use super::state::now_ms;

/// The most that one request may cost.
pub(super) const MAX: u32 = 1_000;

/// Query points of one app on one store.
pub(super) struct Bucket {
    max: f64,
    restore: f64,
    level: f64,
    at_ms: i64,
}

impl Bucket {
    pub(super) fn new(max: f64, restore: f64) -> Self {
        Self {
            max,
            restore,
            level: max,
            at_ms: now_ms(),
        }
    }

    /// Points there now.
    pub(super) fn level(&mut self) -> f64 {
        let now = now_ms();
        #[allow(clippy::cast_precision_loss)]
        let seconds = (now - self.at_ms).max(0) as f64 / 1_000.0;
        self.level = (self.level + seconds * self.restore).min(self.max);
        self.at_ms = now;
        self.level
    }

    /// Reserves points; false when there are too few.
    pub(super) fn take(&mut self, points: u32) -> bool {
        if self.level() < f64::from(points) {
            return false;
        }
        self.level -= f64::from(points);
        true
    }

    /// Gives back what was reserved and not used.
    pub(super) fn give_back(&mut self, points: u32) {
        self.level = (self.level() + f64::from(points)).min(self.max);
    }

    /// `throttleStatus` of an answer.
    pub(super) fn status(&mut self) -> Value {
        let level = self.level().floor();
        json!({"maximumAvailable": self.max, "currentlyAvailable": level, "restoreRate": self.restore})
    }
}

/// Growth of a connection's cost with its size.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn size(n: u64) -> u32 {
    match n {
        0 => 0,
        #[allow(clippy::cast_precision_loss)]
        n => ((2.0 * (n as f64).ln()).floor() as u32).max(1),
    }
}

/// Types whose objects cost nothing.
pub(super) fn is_free(type_name: &str) -> bool {
    matches!(
        type_name,
        "PageInfo" | "MoneyV2" | "MoneyBag" | "Image" | "QueryRoot" | "Mutation"
    ) || type_name.ends_with("UserError")
}

/// The most an operation can cost.
pub(super) fn requested(
    document: &ExecutableDocument,
    operation: &Operation,
    variables: &Map<String, Value>,
) -> u32 {
    let meter = Meter {
        document,
        variables,
    };
    if !operation.is_mutation() {
        return meter.selection(&operation.selection_set);
    }
    operation
        .root_fields(document)
        .map(|field| {
            // The payload and its own objects are in the ten points; what those contain is not.
            let below: u32 = meter
                .fields(&field.selection_set)
                .into_iter()
                .filter(|f| !is_free(f.ty().inner_named_type()))
                .map(|f| meter.selection(&f.selection_set))
                .sum();
            10 + below
        })
        .sum()
}

struct Meter<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Map<String, Value>,
}

impl<'a> Meter<'a> {
    fn fields(&self, set: &'a SelectionSet) -> Vec<&'a Field> {
        let mut found = Vec::new();
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => found.push(field.as_ref()),
                Selection::InlineFragment(part) => found.extend(self.fields(&part.selection_set)),
                Selection::FragmentSpread(spread) => {
                    if let Some(part) = self.document.fragments.get(&spread.fragment_name) {
                        found.extend(self.fields(&part.selection_set));
                    }
                }
            }
        }
        found
    }

    fn selection(&self, set: &'a SelectionSet) -> u32 {
        // Of fragments on different types only the dearest can apply.
        let mut sum = 0;
        let mut dearest = 0;
        for selection in &set.selections {
            match selection {
                Selection::Field(field) => sum += self.field(field),
                Selection::InlineFragment(part) => {
                    let cost = self.selection(&part.selection_set);
                    match &part.type_condition {
                        Some(ty) if *ty != set.ty => dearest = dearest.max(cost),
                        _ => sum += cost,
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(part) = self.document.fragments.get(&spread.fragment_name) {
                        let cost = self.selection(&part.selection_set);
                        if part.selection_set.ty == set.ty {
                            sum += cost;
                        } else {
                            dearest = dearest.max(cost);
                        }
                    }
                }
            }
        }
        sum + dearest
    }

    fn field(&self, field: &'a Field) -> u32 {
        if field.selection_set.is_empty() {
            return 0;
        }
        let name = field.ty().inner_named_type().as_str();
        if name == "Count" {
            return 10;
        }
        if name.ends_with("Connection") {
            let node = self
                .fields(&field.selection_set)
                .into_iter()
                .filter_map(|f| match f.name.as_str() {
                    "nodes" => Some(self.selection(&f.selection_set)),
                    "edges" => self
                        .fields(&f.selection_set)
                        .into_iter()
                        .find(|f| f.name == "node")
                        .map(|f| self.selection(&f.selection_set)),
                    _ => None,
                })
                .max()
                .unwrap_or(0);
            return 2 + size(self.count(field)) * (1 + node);
        }
        let below = self.selection(&field.selection_set);
        if is_free(name) { below } else { 1 + below }
    }

    /// The `first` or `last` of a connection.
    fn count(&self, field: &Field) -> u64 {
        ["first", "last"]
            .into_iter()
            .find_map(
                |name| match field.specified_argument_by_name(name)?.as_ref() {
                    Literal::Int(n) => n.try_to_i32().ok().and_then(|n| u64::try_from(n).ok()),
                    Literal::Variable(v) => self.variables.get(v.as_str())?.as_u64(),
                    _ => None,
                },
            )
            .unwrap_or(0)
    }
}
