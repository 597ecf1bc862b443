//! `/healthz`: the process answers. `/readyz`: it can do its work.

use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::host::Host;
use crate::model::Instant;

/// The schedule looks around every two seconds, unless it reads plugins in.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);
/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Anybody may ask, and each check writes: an answer holds for as long.
const HOLDS: Duration = Duration::from_secs(2);

/// Whether the host can do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Readiness {
    /// Every check passed.
    pub ready: bool,
    /// What was checked.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Check {
    /// `database`, `schedule` or `key`.
    pub name: String,
    /// It passed.
    pub ok: bool,
    /// Why not. For people who may see no more than this: no path, no secret.
    pub detail: Option<String>,
}

struct Asked {
    host: Arc<Host>,
    last: Mutex<Option<(Clock, Readiness)>>,
}

/// Serves `GET /healthz` and `GET /readyz`.
pub fn router(host: Arc<Host>) -> Router {
    let last = Mutex::default();
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(Arc::new(Asked { host, last }))
}

async fn ready(State(asked): State<Arc<Asked>>) -> (StatusCode, Json<Readiness>) {
    // Whoever asks meanwhile waits for the same answer.
    let mut last = asked.last.lock().await;
    let readiness = match &*last {
        Some((at, readiness)) if at.elapsed() < HOLDS => readiness.clone(),
        _ => {
            let readiness = readiness(&asked.host).await;
            *last = Some((Clock::now(), readiness.clone()));
            readiness
        }
    };
    let status = match readiness.ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(readiness))
}

/// Checks everything.
pub async fn readiness(host: &Host) -> Readiness {
    let check = |name: &str, result: Result<(), String>| Check {
        name: name.to_owned(),
        ok: result.is_ok(),
        detail: result.err(),
    };
    let checks = vec![
        check("database", database(host).await),
        check("schedule", schedule(host)),
        check("key", key(host).await),
    ];
    Readiness {
        ready: checks.iter().all(|c| c.ok),
        checks,
    }
}

async fn database(host: &Host) -> Result<(), String> {
    let write = host.store.write(|tx| tx.probe(Instant::now()));
    match tokio::time::timeout(PATIENCE, write).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(e)) => {
            tracing::error!("not ready, database: {e}");
            Err("it cannot be written; the log says why".into())
        }
        Err(_) => Err(format!("no write within {} s", PATIENCE.as_secs())),
    }
}

fn schedule(host: &Host) -> Result<(), String> {
    match host.heartbeat.age() {
        Some(age) if age <= LONGEST_SILENCE => Ok(()),
        Some(age) => Err(format!("no sign of life for {} s", age.as_secs())),
        None => Err("it has not begun".into()),
    }
}

/// The key can be read again, as a restart would, and opens what is stored.
async fn key(host: &Host) -> Result<(), String> {
    host.check_key().await.map_err(|e| {
        tracing::error!("not ready, key: {e:#}");
        "it cannot be read, or is not the one that sealed the secrets; the log says more".into()
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::vault::Scrubber;

    async fn ask(router: &Router, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
        (status, String::from_utf8(body.unwrap().to_vec()).unwrap())
    }

    fn failed(body: &str) -> Vec<String> {
        let all: serde_json::Value = serde_json::from_str(body).unwrap();
        let checks = all["checks"].as_array().unwrap().iter();
        checks
            .filter(|c| c["ok"] == false)
            .map(|c| c["name"].as_str().unwrap().to_owned())
            .collect()
    }

    #[tokio::test]
    async fn readiness_follows_the_schedule_and_the_key() {
        let data = tempfile::tempdir().unwrap();
        let host = Arc::new(Host::open(data.path(), Scrubber::default()).unwrap());
        let secret = "shpss_0123456789".to_owned().into();
        host.keep_secret("kestrel", "", "secret", &secret)
            .await
            .unwrap();
        assert_eq!(ask(&router(host.clone()), "/healthz").await.0, 200);
        let (status, body) = ask(&router(host.clone()), "/readyz").await;
        assert_eq!(
            (status.as_u16(), failed(&body)),
            (503, vec!["schedule".to_owned()])
        );

        host.heartbeat.beat();
        let asked = router(host.clone());
        let (status, body) = ask(&asked, "/readyz").await;
        assert_eq!((status.as_u16(), failed(&body)), (200, vec![]));

        let key = data.path().join("key");
        std::fs::write(&key, "0".repeat(64)).unwrap();
        assert_eq!(
            ask(&asked, "/readyz").await.0,
            200,
            "the answer holds a while"
        );
        let (status, body) = ask(&router(host.clone()), "/readyz").await;
        assert_eq!(
            (status.as_u16(), failed(&body)),
            (503, vec!["key".to_owned()])
        );
        std::fs::remove_file(&key).unwrap();
        let (_, body) = ask(&router(host), "/readyz").await;
        assert_eq!(failed(&body), ["key"]);
    }
}
