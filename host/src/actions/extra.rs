//! Which extras a channel has, in which order.

use super::Refusal;
use crate::host::Host;
use crate::model::{Actor, ExtraSetup, Instant, Key, OnFailure};

/// An extra to be added.
pub struct NewExtra {
    /// The plugin's id.
    pub plugin: String,
    /// What to call it; the plugin's id otherwise.
    pub name: Option<String>,
    /// KEY=VALUE, of the plugin.
    pub settings: Vec<String>,
    /// What happens when it fails; orders go on, numbers only go down otherwise.
    pub on_failure: Option<OnFailure>,
}

/// Adds an extra behind the others.
pub async fn add(host: &Host, key: &Key, new: NewExtra, actor: &Actor) -> anyhow::Result<String> {
    let plugin = host.plugin(&new.plugin)?;
    if !plugin.is_extra() {
        return Err(Refusal::Invalid(format!(
            "{} is a connector; a channel of it is added with `lockstep channel add`",
            new.plugin
        ))
        .into());
    }
    let usual = if plugin.capabilities().contains(&"stock-edits") {
        OnFailure::Hold
    } else {
        OnFailure::Skip
    };
    let mut setup = ExtraSetup {
        name: new.name.unwrap_or_else(|| new.plugin.clone()),
        plugin: new.plugin,
        settings: Default::default(),
        on_failure: new.on_failure.unwrap_or(usual),
    };
    put_settings(&mut setup, &new.settings)?;
    change(host, key, actor, |extras| {
        if extras.iter().any(|e| e.name == setup.name) {
            return Err(Refusal::Conflict(format!(
                "there is an extra \"{}\" already; give this one another name",
                setup.name
            ))
            .into());
        }
        extras.push(setup.clone());
        Ok(format!("extra \"{}\" added", setup.name))
    })
    .await
}

/// Changes an extra's settings (KEY=VALUE; KEY= takes one back to its default), or what happens when it fails.
pub async fn set(
    host: &Host,
    key: &Key,
    name: &str,
    settings: &[String],
    on_failure: Option<OnFailure>,
    actor: &Actor,
) -> anyhow::Result<String> {
    change(host, key, actor, |extras| {
        let at = place_of(extras, name)?;
        let extra = &mut extras[at];
        put_settings(extra, settings)?;
        extra.on_failure = on_failure.unwrap_or(extra.on_failure);
        Ok(format!("extra \"{name}\" changed"))
    })
    .await
}

/// Runs an extra at another place; 1 is the first.
pub async fn place(
    host: &Host,
    key: &Key,
    name: &str,
    place: usize,
    actor: &Actor,
) -> anyhow::Result<String> {
    change(host, key, actor, |extras| {
        let extra = extras.remove(place_of(extras, name)?);
        let at = place.clamp(1, extras.len() + 1);
        extras.insert(at - 1, extra);
        Ok(format!("extra \"{name}\" runs at place {at}"))
    })
    .await
}

/// Takes an extra away. What it did to orders that exist stays.
pub async fn remove(host: &Host, key: &Key, name: &str, actor: &Actor) -> anyhow::Result<String> {
    change(host, key, actor, |extras| {
        extras.remove(place_of(extras, name)?);
        Ok(format!("extra \"{name}\" taken away"))
    })
    .await
}

fn place_of(extras: &[ExtraSetup], name: &str) -> anyhow::Result<usize> {
    extras.iter().position(|e| e.name == name).ok_or_else(|| {
        let known: Vec<&str> = extras.iter().map(|e| e.name.as_str()).collect();
        Refusal::Unknown(if known.is_empty() {
            "the channel has no extras; add one with `lockstep extra add`".into()
        } else {
            format!(
                "there is no extra \"{name}\"; there are {}",
                known.join(", ")
            )
        })
        .into()
    })
}

fn put_settings(extra: &mut ExtraSetup, settings: &[String]) -> anyhow::Result<()> {
    for setting in settings {
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| Refusal::Invalid(format!("\"{setting}\" is not KEY=VALUE")))?;
        if value.is_empty() {
            extra.settings.remove(key);
        } else {
            extra.settings.insert(key.to_owned(), value.to_owned());
        }
    }
    Ok(())
}

/// Changes a channel's extras, provided that each one still starts with its settings.
async fn change(
    host: &Host,
    key: &Key,
    actor: &Actor,
    edit: impl FnOnce(&mut Vec<ExtraSetup>) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let mut row = host.channel(key).await?;
    let before = row.extras.clone();
    let said = edit(&mut row.extras)?;
    for (setup, extra) in host.extras(&row) {
        // One that was broken before may stay so: taking another away must not need it mended.
        if let (Err(why), false) = (extra, before.contains(&setup)) {
            return Err(Refusal::Invalid(format!("extra \"{}\": {why}", setup.name)).into());
        }
    }
    let (text, actor) = (said.clone(), actor.clone());
    host.store
        .write(move |tx| {
            let now = Instant::now();
            tx.change_channel(&row)?;
            tx.record(&row.key, "channel", "settings", &text, now)?;
            tx.audit(&actor, "channel.extras", &row.key.to_string(), &text, now)
        })
        .await?;
    Ok(said)
}
