//! The GraphQL executor: field collection, argument coercion, null propagation, and the text of the answer.
//!
//! It writes JSON as it goes and keeps the collected fields per type, so that a bulk operation over a hundred
//! thousand variants takes seconds even without optimization.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use apollo_compiler::ast::{Type, Value as Literal};
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};
use apollo_compiler::schema::{ExtendedType, FieldDefinition};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Node, Schema};
use serde_json::{Map, Value, json};

use super::state::State;
use super::{cost, mutations, resolve};

const SDL: &str = include_str!("../../../host/src/shop/schema.graphql");

/// The schema that documents are checked against.
pub(super) static SCHEMA: LazyLock<Valid<Schema>> = LazyLock::new(|| {
    let built_in = "directive @oneOf on INPUT_OBJECT\n";
    let text = if SDL.contains("directive @oneOf") {
        SDL.to_owned()
    } else {
        format!("{built_in}{SDL}")
    };
    match Schema::parse_and_validate(text, "schema.graphql") {
        Ok(schema) => schema,
        Err(error) => panic!(
            "host/src/shop/schema.graphql is not valid: {}",
            error.errors
        ),
    }
});

/// A field error: an entry of `errors` with its code.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// What a field resolves to.
#[derive(Clone)]
pub(super) enum Out {
    /// A scalar, an enum, a list of them, or null.
    Json(Value),
    Obj(Obj),
    List(Vec<Option<Obj>>),
}

impl Out {
    pub(super) const NULL: Self = Self::Json(Value::Null);

    pub(super) fn list(objects: impl IntoIterator<Item = Obj>) -> Self {
        Self::List(objects.into_iter().map(Some).collect())
    }

    pub(super) fn option(object: Option<Obj>) -> Self {
        object.map_or(Self::NULL, Self::Obj)
    }
}

impl<T: Into<Value>> From<T> for Out {
    fn from(value: T) -> Self {
        Self::Json(value.into())
    }
}

/// An object of the schema: a reference into the state, or a value made on the spot.
#[derive(Clone)]
pub(super) enum Obj {
    Query,
    Variant(u64),
    Item(u64),
    Product(u64),
    Level(u64, u64),
    Quantity(u64, u64, &'static str),
    Location(u64),
    Order(u64),
    Line(u64, usize),
    Fulfillment(u64, usize),
    FulfillmentOrder(u64, usize),
    Refund(u64, usize),
    Customer(u64),
    Bulk(u64),
    Connection(Arc<Connection>),
    Edge(&'static str, Box<Obj>),
    Made(Arc<Made>),
}

/// A page of objects.
pub(super) struct Connection {
    /// Type of its nodes.
    pub(super) of: &'static str,
    pub(super) nodes: Vec<Obj>,
    pub(super) has_next: bool,
    pub(super) end: Option<String>,
}

/// A value with its fields.
pub(super) struct Made {
    pub(super) kind: &'static str,
    pub(super) fields: Vec<(&'static str, Out)>,
}

impl Obj {
    pub(super) fn made(kind: &'static str, fields: Vec<(&'static str, Out)>) -> Self {
        Self::Made(Arc::new(Made { kind, fields }))
    }

    /// Name of the object's type, minus the ending that `ending` gives.
    fn type_name(&self) -> (&'static str, &'static str) {
        match self {
            Self::Query => ("QueryRoot", ""),
            Self::Variant(_) => ("ProductVariant", ""),
            Self::Item(_) => ("InventoryItem", ""),
            Self::Product(_) => ("Product", ""),
            Self::Level(..) => ("InventoryLevel", ""),
            Self::Quantity(..) => ("InventoryQuantity", ""),
            Self::Location(_) => ("Location", ""),
            Self::Order(_) => ("Order", ""),
            Self::Line(..) => ("LineItem", ""),
            Self::Fulfillment(..) => ("Fulfillment", ""),
            Self::FulfillmentOrder(..) => ("FulfillmentOrder", ""),
            Self::Refund(..) => ("Refund", ""),
            Self::Customer(_) => ("Customer", ""),
            Self::Bulk(_) => ("BulkOperation", ""),
            Self::Connection(c) => (c.of, "Connection"),
            Self::Edge(of, _) => (of, "Edge"),
            Self::Made(made) => (made.kind, ""),
        }
    }
}

/// A null at a place that has to have a value: it travels up to the next nullable field.
struct Nulled;

/// The fields of a selection for one object type.
struct Plan<'d> {
    fields: Vec<Planned<'d>>,
}

/// Type and field.
type PlanKey = (&'static str, &'static str);

struct Planned<'d> {
    key: &'d str,
    name: &'d str,
    ty: &'d Type,
    arguments: Result<Map<String, Value>, Refusal>,
    selections: Vec<&'d SelectionSet>,
    is_connection: bool,
    plans: RefCell<Vec<(PlanKey, Rc<Plan<'d>>)>>,
    field: &'d Field,
}

/// One run of one operation.
pub(super) struct Executor<'d> {
    document: &'d Valid<ExecutableDocument>,
    variables: &'d Map<String, Value>,
    /// Connections are left out of objects and written as lines of their own.
    bulk: bool,
    errors: Vec<Value>,
    path: Vec<Value>,
    deferred: Vec<(Obj, Vec<&'d SelectionSet>)>,
}

/// What an operation came to.
pub(super) struct Answer {
    /// JSON text of `data`.
    pub(super) data: String,
    pub(super) errors: Vec<Value>,
    pub(super) cost: u32,
}

impl<'d> Executor<'d> {
    pub(super) fn new(
        document: &'d Valid<ExecutableDocument>,
        variables: &'d Map<String, Value>,
    ) -> Self {
        Self {
            document,
            variables,
            bulk: false,
            errors: Vec::new(),
            path: Vec::new(),
            deferred: Vec::new(),
        }
    }

    /// Executes an operation.
    pub(super) fn run(mut self, state: &mut State, operation: &'d Node<Operation>) -> Answer {
        let mut data = String::new();
        let sets = [&operation.selection_set];
        let result = if operation.is_mutation() {
            self.mutation(state, &mut data, &sets)
        } else {
            let plan = self.plan("QueryRoot", &sets);
            self.object(state, &mut data, &Obj::Query, &plan)
        };
        let cost = result.unwrap_or_else(|Nulled| {
            data.clear();
            data.push_str("null");
            0
        });
        Answer {
            data,
            errors: self.errors,
            cost,
        }
    }

    fn mutation(
        &mut self,
        state: &mut State,
        out: &mut String,
        sets: &[&'d SelectionSet],
    ) -> Result<u32, Nulled> {
        let plan = self.plan("Mutation", sets);
        let mut cost = 0;
        out.push('{');
        for (i, field) in plan.fields.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            write_text(out, field.key);
            out.push(':');
            self.path.push(field.key.into());
            let resolved = match &field.arguments {
                Ok(arguments) => check_input_size(arguments).and_then(|()| {
                    mutations::run(state, field.name, arguments, self.key_of(field))
                }),
                Err(refusal) => Err(refusal.clone()),
            };
            let below = self.complete(state, out, resolved, field);
            self.path.pop();
            cost += 10 + below?.saturating_sub(2);
        }
        out.push('}');
        Ok(cost)
    }

    /// The key of `@idempotent`, when the directive is there.
    fn key_of(&self, field: &Planned<'d>) -> Option<String> {
        let directive = field.field.directives.get("idempotent")?;
        match directive.specified_argument_by_name("key")?.as_ref() {
            Literal::String(text) => Some(text.clone()),
            Literal::Variable(name) => Some(
                self.variables
                    .get(name.as_str())
                    .and_then(Value::as_str)
                    .unwrap_or("")
                    .to_owned(),
            ),
            _ => Some(String::new()),
        }
    }

    /// Collects the fields that a selection has for an object type.
    fn plan(&self, type_name: &str, sets: &[&'d SelectionSet]) -> Rc<Plan<'d>> {
        let mut fields: Vec<Planned<'d>> = Vec::new();
        for set in sets {
            self.collect(type_name, set, &mut fields);
        }
        Rc::new(Plan { fields })
    }

    fn collect(&self, type_name: &str, set: &'d SelectionSet, into: &mut Vec<Planned<'d>>) {
        for selection in &set.selections {
            if !self.included(selection) {
                continue;
            }
            match selection {
                Selection::Field(field) => {
                    let key = field.response_key().as_str();
                    if let Some(known) = into.iter_mut().find(|f| f.key == key) {
                        known.selections.push(&field.selection_set);
                        continue;
                    }
                    let arguments = self.arguments(&field.definition, field);
                    into.push(Planned {
                        key,
                        name: field.name.as_str(),
                        ty: &field.definition.ty,
                        arguments,
                        selections: vec![&field.selection_set],
                        is_connection: field.ty().inner_named_type().ends_with("Connection"),
                        plans: RefCell::default(),
                        field,
                    });
                }
                Selection::InlineFragment(part) => {
                    if part
                        .type_condition
                        .as_ref()
                        .is_none_or(|t| applies(type_name, t))
                    {
                        self.collect(type_name, &part.selection_set, into);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(part) = self.document.fragments.get(&spread.fragment_name)
                        && applies(type_name, part.type_condition())
                    {
                        self.collect(type_name, &part.selection_set, into);
                    }
                }
            }
        }
    }

    /// `@skip` and `@include`.
    fn included(&self, selection: &Selection) -> bool {
        let condition = |directive: &str| {
            let argument = selection.directives().get(directive)?;
            match argument.specified_argument_by_name("if")?.as_ref() {
                Literal::Boolean(value) => Some(*value),
                Literal::Variable(name) => self.variables.get(name.as_str())?.as_bool(),
                _ => None,
            }
        };
        !condition("skip").unwrap_or(false) && condition("include").unwrap_or(true)
    }

    fn arguments(
        &self,
        definition: &FieldDefinition,
        field: &Field,
    ) -> Result<Map<String, Value>, Refusal> {
        let mut values = Map::new();
        for argument in &definition.arguments {
            let name = argument.name.as_str();
            let given = field.arguments.iter().find(|a| a.name == argument.name);
            let value = match given {
                Some(given) => self.literal(&argument.ty, &given.value),
                None => None,
            };
            let value = match (value, &argument.default_value) {
                (Some(value), _) => value,
                (None, Some(default)) => match self.literal(&argument.ty, default) {
                    Some(value) => value,
                    None => continue,
                },
                (None, None) if argument.ty.is_non_null() => {
                    return Err(Refusal::new(
                        "INVALID_FIELD_ARGUMENTS",
                        format!("Argument '{name}' is required"),
                    ));
                }
                (None, None) => continue,
            };
            if value.is_null() && argument.ty.is_non_null() {
                return Err(Refusal::new(
                    "INVALID_FIELD_ARGUMENTS",
                    format!("Argument '{name}' may not be null"),
                ));
            }
            values.insert(name.to_owned(), value);
        }
        Ok(values)
    }

    /// The value of a literal with its variables filled in; none for a variable that was not given.
    fn literal(&self, ty: &Type, literal: &Literal) -> Option<Value> {
        Some(match literal {
            Literal::Null => Value::Null,
            Literal::Variable(name) => return self.variables.get(name.as_str()).cloned(),
            Literal::Enum(name) => name.as_str().into(),
            Literal::String(text) => text.as_str().into(),
            Literal::Boolean(value) => (*value).into(),
            Literal::Int(n) => {
                serde_json::from_str(n.as_str()).unwrap_or_else(|_| n.as_str().into())
            }
            Literal::Float(n) => {
                serde_json::from_str(n.as_str()).unwrap_or_else(|_| n.as_str().into())
            }
            Literal::List(items) => items
                .iter()
                .map(|i| self.literal(ty.item_type(), i).unwrap_or(Value::Null))
                .collect(),
            Literal::Object(members) => {
                let mut object = Map::new();
                for (name, value) in members {
                    let ty = input_field(ty, name).unwrap_or(ty);
                    if let Some(value) = self.literal(ty, value) {
                        object.insert(name.as_str().to_owned(), value);
                    }
                }
                self.add_defaults(ty, &mut object);
                if ty.is_list() {
                    return Some(Value::Array(vec![Value::Object(object)]));
                }
                Value::Object(object)
            }
        })
        .map(|value| match value {
            // One value where a list is expected is a list of one.
            value @ (Value::Array(_) | Value::Null) => value,
            value if ty.is_list() => Value::Array(vec![value]),
            value => value,
        })
    }

    fn add_defaults(&self, ty: &Type, object: &mut Map<String, Value>) {
        let Some(ExtendedType::InputObject(definition)) = SCHEMA.types.get(ty.inner_named_type())
        else {
            return;
        };
        for (name, field) in &definition.fields {
            if let Some(default) = &field.default_value
                && !object.contains_key(name.as_str())
                && let Some(value) = self.literal(&field.ty, default)
            {
                object.insert(name.as_str().to_owned(), value);
            }
        }
    }

    /// Writes an object and answers its cost.
    fn object(
        &mut self,
        state: &mut State,
        out: &mut String,
        object: &Obj,
        plan: &Plan<'d>,
    ) -> Result<u32, Nulled> {
        let mut cost = 0;
        let mut first = true;
        out.push('{');
        for field in &plan.fields {
            if self.bulk && field.is_connection {
                if let Ok(Out::Obj(connection)) = self.resolve(state, object, field) {
                    self.deferred.push((connection, field.selections.clone()));
                }
                continue;
            }
            if !first {
                out.push(',');
            }
            first = false;
            write_text(out, field.key);
            out.push(':');
            if field.name == "__typename" {
                let (name, ending) = object.type_name();
                out.push('"');
                out.push_str(name);
                out.push_str(ending);
                out.push('"');
                continue;
            }
            if !self.bulk {
                self.path.push(field.key.into());
            }
            let resolved = self.resolve(state, object, field);
            let done = self.complete(state, out, resolved, field);
            if !self.bulk {
                self.path.pop();
            }
            cost += done?;
        }
        out.push('}');
        Ok(cost)
    }

    fn resolve(
        &self,
        state: &mut State,
        object: &Obj,
        field: &Planned<'d>,
    ) -> Result<Out, Refusal> {
        let arguments = field.arguments.as_ref().map_err(Clone::clone)?;
        if matches!(object, Obj::Query) {
            check_input_size(arguments)?;
        }
        if field.is_connection && !self.bulk {
            check_page_size(arguments)?;
        }
        resolve::field(state, object, field.name, arguments, self.bulk)
    }

    /// Writes the value of a field.
    fn complete(
        &mut self,
        state: &mut State,
        out: &mut String,
        resolved: Result<Out, Refusal>,
        field: &Planned<'d>,
    ) -> Result<u32, Nulled> {
        let start = out.len();
        let result = match resolved {
            Ok(Out::Json(Value::Null)) if field.ty.is_non_null() => {
                let message = format!("Cannot return null for non-nullable field {}", field.name);
                self.error(&Refusal::new("INTERNAL_SERVER_ERROR", message), field);
                Err(Nulled)
            }
            Ok(Out::Json(value)) => {
                write_json(out, &value);
                Ok(0)
            }
            Ok(Out::Obj(object)) => self.nested(state, out, &object, field),
            Ok(Out::List(objects)) => self.list(state, out, &objects, field),
            Err(refusal) => {
                self.error(&refusal, field);
                Err(Nulled)
            }
        };
        match result {
            Err(Nulled) if !field.ty.is_non_null() => {
                out.truncate(start);
                out.push_str("null");
                Ok(0)
            }
            other => other,
        }
    }

    fn list(
        &mut self,
        state: &mut State,
        out: &mut String,
        objects: &[Option<Obj>],
        field: &Planned<'d>,
    ) -> Result<u32, Nulled> {
        let items_nullable = !field.ty.item_type().is_non_null();
        let mut dearest = 0;
        out.push('[');
        for (i, object) in objects.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            let start = out.len();
            if !self.bulk {
                self.path.push(i.into());
            }
            let written = match object {
                Some(object) => self.nested(state, out, object, field),
                None => Err(Nulled),
            };
            if !self.bulk {
                self.path.pop();
            }
            match written {
                Ok(cost) => dearest = dearest.max(cost),
                Err(Nulled) if items_nullable => {
                    out.truncate(start);
                    out.push_str("null");
                }
                Err(Nulled) => return Err(Nulled),
            }
        }
        out.push(']');
        Ok(dearest)
    }

    fn nested(
        &mut self,
        state: &mut State,
        out: &mut String,
        object: &Obj,
        field: &Planned<'d>,
    ) -> Result<u32, Nulled> {
        let name = object.type_name();
        let known = field
            .plans
            .borrow()
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, plan)| Rc::clone(plan));
        let plan = known.unwrap_or_else(|| {
            let plan = self.plan(&format!("{}{}", name.0, name.1), &field.selections);
            field.plans.borrow_mut().push((name, Rc::clone(&plan)));
            plan
        });
        let below = self.object(state, out, object, &plan)?;
        Ok(match object {
            // The nodes bring one point each along already.
            Obj::Connection(page) => 2 + cost::size(page.nodes.len() as u64) * below,
            Obj::Edge(..) => below,
            Obj::Made(made) if made.kind == "Count" => 10,
            Obj::Made(made) if cost::is_free(made.kind) => below,
            _ => 1 + below,
        })
    }

    fn error(&mut self, refusal: &Refusal, field: &Planned<'d>) {
        let mut locations = Vec::new();
        if let Some(at) = field
            .field
            .name
            .location()
            .and_then(|l| l.line_column(&self.document.sources))
        {
            locations.push(json!({"line": at.line, "column": at.column}));
        }
        self.errors.push(json!({
            "message": refusal.message, "locations": locations, "path": self.path,
            "extensions": {"code": refusal.code},
        }));
    }
}

/// A bulk query's top-level connection, ready to be written node by node.
pub(super) struct BulkWriter<'d> {
    executor: Executor<'d>,
    plan: Rc<Plan<'d>>,
    children: Vec<(String, Obj, Vec<&'d SelectionSet>)>,
}

impl<'d> BulkWriter<'d> {
    /// A writer for the nodes of one type under `connection`.
    pub(super) fn new(
        document: &'d Valid<ExecutableDocument>,
        variables: &'d Map<String, Value>,
        node: &'d SelectionSet,
        kind: &str,
    ) -> Self {
        let mut executor = Executor::new(document, variables);
        executor.bulk = true;
        let plan = executor.plan(kind, &[node]);
        Self {
            executor,
            plan,
            children: Vec::new(),
        }
    }

    /// Writes the lines of some nodes; the lines of their children follow, not next to their parents unless
    /// `grouped`. Answers how many objects that were.
    pub(super) fn write(
        &mut self,
        state: &mut State,
        out: &mut String,
        nodes: &[(Obj, String)],
        grouped: bool,
    ) -> u64 {
        let mut count = 0;
        let plan = Rc::clone(&self.plan);
        for (node, id) in nodes {
            let start = out.len();
            if self.executor.object(state, out, node, &plan).is_err() {
                out.truncate(start);
                self.executor.deferred.clear();
                continue;
            }
            out.push('\n');
            count += 1;
            let deferred = std::mem::take(&mut self.executor.deferred);
            self.children
                .extend(deferred.into_iter().map(|(o, s)| (id.clone(), o, s)));
            if grouped {
                count += self.write_children(state, out);
            }
        }
        count + self.write_children(state, out)
    }

    fn write_children(&mut self, state: &mut State, out: &mut String) -> u64 {
        let mut count = 0;
        while !self.children.is_empty() {
            for (parent, connection, sets) in std::mem::take(&mut self.children) {
                let Obj::Connection(page) = &connection else {
                    continue;
                };
                let node_sets: Vec<&'d SelectionSet> = sets
                    .iter()
                    .flat_map(|s| s.fields())
                    .filter(|f| f.name == "edges")
                    .flat_map(|f| f.selection_set.fields())
                    .filter(|f| f.name == "node")
                    .map(|f| &f.selection_set)
                    .collect();
                let plan = self.executor.plan(page.of, &node_sets);
                for node in &page.nodes {
                    let start = out.len();
                    if self.executor.object(state, out, node, &plan).is_err() {
                        out.truncate(start);
                        self.executor.deferred.clear();
                        continue;
                    }
                    out.pop();
                    out.push_str(",\"__parentId\":");
                    write_text(out, &parent);
                    out.push_str("}\n");
                    count += 1;
                    let deferred = std::mem::take(&mut self.executor.deferred);
                    if !deferred.is_empty() {
                        let id = resolve::id_of(state, node).unwrap_or_default();
                        self.children
                            .extend(deferred.into_iter().map(|(o, s)| (id.clone(), o, s)));
                    }
                }
            }
        }
        count
    }
}

/// Whether a fragment on `condition` applies to an object of this type.
fn applies(type_name: &str, condition: &str) -> bool {
    type_name == condition
        || SCHEMA
            .get_object(type_name)
            .is_some_and(|o| o.implements_interfaces.iter().any(|i| i.name == condition))
}

fn input_field<'s>(ty: &Type, name: &str) -> Option<&'s Type> {
    match SCHEMA.types.get(ty.inner_named_type())? {
        ExtendedType::InputObject(definition) => Some(&definition.fields.get(name)?.ty),
        _ => None,
    }
}

/// Arrays of an input have at most 250 entries.
fn check_input_size(arguments: &Map<String, Value>) -> Result<(), Refusal> {
    fn longest(value: &Value) -> usize {
        match value {
            Value::Array(items) => items
                .iter()
                .map(longest)
                .max()
                .unwrap_or(0)
                .max(items.len()),
            Value::Object(members) => members.values().map(longest).max().unwrap_or(0),
            _ => 0,
        }
    }
    let size = arguments.values().map(longest).max().unwrap_or(0);
    if size > 250 {
        return Err(Refusal::new(
            "MAX_INPUT_SIZE_EXCEEDED",
            format!("The input array size of {size} is greater than the maximum allowed of 250."),
        ));
    }
    Ok(())
}

fn check_page_size(arguments: &Map<String, Value>) -> Result<(), Refusal> {
    let first = arguments.get("first").and_then(Value::as_i64);
    match first {
        None => Err(Refusal::new(
            "BAD_REQUEST",
            "you must provide one of first or last",
        )),
        Some(n) if n > 250 => Err(Refusal::new(
            "BAD_REQUEST",
            format!("first cannot exceed 250. Received value: {n}"),
        )),
        Some(n) if n < 0 => Err(Refusal::new("BAD_REQUEST", "first cannot be negative")),
        Some(_) => Ok(()),
    }
}

/// Writes a JSON string.
fn write_text(out: &mut String, text: &str) {
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&Value::from(text).to_string());
    }
}

fn write_json(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::String(text) => write_text(out, text),
        other => out.push_str(&other.to_string()),
    }
}
