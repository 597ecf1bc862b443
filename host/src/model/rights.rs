//! What a plugin asks an operator for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What a plugin may do beyond computing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Hosts that it reaches.
    pub hosts: BTreeSet<String>,
    /// Credentials that are applied to its requests, as `slot (kind)`.
    pub credentials: BTreeSet<String>,
    /// What it does for the host: the interfaces that it exports.
    pub capabilities: BTreeSet<String>,
}

impl Rights {
    /// What is asked for beyond `granted`, in words; empty when nothing is.
    pub fn beyond(&self, granted: &Rights) -> Vec<String> {
        let hosts = self.hosts.difference(&granted.hosts);
        let credentials = self.credentials.difference(&granted.credentials);
        let capabilities = self.capabilities.difference(&granted.capabilities);
        hosts
            .map(|h| format!("reach {h}"))
            .chain(credentials.map(|c| format!("use the credential {c}")))
            .chain(capabilities.map(|c| format!("do {c}")))
            .collect()
    }

    /// All of it, in words.
    pub fn words(&self) -> Vec<String> {
        self.beyond(&Rights::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_asked_for() {
        let set = |items: &[&str]| items.iter().map(|i| (*i).to_owned()).collect();
        let old = Rights {
            hosts: set(&["a.example"]),
            credentials: set(&["api (bearer)"]),
            capabilities: set(&["about", "stock"]),
        };
        let mut new = old.clone();
        new.hosts.insert("b.example".into());
        new.capabilities.remove("stock");
        new.capabilities.insert("orders".into());
        assert_eq!(new.beyond(&old), ["reach b.example", "do orders"]);
        assert!(old.beyond(&old).is_empty());
    }
}
