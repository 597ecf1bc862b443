//! Forms whose fields are known only when they come: settings of plugins, locations that are ticked.

use std::collections::BTreeMap;

use axum::Form;

use crate::view::SettingView;
use crate::web::failure::Failure;

/// Field names and values as they came.
pub(super) type Fields = Form<Vec<(String, String)>>;

/// A form that was sent.
pub(super) struct Sent(Vec<(String, String)>);

impl From<Fields> for Sent {
    fn from(Form(fields): Fields) -> Self {
        Self(fields)
    }
}

impl Sent {
    /// The first value of a field without blanks around it; none when it is absent or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.trim())
            .filter(|v| !v.is_empty())
    }

    /// A field that must be filled in.
    pub(super) fn need(&self, name: &str, label: &str) -> Result<&str, Failure> {
        self.get(name)
            .ok_or_else(|| Failure::Invalid(format!("{label} is missing.")))
    }

    /// All values of a field.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(n, v)| n == name && !v.is_empty())
            .map(|(_, v)| v.clone())
            .collect()
    }

    /// What was given, to fill the form in again: everything but secrets.
    pub(super) fn again(&self) -> BTreeMap<String, String> {
        self.0
            .iter()
            .filter(|(n, _)| n != "secret" && n != "password")
            .cloned()
            .collect()
    }

    /// Settings whose value is other than it was, as KEY=VALUE. Fields are called `set.KEY`; a box that is not ticked
    /// does not come at all, so every setting that the form held is named by a field `has`.
    pub(super) fn changed(&self, settings: &[SettingView]) -> Vec<String> {
        let held = self.all("has");
        let mut changed = Vec::new();
        for setting in settings.iter().filter(|s| held.contains(&s.key)) {
            let field = format!("set.{}", setting.key);
            let given = match setting.kind {
                "boolean" => {
                    let ticked = self.get(&field).is_some();
                    if ticked { "true" } else { "false" }
                }
                _ => self.get(&field).unwrap_or(""),
            };
            let was = match setting.value.as_str() {
                "" if setting.kind == "boolean" => &setting.default,
                value => value,
            };
            if given == was {
                continue;
            }
            // Nothing in a field of the sync means what counts when it is not set.
            let value = match given {
                "" if !setting.of_plugin && setting.default.is_empty() => "null",
                "" if !setting.of_plugin => &setting.default,
                value => value,
            };
            changed.push(format!("{}={value}", setting.key));
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(key: &str, kind: &'static str, value: &str, default: &str) -> SettingView {
        SettingView {
            key: key.into(),
            kind,
            of_plugin: false,
            value: value.into(),
            default: default.into(),
            choices: vec![],
            label: String::new(),
            help: String::new(),
        }
    }

    #[test]
    fn only_what_differs_is_set() {
        let pairs = [
            ("has", "buffer"),
            ("set.buffer", "2"),
            ("has", "restock"),
            ("has", "interval-s"),
            ("set.interval-s", ""),
            ("has", "dispatch-hours"),
            ("set.dispatch-hours", ""),
            ("has", "tags"),
            ("set.tags", "[]"),
        ];
        let sent = Sent(pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec());
        let settings = [
            setting("buffer", "integer", "0", "0"),
            setting("restock", "boolean", "true", "true"),
            setting("interval-s", "integer", "30", "60"),
            setting("dispatch-hours", "integer", "24", ""),
            setting("tags", "json", "[]", "[]"),
            setting("doubt-s", "integer", "120", "120"),
        ];
        assert_eq!(
            sent.changed(&settings),
            [
                "buffer=2",
                "restock=false",
                "interval-s=60",
                "dispatch-hours=null"
            ]
        );
    }
}
