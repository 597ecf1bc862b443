//! `lockstep webhooks`: how the messages from outside stand.

use super::output::{clock, print_rows};
use super::{ATTENTION, Env, FINE};
use crate::model::PUBLIC_URL;
use crate::view;

pub(super) async fn run(env: &Env) -> anyhow::Result<u8> {
    let state = view::webhooks(&env.host()?).await?;
    let wrong = state.problem.is_some() || state.sources.iter().any(|s| s.error.is_some());
    let code = if wrong { ATTENTION } else { FINE };
    if env.json {
        println!("{}", serde_json::to_string_pretty(&state)?);
        return Ok(code);
    }
    match (&state.public_url, &state.problem) {
        (_, Some(problem)) => println!("The public address cannot be used: {problem}."),
        (Some(url), None) => println!("Messages are asked for to {url}."),
        (None, None) => println!(
            "No public address is set, so nobody is asked to send messages here. Set it with `lockstep setting set {PUBLIC_URL} https://NAME`."
        ),
    }
    let or = |at: Option<_>, none: &str| at.map_or(none.to_owned(), clock);
    let rows: Vec<Vec<String>> = (state.sources.into_iter())
        .map(|s| {
            vec![
                s.side(),
                s.url.unwrap_or_else(|| "none".into()),
                s.topics.join(", "),
                or(s.subscribed_at, "no"),
                or(s.checked_at, "never"),
                or(s.last_delivery_at, "none"),
                s.deliveries.to_string(),
                s.error.unwrap_or_default(),
            ]
        })
        .collect();
    let head = [
        "who sends",
        "to which address",
        "of what",
        "subscribed (UTC)",
        "compared (UTC)",
        "newest (UTC)",
        "in 7 days",
        "what is wrong",
    ];
    print_rows(&head, &rows, usize::MAX);
    Ok(code)
}
