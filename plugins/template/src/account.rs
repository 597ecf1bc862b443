//! Who the connector talks for.

use lockstep_sdk::prelude::*;

use crate::Template;
use crate::api::api;

impl About for Template {
    // The connection test of `channel add`. The id pins the channel to this account: take one that never changes.
    fn identify(cx: Cx<'_>) -> Result<Account, Fault> {
        let answer = api(cx).read(Path::new("/v1/account"))?;
        let account = Node::new(&answer);
        Ok(Account {
            id: account.get("id").need("the account's id")?,
            name: account.get("name").text().unwrap_or_default(),
            currency: account.get("currency").text(),
            // For people: the host shows facts, and never decides on them.
            facts: (account.get("country").text().into_iter())
                .map(|country| Fact::new("country", country))
                .collect(),
            ..Account::default()
        })
    }
}
