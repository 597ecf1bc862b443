//! `lockstep plugin check`: the conformance suite over one component.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;

use super::super::output::{Spinner, print_rows};
use super::super::{ATTENTION, Env, FINE, Usage};
use crate::conformance::{self, Options, Report, STAND_INS, Verdict};

#[derive(Args)]
pub(in crate::cli) struct CheckArgs {
    /// The component: a .wasm file.
    #[arg(required_unless_present = "list")]
    file: Option<PathBuf>,
    /// A folder of tapes (*.json); the folder "tapes" beside the file or in the present directory otherwise.
    #[arg(long, value_name = "DIR")]
    tapes: Option<PathBuf>,
    /// A marketplace of the sandbox to play against: practice, the-iconic or mirakl; the one that the manifest names
    /// ([test] against) otherwise.
    #[arg(long, value_name = "NAME")]
    against: Option<String>,
    /// A setting of the plugin, for the marketplace of the sandbox; repeat for more.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// This case only.
    #[arg(long, value_name = "CASE")]
    only: Option<String>,
    /// Print the cases, what each means and what to change when it fails, and check nothing.
    #[arg(long)]
    list: bool,
}

pub(in crate::cli) async fn run(args: CheckArgs, env: &Env) -> anyhow::Result<u8> {
    let cases = conformance::cases();
    if args.list {
        if env.json {
            println!("{}", serde_json::to_string_pretty(&cases)?);
        } else {
            let rows: Vec<Vec<String>> = (cases.iter())
                .map(|c| [c.name, c.meaning, c.remedy].map(str::to_owned).to_vec())
                .collect();
            print_rows(
                &["case", "what it means", "when it fails"],
                &rows,
                usize::MAX,
            );
        }
        return Ok(FINE);
    }
    if let Some(only) = &args.only
        && !cases.iter().any(|c| c.name == only)
    {
        return Err(Usage(format!(
            "there is no case \"{only}\"; `lockstep plugin check --list` shows which there are"
        ))
        .into());
    }
    if let Some(name) = &args.against
        && !STAND_INS.contains(&name.as_str())
    {
        return Err(Usage(format!(
            "the sandbox has no marketplace \"{name}\"; it has {}",
            STAND_INS.join(", ")
        ))
        .into());
    }
    let file = args.file.context("clap requires it")?;
    let component = std::fs::read(&file).map_err(|e| Usage(format!("{}: {e}", file.display())))?;
    let tapes = match args.tapes.or_else(|| beside(&file)) {
        Some(folder) => conformance::tapes(&folder).map_err(|e| Usage(format!("{e:#}")))?,
        None => Vec::new(),
    };
    let spinner = Arc::new(Spinner::new());
    let shown = spinner.clone();
    let options = Options {
        tapes,
        settings: args.settings.into_iter().collect(),
        against: args.against,
        only: args.only,
        tell: Box::new(move |what| shown.say(what)),
    };
    let report = conformance::check(&component, options).await?;
    drop(spinner);
    if env.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        show(&report);
    }
    Ok(if report.failed().is_empty() {
        FINE
    } else {
        ATTENTION
    })
}

/// KEY=VALUE.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The folder "tapes" beside the file or in the present directory, if there is one.
fn beside(file: &Path) -> Option<PathBuf> {
    let folders = [
        file.parent().unwrap_or(Path::new("")).join("tapes"),
        PathBuf::from("tapes"),
    ];
    folders.into_iter().find(|f| f.is_dir())
}

fn show(report: &Report) {
    let rows: Vec<Vec<String>> = (report.cases.iter())
        .map(|(case, verdict)| {
            let (word, text) = match verdict {
                Verdict::Pass => ("pass", case.meaning.to_owned()),
                Verdict::Fail { count, .. } => {
                    ("FAIL", format!("{} ({count} found)", case.meaning))
                }
                Verdict::Skipped(why) => ("skipped", why.clone()),
            };
            vec![word.to_owned(), case.name.to_owned(), text]
        })
        .collect();
    print_rows(&["", "case", ""], &rows, usize::MAX);
    for (case, verdict) in &report.cases {
        let Verdict::Fail { found, count } = verdict else {
            continue;
        };
        println!("\n{}: {}", case.name, case.meaning);
        for what in found {
            println!("  - {what}");
        }
        if *count > found.len() {
            println!("  ... and {} more", count - found.len());
        }
        println!("  What to change: {}", case.remedy);
    }
    let (passed, failed, skipped) = report.counts();
    println!("\n{passed} passed, {failed} failed, {skipped} skipped.");
}
