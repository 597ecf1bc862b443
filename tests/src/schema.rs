//! Every GraphQL operation of the host, and the pruned schema it is typed against, hold against Shopify's own
//! schema, which its npm package carries.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::Value;

/// The package, and the file in it for the version that the host asks for.
const PACKAGE: &str = "@shopify/dev-mcp@1.16.0";

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/shopify-schema")
}

/// Fetches the package into `target/` once and answers the introspection result of the API version.
fn introspection(version: &str) -> anyhow::Result<Value> {
    let directory = target();
    let file = directory.join(format!("package/dist/data/admin_{version}.json.gz"));
    if !file.exists() {
        std::fs::create_dir_all(&directory)?;
        let packed = Command::new("npm")
            .args(["pack", PACKAGE, "--silent"])
            .current_dir(&directory)
            .output()
            .context("cannot start npm")?;
        if !packed.status.success() {
            bail!(
                "npm pack {PACKAGE}: {}",
                String::from_utf8_lossy(&packed.stderr)
            );
        }
        let archive = String::from_utf8_lossy(&packed.stdout).trim().to_owned();
        let status = Command::new("tar")
            .args(["-xzf", &archive])
            .current_dir(&directory)
            .status()?;
        if !status.success() {
            bail!("tar cannot unpack {archive}");
        }
    }
    let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
    Ok(serde_json::from_reader(flate2::read::GzDecoder::new(
        bytes.as_slice(),
    ))?)
}

/// SDL of an introspection result, without descriptions.
fn sdl(introspection: &Value) -> String {
    let schema = &introspection["data"]["__schema"];
    let mut out = String::from("directive @oneOf on INPUT_OBJECT\n");
    for d in schema["directives"].as_array().into_iter().flatten() {
        let name = d["name"].as_str().unwrap_or("");
        if ["include", "skip", "deprecated", "specifiedBy", "oneOf"].contains(&name) {
            continue;
        }
        let places: Vec<&str> = d["locations"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let _ = writeln!(
            out,
            "directive @{name}{} on {}",
            arguments(&d["args"]),
            places.join(" | ")
        );
    }
    let root = |kind: &str| schema[kind]["name"].as_str().unwrap_or("").to_owned();
    let _ = writeln!(
        out,
        "schema {{ query: {} mutation: {} }}",
        root("queryType"),
        root("mutationType")
    );
    for t in schema["types"].as_array().into_iter().flatten() {
        let name = t["name"].as_str().unwrap_or("");
        if name.starts_with("__") || ["String", "Int", "Float", "Boolean", "ID"].contains(&name) {
            continue;
        }
        let list = |key: &str| t[key].as_array().cloned().unwrap_or_default();
        let named = |key: &str, with: &str| {
            list(key)
                .iter()
                .filter_map(|v| v["name"].as_str().map(str::to_owned))
                .collect::<Vec<_>>()
                .join(with)
        };
        match t["kind"].as_str().unwrap_or("") {
            "SCALAR" => {
                let _ = writeln!(out, "scalar {name}");
            }
            "ENUM" => {
                let _ = writeln!(out, "enum {name} {{ {} }}", named("enumValues", " "));
            }
            "UNION" => {
                let _ = writeln!(out, "union {name} = {}", named("possibleTypes", " | "));
            }
            "INPUT_OBJECT" => {
                let fields: Vec<String> = list("inputFields").iter().map(input).collect();
                let one_of = if t["isOneOf"].as_bool() == Some(true) {
                    " @oneOf"
                } else {
                    ""
                };
                let _ = writeln!(out, "input {name}{one_of} {{ {} }}", fields.join("\n"));
            }
            kind => {
                let word = if kind == "INTERFACE" {
                    "interface"
                } else {
                    "type"
                };
                let interfaces = named("interfaces", " & ");
                let implements = if interfaces.is_empty() {
                    String::new()
                } else {
                    format!(" implements {interfaces}")
                };
                let fields: Vec<String> = list("fields")
                    .iter()
                    .map(|f| {
                        format!(
                            "{}{}: {}",
                            f["name"].as_str().unwrap_or(""),
                            arguments(&f["args"]),
                            reference(&f["type"])
                        )
                    })
                    .collect();
                let _ = writeln!(out, "{word} {name}{implements} {{ {} }}", fields.join("\n"));
            }
        }
    }
    out
}

fn arguments(args: &Value) -> String {
    let args: Vec<String> = args.as_array().into_iter().flatten().map(input).collect();
    if args.is_empty() {
        String::new()
    } else {
        format!("({})", args.join(", "))
    }
}

fn input(value: &Value) -> String {
    let default = value["defaultValue"]
        .as_str()
        .map(|d| format!(" = {d}"))
        .unwrap_or_default();
    format!(
        "{}: {}{default}",
        value["name"].as_str().unwrap_or(""),
        reference(&value["type"])
    )
}

fn reference(t: &Value) -> String {
    match t["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", reference(&t["ofType"])),
        Some("LIST") => format!("[{}]", reference(&t["ofType"])),
        _ => t["name"].as_str().unwrap_or("").to_owned(),
    }
}

/// The official schema, or why it cannot be had here.
fn official() -> anyhow::Result<Valid<Schema>> {
    let text = sdl(&introspection(lockstep::shop::API_VERSION)?);
    Schema::parse_and_validate(text, "official.graphql")
        .map_err(|e| anyhow::anyhow!("the official schema does not parse: {e}"))
}

/// What in the pruned schema is not in the official one, or is otherwise there.
fn drift(pruned: &Schema, official: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    for (name, kept) in &pruned.types {
        if kept.is_built_in() {
            continue;
        }
        let Some(real) = official.types.get(name) else {
            found.push(format!("type {name} does not exist"));
            continue;
        };
        match (kept, real) {
            (ExtendedType::Scalar(_), ExtendedType::Scalar(_)) => {}
            (ExtendedType::Enum(a), ExtendedType::Enum(b)) => {
                found.extend(
                    a.values
                        .keys()
                        .filter(|v| !b.values.contains_key(*v))
                        .map(|v| format!("{name}.{v} does not exist")),
                );
            }
            (ExtendedType::Union(a), ExtendedType::Union(b)) => {
                found.extend(
                    a.members
                        .iter()
                        .filter(|m| !b.members.contains(*m))
                        .map(|m| format!("{} is no {name}", m.name)),
                );
            }
            (ExtendedType::InputObject(a), ExtendedType::InputObject(b)) => {
                for (field, f) in &a.fields {
                    match b.fields.get(field) {
                        None => found.push(format!("{name}.{field} does not exist")),
                        Some(r) if r.ty != f.ty || r.default_value != f.default_value => {
                            found.push(format!("{name}.{field}: {} here, {} there", f.ty, r.ty));
                        }
                        Some(_) => {}
                    }
                }
                found.extend(
                    b.fields
                        .iter()
                        .filter(|(n, f)| f.is_required() && !a.fields.contains_key(*n))
                        .map(|(n, _)| format!("{name}.{n} is required and missing here")),
                );
                if a.directives.has("oneOf") != b.directives.has("oneOf") {
                    found.push(format!("{name}: @oneOf differs"));
                }
            }
            (ExtendedType::Object(_), ExtendedType::Object(_))
            | (ExtendedType::Interface(_), ExtendedType::Interface(_)) => {
                found.extend(fields_drift(name, kept, real));
            }
            _ => found.push(format!("{name} is another kind of type")),
        }
    }
    found
}

fn fields_drift(name: &str, kept: &ExtendedType, real: &ExtendedType) -> Vec<String> {
    let fields = |t: &ExtendedType| match t {
        ExtendedType::Object(o) => o.fields.clone(),
        ExtendedType::Interface(i) => i.fields.clone(),
        _ => Default::default(),
    };
    let theirs = fields(real);
    let mut found = Vec::new();
    for (field, f) in &fields(kept) {
        let Some(r) = theirs.get(field) else {
            found.push(format!("{name}.{field} does not exist"));
            continue;
        };
        if r.ty != f.ty {
            found.push(format!("{name}.{field}: {} here, {} there", f.ty, r.ty));
        }
        let real_args: BTreeMap<_, _> = r.arguments.iter().map(|a| (a.name.clone(), a)).collect();
        for a in &f.arguments {
            match real_args.get(&a.name) {
                None => found.push(format!("{name}.{field}({}) does not exist", a.name)),
                Some(b) if b.ty != a.ty || b.default_value != a.default_value => {
                    found.push(format!(
                        "{name}.{field}({}): {} here, {} there",
                        a.name, a.ty, b.ty
                    ));
                }
                Some(_) => {}
            }
        }
        for b in r.arguments.iter().filter(|b| b.is_required()) {
            if !f.arguments.iter().any(|a| a.name == b.name) {
                found.push(format!(
                    "{name}.{field}({}) is required and missing here",
                    b.name
                ));
            }
        }
    }
    found
}

fn pruned() -> Valid<Schema> {
    let text = include_str!("../../host/src/shop/schema.graphql");
    let text = if text.contains("directive @oneOf") {
        text.to_owned()
    } else {
        format!("directive @oneOf on INPUT_OBJECT\n{text}")
    };
    Schema::parse_and_validate(text, "host/src/shop/schema.graphql")
        .expect("the pruned schema is valid by itself")
}

#[test]
fn operations_and_pruned_schema_hold_against_the_official_schema() {
    let official = match official() {
        Ok(schema) => schema,
        Err(why) => return crate::skipped("Shopify's official schema", &why),
    };
    let drift = drift(&pruned(), &official);
    assert!(
        drift.is_empty(),
        "the pruned schema has drifted:\n{}",
        drift.join("\n")
    );
    let operations = lockstep::shop::operations();
    assert!(
        operations.len() >= 15,
        "only {} operations",
        operations.len()
    );
    for (name, text) in operations {
        if let Err(e) = ExecutableDocument::parse_and_validate(&official, &text, name) {
            panic!("operation {name} is refused by the official schema: {e}\n{text}");
        }
    }
}

#[test]
fn drift_is_noticed() {
    let official = Schema::parse_and_validate(
        "type Query { a(x: Int!): String b: [Int!] } input I { r: Int! }",
        "o",
    )
    .unwrap();
    let kept = Schema::parse_and_validate(
        "type Query { a: String b: [Int] c: Int } input I { s: Int }",
        "p",
    )
    .unwrap();
    let found = drift(&kept, &official);
    for part in [
        "Query.a(x) is required",
        "Query.b: [Int] here",
        "Query.c does not exist",
        "I.s does not exist",
        "I.r is required",
    ] {
        assert!(
            found.iter().any(|f| f.contains(part)),
            "{part} not in {found:?}"
        );
    }
}
