//! Cases, what was found for each, and the report.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// Most findings that are kept of one case: the rest is counted.
const KEPT: usize = 5;

/// Something that every connector must do.
#[derive(Debug, Serialize)]
pub struct Case {
    /// Stable; `--only` takes it.
    pub name: &'static str,
    /// What it means for the merchant.
    pub meaning: &'static str,
    /// What to change when it fails.
    pub remedy: &'static str,
}

/// How a case ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Looked at and fine.
    Pass,
    /// What was found, at most a few, and how many there are in all.
    Fail {
        /// Each with the exchange at which it was seen.
        found: Vec<String>,
        /// All of them.
        count: usize,
    },
    /// Not looked at, and why.
    Skipped(String),
}

/// Every case with its verdict.
#[derive(Debug, Serialize)]
pub struct Report {
    /// In the order of [`super::cases`].
    pub cases: Vec<(&'static Case, Verdict)>,
}

impl Report {
    /// Names of the cases that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        let failed = |v: &Verdict| matches!(v, Verdict::Fail { .. });
        (self.cases.iter().filter(|(_, v)| failed(v)))
            .map(|(case, _)| case.name)
            .collect()
    }

    /// How many passed, failed and were skipped.
    pub fn counts(&self) -> (usize, usize, usize) {
        let skipped = |v: &&Verdict| matches!(v, Verdict::Skipped(_));
        let skipped = self.cases.iter().map(|(_, v)| v).filter(skipped).count();
        let failed = self.failed().len();
        (self.cases.len() - failed - skipped, failed, skipped)
    }
}

/// Collects what is found.
#[derive(Debug)]
pub(super) struct Book {
    cases: Vec<&'static Case>,
    only: Option<String>,
    looked: BTreeSet<&'static str>,
    found: BTreeMap<&'static str, Vec<String>>,
    skipped: BTreeMap<&'static str, String>,
}

impl Book {
    pub(super) fn new(cases: Vec<&'static Case>, only: Option<String>) -> Self {
        Self {
            cases,
            only,
            looked: BTreeSet::new(),
            found: BTreeMap::new(),
            skipped: BTreeMap::new(),
        }
    }

    /// Whether any of the cases is to be reported.
    pub(super) fn wants(&self, cases: &[Case]) -> bool {
        (self.only.as_deref()).is_none_or(|only| cases.iter().any(|c| c.name == only))
    }

    /// The case was looked at.
    pub(super) fn looked(&mut self, case: &'static str) {
        self.looked.insert(case);
    }

    /// Something is wrong. The same finding counts once.
    pub(super) fn fail(&mut self, case: &'static str, what: String) {
        self.looked(case);
        let found = self.found.entry(case).or_default();
        if !found.contains(&what) {
            found.push(what);
        }
    }

    /// Looked at: fine when nothing is told.
    pub(super) fn note(&mut self, case: &'static str, what: Option<String>) {
        self.looked(case);
        if let Some(what) = what {
            self.fail(case, what);
        }
    }

    /// Why the case cannot be looked at, where that is its own reason.
    pub(super) fn skip(&mut self, case: &'static str, why: &str) {
        self.skipped.entry(case).or_insert_with(|| why.to_owned());
    }

    /// The report; `why` tells of every case that nobody could look at.
    pub(super) fn close(mut self, why: &str) -> Report {
        let only = self.only.take();
        let cases = std::mem::take(&mut self.cases)
            .into_iter()
            .filter(|c| only.as_deref().is_none_or(|o| o == c.name))
            .map(|case| {
                let verdict = match self.found.remove(case.name) {
                    Some(mut found) => {
                        let count = found.len();
                        found.truncate(KEPT);
                        Verdict::Fail { found, count }
                    }
                    None if self.looked.contains(case.name) => Verdict::Pass,
                    None => {
                        let own = self.skipped.remove(case.name);
                        Verdict::Skipped(own.unwrap_or_else(|| why.to_owned()))
                    }
                };
                (case, verdict)
            })
            .collect();
        Report { cases }
    }
}
