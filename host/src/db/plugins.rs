//! Which plugin versions an operator has granted their rights, and which one of each is at work.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, params};

use super::{Error, Tx, at, json, ms, unjson};
use crate::model::{Instant, Rights};

/// A plugin's file that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginVersion {
    /// SHA-256 of the file, hexadecimal.
    pub digest: String,
    /// What the manifest says.
    pub version: String,
    /// What it asks for.
    pub rights: Rights,
    /// When it was seen first.
    pub seen_at: Instant,
    /// When its rights were granted; none: it may not run.
    pub granted_at: Option<Instant>,
}

/// The version of a plugin that is at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginAtWork {
    /// Its digest.
    pub digest: String,
    /// The one before it, for a way back.
    pub previous: Option<String>,
    /// A version that the operator went back from: it does not come to work by itself.
    pub refused: Option<String>,
    /// Name of the file it came from; none: it is built in.
    pub file: Option<String>,
}

impl Tx<'_> {
    /// Notes a version, once.
    pub fn see_plugin(
        &self,
        plugin: &str,
        digest: &str,
        version: &str,
        rights: &Rights,
        now: Instant,
    ) -> Result<(), Error> {
        self.conn.execute(
            "insert into plugin_version (plugin, digest, version, rights, seen_at) values (?1, ?2, ?3, ?4, ?5)
             on conflict (plugin, digest) do nothing",
            params![plugin, digest, version, json(rights), ms(now)],
        )?;
        Ok(())
    }

    /// Grants a version what it asks for.
    pub fn grant_plugin(&self, plugin: &str, digest: &str, now: Instant) -> Result<(), Error> {
        self.conn.execute(
            "update plugin_version set granted_at = coalesce(granted_at, ?3) where plugin = ?1 and digest = ?2",
            params![plugin, digest, ms(now)],
        )?;
        Ok(())
    }

    /// The versions of a plugin, newest first.
    pub fn plugin_versions(&self, plugin: &str) -> Result<Vec<PluginVersion>, Error> {
        let mut statement = self.conn.prepare_cached(
            "select digest, version, rights, seen_at, granted_at from plugin_version where plugin = ?1 order by seen_at desc, digest",
        )?;
        let mut rows = statement.query(params![plugin])?;
        let mut found = Vec::new();
        while let Some(r) = rows.next()? {
            found.push(PluginVersion {
                digest: r.get(0)?,
                version: r.get(1)?,
                rights: unjson(&r.get::<_, String>(2)?, "plugin_version.rights")?,
                seen_at: at(r.get(3)?),
                granted_at: r.get::<_, Option<i64>>(4)?.map(at),
            });
        }
        Ok(found)
    }

    /// The version at work.
    pub fn plugin_at_work(&self, plugin: &str) -> Result<Option<PluginAtWork>, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select digest, previous, refused, file from plugin_at_work where plugin = ?1",
            )?
            .query_row(params![plugin], |r| {
                Ok(PluginAtWork {
                    digest: r.get(0)?,
                    previous: r.get(1)?,
                    refused: r.get(2)?,
                    file: r.get(3)?,
                })
            })
            .optional()?)
    }

    /// The files that the versions at work came from, by plugin; none: it is built in.
    pub fn files_at_work(&self) -> Result<BTreeMap<String, Option<String>>, Error> {
        let mut statement = self
            .conn
            .prepare_cached("select plugin, file from plugin_at_work")?;
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Plugins that are at work from a file of this name.
    pub fn plugins_of_file(&self, file: &str) -> Result<Vec<String>, Error> {
        let mut statement = self
            .conn
            .prepare_cached("select plugin from plugin_at_work where file = ?1 order by plugin")?;
        let rows = statement.query_map(params![file], |r| r.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What is at work and granted, in a form to compare: it differs as soon as an operator changes any of it.
    pub fn plugin_decisions(&self) -> Result<String, Error> {
        Ok(self
            .conn
            .prepare_cached(
                "select coalesce((select group_concat(plugin || ' ' || digest || ' ' || coalesce(refused, ''), ';' order by plugin)
                   from plugin_at_work), '') || ' ' || (select count(*) from plugin_version where granted_at is not null)",
            )?
            .query_row([], |r| r.get(0))?)
    }

    /// Puts a version to work.
    pub fn put_plugin_to_work(&self, plugin: &str, to: &PluginAtWork) -> Result<(), Error> {
        self.conn.execute(
            "insert into plugin_at_work (plugin, digest, previous, refused, file) values (?1, ?2, ?3, ?4, ?5)
             on conflict (plugin) do update set digest = ?2, previous = ?3, refused = ?4, file = ?5",
            params![plugin, to.digest, to.previous, to.refused, to.file],
        )?;
        Ok(())
    }
}
