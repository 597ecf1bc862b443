//! What a plugin asks an operator for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What a plugin may do beyond computing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
            .chain(capabilities.map(|c| match meaning(c) {
                Some(meaning) => format!("do {c} ({meaning})"),
                None => format!("do {c}"),
            }))
            .collect()
    }

    /// All of it, in words.
    pub fn words(&self) -> Vec<String> {
        self.beyond(&Rights::default())
    }
}

/// What a capability comes to, for whoever grants it.
fn meaning(capability: &str) -> Option<&'static str> {
    Some(match capability {
        "about" => "tell whose account it is",
        "listings" => "read what the account sells",
        "stock" => "write how many pieces are for sale",
        "orders" => "read the account's orders, with names and addresses",
        "acceptance" => "accept and refuse orders",
        "fulfillments" => "tell carriers and tracking codes, and mark units as shipped",
        "cancellations" => "cancel units of orders",
        "webhooks" => "have the marketplace send messages here",
        "order-edits" => "change orders on their way into Shopify",
        "stock-edits" => "hold stock back from a channel",
        "bundles" => "say what a listing is made of",
        _ => return None,
    })
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
        new.capabilities.insert("something-new".into());
        assert_eq!(
            new.beyond(&old),
            [
                "reach b.example",
                "do orders (read the account's orders, with names and addresses)",
                "do something-new"
            ]
        );
        assert!(old.beyond(&old).is_empty());
    }
}
