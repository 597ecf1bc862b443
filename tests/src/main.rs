//! End to end, crash, fault, hostile and schema tests: the real host and the real component against the sandbox.

#[cfg(unix)]
mod afternoon;
#[cfg(unix)]
mod alerts;
mod architecture;
mod bundles;
mod canary;
mod channels;
mod conformance;
mod crash;
mod failures;
mod faults;
mod flows;
mod fossils;
mod generations;
mod hostile;
mod impostors;
mod languages;
#[cfg(unix)]
mod mailbox;
mod mirakl;
mod orders_api;
mod pages;
mod plugins;
mod practice;
mod products_api;
mod schema;
mod served;
mod set_up_api;
mod telemetry;
mod timeline;
mod tools;
mod vendure;
mod wasi;
mod webhooks;
mod world;

/// Leaves a test out with a loud line where its tool cannot be had; where `CI` is `true` that is a failure.
fn skipped(what: &str, why: &anyhow::Error) {
    assert!(
        !std::env::var("CI").is_ok_and(|v| v == "true"),
        "{what} cannot be had: {why:#}"
    );
    eprintln!("SKIPPED: {what} cannot be had here: {why:#}");
}
