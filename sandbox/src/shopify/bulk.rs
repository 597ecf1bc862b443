//! Bulk queries: the rules they have to obey, their life, and the JSONL they leave.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::{Field, SelectionSet};
use apollo_compiler::validation::Valid;
use serde_json::{Map, Value};

use super::engine::{BulkWriter, Obj, Out, Refusal, SCHEMA};
use super::mutations::{UserError, payload};
use super::resolve::{Arguments, text, time, time_option};
use super::state::{State, gid, now, number_of};
use super::{lists, lock};

/// Bulk queries that may run at the same time.
const CONCURRENT: usize = 5;
/// Nodes written between two looks at the clock and at other requests.
const CHUNK: usize = 500;

/// One bulk query.
pub(super) struct BulkOperation {
    pub(super) query: String,
    grouped: bool,
    status: &'static str,
    created_at: i64,
    completed_at: Option<i64>,
    objects: u64,
    roots: u64,
    pub(super) file: Option<Arc<String>>,
    pub(super) token: String,
    host: String,
    started: bool,
}

impl BulkOperation {
    fn is_active(&self) -> bool {
        matches!(self.status, "CREATED" | "RUNNING" | "CANCELING")
    }

    pub(super) fn field(&self, id: u64, name: &str) -> Option<Out> {
        let size = self.file.as_ref().map(|f| f.len().to_string());
        let url = self
            .file
            .as_ref()
            .filter(|f| !f.is_empty())
            .map(|_| format!("{}/bulk/{id}.jsonl?signature={}", self.host, self.token));
        Some(match name {
            "id" => gid("BulkOperation", id).into(),
            "status" => self.status.into(),
            "type" => "QUERY".into(),
            "createdAt" => time(self.created_at),
            "completedAt" => time_option(self.completed_at),
            "errorCode" | "partialDataUrl" => Out::NULL,
            "objectCount" => self.objects.to_string().into(),
            "rootObjectCount" => self.roots.to_string().into(),
            "fileSize" => Out::Json(size.into()),
            "url" => Out::Json(url.into()),
            "query" => self.query.as_str().into(),
            _ => return None,
        })
    }
}

/// `bulkOperationRunQuery`.
pub(super) fn start(state: &mut State, arguments: &Arguments) -> Result<Out, Refusal> {
    let answer = |operation: Out, errors: &[UserError]| {
        payload(
            "BulkOperationRunQueryPayload",
            vec![("bulkOperation", operation)],
            errors,
        )
    };
    if !state.config.switches.bulk_allowed {
        return Err(Refusal::new(
            "ACCESS_DENIED",
            "Access denied for bulkOperationRunQuery field. Required access: bulk operations have to be enabled for the app.",
        ));
    }
    let query = text(arguments, "query").unwrap_or_default().to_owned();
    if let Err(message) = check(&query) {
        state.mistake("bulkOperationRunQuery", &message);
        return Ok(answer(
            Out::NULL,
            &[UserError::new("INVALID", &["query"], message)],
        ));
    }
    let active: Vec<String> = state
        .bulk
        .iter()
        .filter(|(_, b)| b.is_active())
        .map(|(id, _)| gid("BulkOperation", *id))
        .collect();
    if active.len() >= CONCURRENT {
        let message = format!(
            "A bulk query operation for this app and shop is already in progress: {}.",
            active.join(", ")
        );
        let error = UserError {
            field: Vec::new(),
            ..UserError::new("OPERATION_IN_PROGRESS", &[], message)
        };
        return Ok(answer(Out::NULL, &[error]));
    }
    let id = state.id();
    let host = format!("http://127.0.0.1:{}", state.config.port);
    state.bulk.insert(
        id,
        BulkOperation {
            query,
            grouped: arguments.get("groupObjects") == Some(&Value::Bool(true)),
            status: "CREATED",
            created_at: now(),
            completed_at: None,
            objects: 0,
            roots: 0,
            file: None,
            token: uuid::Uuid::new_v4().simple().to_string(),
            host,
            started: false,
        },
    );
    Ok(answer(Out::Obj(Obj::Bulk(id)), &[]))
}

/// `bulkOperationCancel`.
pub(super) fn cancel(state: &mut State, arguments: &Arguments) -> Out {
    let answer = |operation: Out, errors: &[UserError]| {
        payload(
            "BulkOperationCancelPayload",
            vec![("bulkOperation", operation)],
            errors,
        )
    };
    let id = text(arguments, "id").and_then(|t| number_of(t, "BulkOperation"));
    match id.and_then(|id| Some((id, state.bulk.get_mut(&id)?))) {
        Some((id, operation)) if operation.is_active() => {
            operation.status = "CANCELING";
            answer(Out::Obj(Obj::Bulk(id)), &[])
        }
        Some((_, operation)) => {
            let status = operation.status.to_lowercase();
            let message = format!("A bulk operation cannot be canceled when it is {status}");
            answer(Out::NULL, &[UserError::plain(&[], message)])
        }
        None => answer(
            Out::NULL,
            &[UserError::plain(&["id"], "Bulk operation does not exist")],
        ),
    }
}

/// Starts the work of operations that were created by the request just answered.
pub(super) fn launch(state: &Arc<Mutex<State>>, runtime: &tokio::runtime::Handle) {
    let mut locked = lock(state);
    let fresh: Vec<u64> = locked
        .bulk
        .iter_mut()
        .filter(|(_, b)| !b.started)
        .map(|(id, b)| {
            b.started = true;
            *id
        })
        .collect();
    let pause = Duration::from_millis(locked.config.switches.bulk_ms);
    drop(locked);
    for id in fresh {
        let state = Arc::clone(state);
        runtime.spawn(async move {
            tokio::time::sleep(pause).await;
            if !advance(&mut lock(&state), id, "RUNNING") {
                return;
            }
            let worker = Arc::clone(&state);
            let work = tokio::task::spawn_blocking(move || write(&worker, id));
            tokio::time::sleep(pause).await;
            if work.await.is_ok() {
                let mut state = lock(&state);
                advance(&mut state, id, "COMPLETED");
                state.announce_bulk(id);
            }
        });
    }
}

/// Moves an operation on, or ends it when it is being cancelled; false when it has ended.
fn advance(state: &mut State, id: u64, to: &'static str) -> bool {
    let Some(operation) = state.bulk.get_mut(&id) else {
        return false;
    };
    if operation.status == "CANCELING" {
        operation.status = "CANCELED";
        operation.completed_at = Some(now());
        operation.file = None;
        return false;
    }
    operation.status = to;
    if to == "COMPLETED" {
        operation.completed_at = Some(now());
    }
    true
}

/// Writes the file, letting other requests in between.
fn write(state: &Arc<Mutex<State>>, id: u64) {
    let Some((query, grouped)) = lock(state)
        .bulk
        .get(&id)
        .map(|b| (b.query.clone(), b.grouped))
    else {
        return;
    };
    let Ok(document) = ExecutableDocument::parse_and_validate(&SCHEMA, query, "bulk.graphql")
    else {
        return;
    };
    let Some((root, node)) = root(&document) else {
        return;
    };
    let variables = Map::new();
    let arguments = literals(root);
    let ids = {
        let mut state = lock(state);
        state.tick();
        match root.name.as_str() {
            "productVariants" => lists::bulk_variants(&mut state, &arguments),
            "orders" => lists::bulk_orders(&mut state, &arguments),
            "locations" => state.locations.keys().copied().collect(),
            _ => Vec::new(),
        }
    };
    let (kind, make): (&str, fn(u64) -> Obj) = match root.name.as_str() {
        "orders" => ("Order", Obj::Order),
        "locations" => ("Location", Obj::Location),
        _ => ("ProductVariant", Obj::Variant),
    };
    let mut writer = BulkWriter::new(&document, &variables, node, kind);
    let mut file = String::new();
    let mut part = String::new();
    let (mut objects, mut roots) = (0, 0);
    for ids in ids.chunks(CHUNK) {
        let nodes: Vec<(Obj, String)> = ids.iter().map(|id| (make(*id), gid(kind, *id))).collect();
        part.clear();
        {
            let mut state = lock(state);
            if state.bulk.get(&id).is_none_or(|b| b.status == "CANCELING") {
                return;
            }
            objects += writer.write(&mut state, &mut part, &nodes, grouped);
            roots += nodes.len() as u64;
            if let Some(operation) = state.bulk.get_mut(&id) {
                operation.objects = objects;
                operation.roots = roots;
            }
        }
        // Shopify's files escape slashes, which JSON allows.
        file.push_str(&part.replace('/', "\\/"));
    }
    if let Some(operation) = lock(state).bulk.get_mut(&id) {
        operation.file = Some(Arc::new(file));
    }
}

/// The one root connection and the selection of its nodes.
fn root(document: &Valid<ExecutableDocument>) -> Option<(&Field, &SelectionSet)> {
    let operation = document.operations.get(None).ok()?;
    let root = operation.root_fields(document).next()?;
    Some((root.as_ref(), node_selection(root)?))
}

fn node_selection(field: &Field) -> Option<&SelectionSet> {
    let edges = field.selection_set.fields().find(|f| f.name == "edges")?;
    let node = edges.selection_set.fields().find(|f| f.name == "node")?;
    Some(&node.selection_set)
}

fn literals(field: &Field) -> Map<String, Value> {
    field
        .arguments
        .iter()
        .filter_map(|a| Some((a.name.to_string(), Value::from(a.value.as_str()?))))
        .collect()
}

/// The rules of bulk queries; the error is what Shopify answers.
pub(super) fn check(query: &str) -> Result<(), String> {
    let document = ExecutableDocument::parse_and_validate(&SCHEMA, query, "bulk.graphql")
        .map_err(|e| format!("Invalid bulk query: {}", first_line(&e.errors.to_string())))?;
    let operation = document
        .operations
        .get(None)
        .map_err(|e| format!("Invalid bulk query: {}", e.message()))?;
    if !operation.is_query() {
        return Err("Invalid bulk query: only queries are supported".to_owned());
    }
    if !operation.variables.is_empty() {
        return Err("Invalid bulk query: variables are not supported".to_owned());
    }
    let roots: Vec<&Field> = operation
        .root_fields(&document)
        .map(|f| f.as_ref())
        .collect();
    if roots.iter().any(|f| f.name == "node" || f.name == "nodes") {
        return Err("Bulk queries cannot contain a top level `node` or `nodes` field.".to_owned());
    }
    let mut connections = 0;
    for field in &roots {
        walk(field, 0, false, &mut connections)?;
    }
    if connections == 0 {
        return Err("Bulk queries must contain at least one connection.".to_owned());
    }
    if connections > 5 {
        return Err("Bulk queries cannot contain more than 5 connections.".to_owned());
    }
    let known = ["productVariants", "orders", "locations"];
    match roots.as_slice() {
        [one] if known.contains(&one.name.as_str()) => Ok(()),
        _ => Err(format!(
            "The sandbox exports one root connection per bulk query, which is one of {}.",
            known.join(", ")
        )),
    }
}

fn walk(field: &Field, depth: u32, in_list: bool, connections: &mut u32) -> Result<(), String> {
    let ty = field.ty();
    let mut depth = depth;
    let is_connection = ty.inner_named_type().ends_with("Connection");
    if is_connection {
        *connections += 1;
        depth += 1;
        if in_list {
            return Err(
                "Queries that contain a connection field within a list field are not currently supported."
                    .to_owned(),
            );
        }
        if depth > 2 {
            return Err(
                "Bulk queries cannot contain connections with a nesting depth greater than 2."
                    .to_owned(),
            );
        }
        let Some(node) = node_selection(field) else {
            return Err(format!(
                "All connection fields in a bulk query must select their contents using 'edges' > 'node', which '{}' does not.",
                field.name
            ));
        };
        if field.selection_set.fields().any(|f| f.name == "nodes") {
            return Err(
                "All connection fields in a bulk query must select their contents using 'edges' > 'node', not 'nodes'."
                    .to_owned(),
            );
        }
        let has_children = contains_connection(node);
        let has_id = node.fields().any(|f| f.name == "id" && f.alias.is_none());
        if has_children && !has_id {
            return Err(format!(
                "The parent field '{}' has to select the 'id' of its nodes, without an alias.",
                field.name
            ));
        }
        for child in node.fields() {
            walk(child, depth, false, connections)?;
        }
        return Ok(());
    }
    for child in field.selection_set.fields() {
        walk(child, depth, in_list || ty.is_list(), connections)?;
    }
    Ok(())
}

fn contains_connection(set: &SelectionSet) -> bool {
    set.fields().any(|f| {
        f.ty().inner_named_type().ends_with("Connection") || contains_connection(&f.selection_set)
    })
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("Error: ").to_owned()
}

/// The file of an operation, when the signature fits.
pub(super) fn file(state: &Mutex<State>, id: u64, signature: &str) -> Option<Arc<String>> {
    let state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let operation = state.bulk.get(&id)?;
    (operation.token == signature && operation.status == "COMPLETED")
        .then(|| operation.file.clone())
        .flatten()
}
