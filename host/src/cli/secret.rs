//! Secrets come from a file, the environment or a prompt, never from the command line.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context;
use secrecy::SecretString;

use super::Usage;

/// Reads a secret: the file if named, else the environment variable, else a prompt.
pub(crate) fn read(
    file: Option<&Path>,
    variable: &str,
    what: &str,
) -> anyhow::Result<SecretString> {
    let text = if let Some(file) = file {
        std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the {what} from {}", file.display()))?
    } else if let Ok(text) = std::env::var(variable) {
        text
    } else if std::io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{what}: ")).context("cannot read from the terminal")?
    } else {
        return Err(Usage(format!("no {what}: name a file with --secret-file, set {variable}, or run this in a terminal to be asked")).into());
    };
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Usage(format!("the {what} is empty")).into());
    }
    Ok(SecretString::from(text))
}
