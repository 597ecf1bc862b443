//! Reads the whole catalogue with one bulk operation: start, poll, download, join.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::time::Duration;

use cynic::queries::{OperationType, build_executable_document};
use tokio::time::Instant as Clock;
use url::Url;

use super::errors::{self, BulkOperationUserError, Kind, Refusal, UserError, refusals};
use super::join::Join;
use super::types::{Count, Link, Word, schema};
use super::variants::{Level, Product};
use super::{Shop, place_of};
use crate::model::{Fault, Instant, Side, Variant};
use crate::net::{Method, Request};
use crate::trace;

/// Pause before the first poll; it grows by a third up to the longest.
const FIRST_POLL: Duration = Duration::from_millis(2_000);
/// The longest pause between polls.
const LONGEST_POLL: Duration = Duration::from_millis(5_000);
/// A run that counts no further object for so long is given up.
const STUCK: Duration = Duration::from_secs(15 * 60);
/// Polls that may fail in a row.
const FAILED_POLLS: u32 = 5;
/// The download.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// Largest result that is taken, in bytes.
const LARGEST: u64 = 4 << 30;
/// Allowed beyond the size that Shopify announces, in bytes.
const SLACK: u64 = 1 << 20;

/// The query inside the bulk operation, typed like all others: connections by `edges`, no page sizes, no variables.
#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot")]
struct BulkVariants {
    #[allow(dead_code)]
    product_variants: Variants,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "ProductVariantConnection")]
struct Variants {
    #[allow(dead_code)]
    edges: Vec<VariantEdge>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "ProductVariantEdge")]
struct VariantEdge {
    #[allow(dead_code)]
    node: BulkVariant,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "ProductVariant")]
#[allow(dead_code)]
struct BulkVariant {
    id: cynic::Id,
    sku: Option<String>,
    title: String,
    updated_at: Instant,
    product: Product,
    inventory_item: BulkItem,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "InventoryItem")]
#[allow(dead_code)]
struct BulkItem {
    id: cynic::Id,
    tracked: bool,
    inventory_levels: Levels,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "InventoryLevelConnection")]
#[allow(dead_code)]
struct Levels {
    edges: Vec<LevelEdge>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "InventoryLevelEdge")]
#[allow(dead_code)]
struct LevelEdge {
    node: Level,
}

/// Its document.
pub(super) fn document() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        build_executable_document::<BulkVariants, ()>(
            OperationType::Query,
            None,
            HashSet::new(),
            None,
        )
    })
}

#[derive(cynic::QueryVariables)]
pub(super) struct BulkStartVariables {
    query: String,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "BulkStartVariables")]
pub(super) struct BulkStart {
    #[arguments(query: $query, groupObjects: false)]
    bulk_operation_run_query: Option<BulkOperationRunQueryPayload>,
}

#[derive(cynic::QueryFragment)]
struct BulkOperationRunQueryPayload {
    bulk_operation: Option<Started>,
    user_errors: Vec<BulkOperationUserError>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "BulkOperation")]
struct Started {
    id: cynic::Id,
}

#[derive(cynic::QueryVariables)]
pub(super) struct BulkPollVariables {
    id: cynic::Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "QueryRoot", variables = "BulkPollVariables")]
pub(super) struct BulkPoll {
    #[arguments(id: $id)]
    bulk_operation: Option<BulkOperation>,
}

#[derive(cynic::QueryFragment)]
struct BulkOperation {
    status: Word<schema::BulkOperationStatus>,
    error_code: Option<Word<schema::BulkOperationErrorCode>>,
    object_count: Count,
    root_object_count: Count,
    file_size: Option<Count>,
    url: Option<Link>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "BulkPollVariables")]
pub(super) struct BulkCancel {
    #[arguments(id: $id)]
    bulk_operation_cancel: Option<BulkOperationCancelPayload>,
}

#[derive(cynic::QueryFragment)]
struct BulkOperationCancelPayload {
    user_errors: Vec<UserError>,
}

/// How a bulk operation ended.
enum Ended {
    /// The result: where (none when it is empty), how many variants, how many bytes.
    Done {
        url: Option<Url>,
        variants: u64,
        bytes: Option<u64>,
    },
    /// Not available here, or it failed: the pages will do.
    No(String),
}

impl Shop {
    /// Every variant with its stock at every location, by one bulk operation; by pages where the shop does not allow
    /// one or it fails. `progress` is told the number of variants so far.
    pub async fn variants_bulk(&self, progress: impl Fn(u64)) -> Result<Vec<Variant>, Fault> {
        match self.run_bulk(&progress).await? {
            Ended::Done { url: None, .. } => Ok(Vec::new()),
            Ended::Done {
                url: Some(url),
                variants,
                bytes,
            } => {
                let found = self.download(url, variants, bytes).await?;
                progress(found.len() as u64);
                Ok(found)
            }
            Ended::No(why) => {
                tracing::warn!("the catalogue is read by pages, not by a bulk operation: {why}");
                self.all_pages(&progress).await
            }
        }
    }

    async fn all_pages(&self, progress: &impl Fn(u64)) -> Result<Vec<Variant>, Fault> {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.variants_page(cursor.as_deref(), None, &[]).await?;
            found.extend(page.variants);
            progress(found.len() as u64);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(found),
            }
        }
    }

    async fn run_bulk(&self, progress: &impl Fn(u64)) -> Result<Ended, Fault> {
        let variables = BulkStartVariables {
            query: document().to_owned(),
        };
        let payload = match self.endpoint.ask::<BulkStart>(&variables).await {
            Ok(answer) => answer.bulk_operation_run_query,
            Err(Fault::Denied { detail } | Fault::Rejected { detail, .. }) => {
                return Ok(Ended::No(detail));
            }
            // A run that started unseen reads only; nothing has to be looked up.
            Err(Fault::UnknownOutcome { detail }) => {
                return Err(Fault::Unavailable {
                    retry_after_ms: None,
                    detail,
                });
            }
            Err(fault) => return Err(fault),
        };
        let Some(payload) = payload else {
            return Ok(Ended::No(
                "BulkStart: Shopify answers without a payload".into(),
            ));
        };
        let refused: Vec<Refusal> = refusals(payload.user_errors);
        if let Some(fault) = errors::of_user(&refused, "BulkStart") {
            return Ok(Ended::No(fault.to_string()));
        }
        let Some(started) = payload.bulk_operation else {
            return Ok(Ended::No(
                "BulkStart: Shopify starts nothing and says no reason".into(),
            ));
        };
        self.poll_bulk(started.id, progress).await
    }

    async fn poll_bulk(&self, id: cynic::Id, progress: &impl Fn(u64)) -> Result<Ended, Fault> {
        let variables = BulkPollVariables { id };
        let mut pause = FIRST_POLL;
        let mut failed = 0;
        let mut newest = (0, Clock::now());
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 4 / 3).min(LONGEST_POLL);
            let run = match self.endpoint.ask::<BulkPoll>(&variables).await {
                Ok(answer) => answer.bulk_operation,
                // The run goes on meanwhile: one poll that fails is no reason to throw it away.
                Err(
                    fault @ (Fault::Unavailable { .. }
                    | Fault::Throttled { .. }
                    | Fault::Protocol { .. }),
                ) => {
                    failed += 1;
                    if failed >= FAILED_POLLS {
                        return Err(fault);
                    }
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            failed = 0;
            let Some(run) = run else {
                return Ok(Ended::No("the bulk operation has vanished".into()));
            };
            progress(run.root_object_count.0);
            match run.status.text() {
                "COMPLETED" => {
                    let url = match run.url {
                        None => None,
                        Some(Link(text)) => Some(text.parse().map_err(|e| Fault::Protocol {
                            detail: format!(
                                "the bulk operation's result has no valid address: {e}"
                            ),
                        })?),
                    };
                    return Ok(Ended::Done {
                        url,
                        variants: run.root_object_count.0,
                        bytes: run.file_size.map(|s| s.0),
                    });
                }
                "FAILED" | "CANCELED" | "CANCELING" | "EXPIRED" => {
                    let code = run
                        .error_code
                        .map(|c| format!(" ({})", c.text()))
                        .unwrap_or_default();
                    return Ok(Ended::No(format!(
                        "the bulk operation ended as {}{code}",
                        run.status.text()
                    )));
                }
                // CREATED, RUNNING, or a status newer than this program.
                _ => {}
            }
            if run.object_count.0 > newest.0 {
                newest = (run.object_count.0, Clock::now());
            } else if newest.1.elapsed() > STUCK {
                self.cancel_bulk(&variables).await;
                return Ok(Ended::No(format!(
                    "the bulk operation counted nothing for {} minutes",
                    STUCK.as_secs() / 60
                )));
            }
        }
    }

    /// Frees the slot of a run that is stuck. Failing to is harmless: it ends by itself.
    async fn cancel_bulk(&self, variables: &BulkPollVariables) {
        match self.endpoint.ask::<BulkCancel>(variables).await {
            Ok(answer) => {
                let errors = answer
                    .bulk_operation_cancel
                    .map(|p| refusals(p.user_errors))
                    .unwrap_or_default();
                if let Some(fault) = errors::of_user(&errors, "BulkCancel") {
                    tracing::info!("{fault}");
                }
            }
            Err(fault) => tracing::info!("BulkCancel: {fault}"),
        }
    }

    /// Downloads the result. The link is signed: it needs no token and must not get one.
    async fn download(
        &self,
        url: Url,
        variants: u64,
        bytes: Option<u64>,
    ) -> Result<Vec<Variant>, Fault> {
        let limit = bytes
            .map_or(LARGEST, |b| b.saturating_add(SLACK))
            .min(LARGEST);
        let place = place_of(&url);
        let request = Request {
            method: Method::Get,
            url,
            headers: Vec::new(),
            body: None,
            timeout: DOWNLOAD_TIMEOUT,
            max_body: usize::try_from(limit).unwrap_or(usize::MAX),
        };
        let scrubber = self.endpoint.scrubber();
        let mut noting =
            trace::begin(Side::Shop, "BulkVariants", 1, &request, scrubber).without_path();
        let outcome = self.endpoint.client().send(request).await;
        noting.heard(&outcome);
        let response = outcome.map_err(|e| errors::of_transport(e, Kind::Query))?;
        if response.status != 200 {
            return Err(Fault::Unavailable {
                retry_after_ms: None,
                detail: format!(
                    "{place} answers with HTTP {} instead of the bulk operation's result",
                    response.status
                ),
            });
        }
        let mut join = Join::default();
        join.push(&response.body)?;
        drop(response);
        let found = join.finish()?;
        if (found.len() as u64) < variants {
            return Err(Fault::Protocol {
                detail: format!(
                    "the bulk operation's result holds {} variants of {variants}",
                    found.len()
                ),
            });
        }
        Ok(found)
    }
}
