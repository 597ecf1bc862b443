//! The plugins of a host: those built in, and the files of the plugins folder, which may change while it runs.
//!
//! A file is admitted and compiled before anything else. It goes to work when its rights were granted, or when it asks
//! for nothing that the version at work was not granted; otherwise it waits, and the version at work goes on from the
//! copy that is kept of every file. Calls that are under way finish on the version they began with.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::time::SystemTime;

use anyhow::{Context, ensure};

use crate::db::{PluginAtWork, Store};
use crate::model::{Instant, Refusal, Rights};
use crate::plugin::{Plugin, Runtime};

/// Plugins that are part of the program, with what they are called when they cannot be loaded.
static BUILT_IN: &[(&str, &[u8])] = lockstep_bundle::ALL;

/// A plugin as an operator sees it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The version at work.
    pub at_work: Option<Plugin>,
    /// A version that waits for its rights to be granted, and what it asks for beyond those of the version at work.
    pub waits: Option<(Plugin, Vec<String>)>,
    /// The file it comes from; none: it is built in.
    pub file: Option<String>,
    /// Why the file cannot be used.
    pub error: Option<String>,
}

impl Entry {
    /// What a file, or the program itself, holds.
    fn of(file: Option<&str>) -> Self {
        Self {
            at_work: None,
            waits: None,
            file: file.map(str::to_owned),
            error: None,
        }
    }
}

/// Which version is at work, which one waits and for what, and what is new.
type Choice = (
    Option<Plugin>,
    Option<(Plugin, Vec<String>)>,
    Option<String>,
);

/// By plugin id; a file that cannot be read as a plugin by its name.
pub type Entries = BTreeMap<String, Entry>;

/// A plugin, or why its file cannot be used.
type Made = Result<Plugin, String>;

/// What a file is told apart by without reading it.
type Stamp = (SystemTime, u64);

/// See the module.
pub struct Registry {
    directory: PathBuf,
    store: Store,
    runtime: Mutex<Option<Runtime>>,
    /// What each file was when it was read last, and the plugin made of it.
    files: Mutex<HashMap<PathBuf, (Stamp, Made)>>,
    built_in: Mutex<Option<Vec<(String, Made)>>>,
    entries: RwLock<Option<Arc<Entries>>>,
    /// What operators had decided when the entries were made: they may decide in another process.
    decisions: Mutex<Option<String>>,
}

impl Registry {
    /// Of a data directory. Nothing is read yet.
    pub fn new(directory: &Path, store: Store) -> Self {
        Self {
            directory: directory.to_owned(),
            store,
            runtime: Mutex::default(),
            files: Mutex::default(),
            built_in: Mutex::default(),
            entries: RwLock::default(),
            decisions: Mutex::default(),
        }
    }

    /// Where plugins are put.
    pub fn folder(&self) -> PathBuf {
        self.directory.join("plugins")
    }

    /// The plugins, read when that was not done yet.
    pub fn entries(&self) -> Arc<Entries> {
        if let Some(entries) = &*self.entries.read().expect("never poisoned") {
            return entries.clone();
        }
        self.refresh();
        let entries = self.entries.read().expect("never poisoned");
        entries.clone().unwrap_or_default()
    }

    /// The plugins as they were read last; none: they were not read yet.
    pub fn known(&self) -> Option<Arc<Entries>> {
        self.entries.read().expect("never poisoned").clone()
    }

    /// The version of a plugin that is at work, or an error that says what to do.
    pub fn plugin(&self, id: &str) -> anyhow::Result<Plugin> {
        let entries = self.entries();
        match entries.get(id) {
            Some(Entry {
                at_work: Some(plugin),
                ..
            }) => Ok(plugin.clone()),
            Some(Entry {
                waits: Some((_, asks)),
                ..
            }) => Err(Refusal::Conflict(format!(
                "plugin \"{id}\" was not granted what it asks for ({}); look at `lockstep plugin inspect {id}`, then grant it with `lockstep plugin grant {id}` or POST /api/v1/plugins/{id}/grant",
                asks.join(", ")
            ))
            .into()),
            Some(Entry {
                error: Some(why), ..
            }) => Err(Refusal::Conflict(format!("plugin \"{id}\" cannot be used: {why}")).into()),
            _ => {
                let known: Vec<&str> = (entries.iter())
                    .filter(|(_, e)| e.at_work.is_some())
                    .map(|(id, _)| id.as_str())
                    .collect();
                Err(Refusal::Unknown(format!(
                    "there is no plugin \"{id}\"; there are: {}. Put others as .wasm files into {}",
                    known.join(", "),
                    self.folder().display()
                ))
                .into())
            }
        }
    }

    /// Reads what changed in the folder and puts to work what may. Answers what happened, in words, by plugin.
    pub fn refresh(&self) -> Vec<(String, String)> {
        let found = self.scan();
        let mut told = Vec::new();
        let mut entries = Entries::new();
        // What is built in is at work until a file that may takes its place.
        for (name, made) in self.built_in() {
            if self
                .store
                .read_now(|tx| tx.plugin_at_work(&name))
                .is_ok_and(|at| at.is_none())
            {
                self.consider(&mut entries, &mut told, None, &name, made);
            }
        }
        for (file, made) in found {
            self.consider(&mut entries, &mut told, Some(&file), &file, made);
        }
        for (name, made) in self.built_in() {
            if !entries.contains_key(&name) {
                self.consider(&mut entries, &mut told, None, &name, made);
            }
        }
        *self.decisions.lock().expect("never poisoned") = self.decisions();
        *self.entries.write().expect("never poisoned") = Some(Arc::new(entries));
        told
    }

    fn decisions(&self) -> Option<String> {
        self.store.read_now(|tx| tx.plugin_decisions()).ok()
    }

    /// Whether anything in the folder, or anything that an operator decided, is other than it was read last.
    pub fn changed(&self) -> bool {
        if self.entries.read().expect("never poisoned").is_none() {
            return true;
        }
        if *self.decisions.lock().expect("never poisoned") != self.decisions() {
            return true;
        }
        let files = self.files.lock().expect("never poisoned");
        let now = wasm_files(&self.folder());
        now.len() != files.len()
            || now
                .iter()
                .any(|(path, stamp)| files.get(path).is_none_or(|(old, _)| old != stamp))
    }

    fn scan(&self) -> Vec<(String, Made)> {
        let now = wasm_files(&self.folder());
        let mut files = self.files.lock().expect("never poisoned");
        files.retain(|path, _| now.iter().any(|(p, _)| p == path));
        now.into_iter()
            .map(|(path, stamp)| {
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let made = match files.get(&path) {
                    Some((old, made)) if *old == stamp => made.clone(),
                    _ => {
                        let made = self.read(&path).map_err(|e| format!("{e:#}"));
                        if let Err(why) = &made {
                            tracing::warn!(file = name, "plugin refused: {why}");
                        }
                        files.insert(path, (stamp, made.clone()));
                        made
                    }
                };
                (name, made)
            })
            .collect()
    }

    /// Loads a file and keeps a copy of it, so that a later version does not end this one.
    fn read(&self, path: &Path) -> anyhow::Result<Plugin> {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        let plugin = self.load(&bytes)?;
        let copy = self.copy_of(plugin.digest());
        if !copy.exists() {
            let folder = copy.parent().context("copies lie in a folder")?;
            std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
            let partial = copy.with_extension("partial");
            std::fs::write(&partial, &bytes).with_context(|| partial.display().to_string())?;
            std::fs::rename(&partial, &copy).with_context(|| copy.display().to_string())?;
        }
        Ok(plugin)
    }

    fn copy_of(&self, digest: &str) -> PathBuf {
        self.folder()
            .join("versions")
            .join(format!("{digest}.wasm"))
    }

    /// A version from its copy, which must still be what it was.
    fn kept(&self, id: &str, digest: &str) -> anyhow::Result<Plugin> {
        let mut built_in = self
            .built_in()
            .into_iter()
            .filter_map(|(_, made)| made.ok());
        if let Some(plugin) = built_in.find(|p| p.digest() == digest) {
            return Ok(plugin);
        }
        let copy = self.copy_of(digest);
        let bytes = std::fs::read(&copy)
            .with_context(|| format!("the copy of the version at work, {}", copy.display()))?;
        let plugin = self.load(&bytes)?;
        ensure!(
            plugin.digest() == digest && plugin.manifest().plugin.id == id,
            "{} was changed; remove it and put the plugin's file into {} again",
            copy.display(),
            self.folder().display()
        );
        Ok(plugin)
    }

    /// Admits and compiles a component.
    pub fn load(&self, bytes: &[u8]) -> anyhow::Result<Plugin> {
        let mut runtime = self.runtime.lock().expect("never poisoned");
        let runtime = match &mut *runtime {
            Some(runtime) => runtime,
            none => none.insert(Runtime::new(Some(self.directory.join("cache")))?),
        };
        runtime.load(bytes)
    }

    fn built_in(&self) -> Vec<(String, Made)> {
        let mut kept = self.built_in.lock().expect("never poisoned");
        kept.get_or_insert_with(|| {
            (BUILT_IN.iter())
                .map(|(name, bytes)| {
                    let made = self.load(bytes).map_err(|e| format!("{e:#}"));
                    ((*name).to_owned(), made)
                })
                .collect()
        })
        .clone()
    }

    /// Takes one plugin in: decides which of its versions is at work.
    fn consider(
        &self,
        entries: &mut Entries,
        told: &mut Vec<(String, String)>,
        file: Option<&str>,
        name: &str,
        made: Made,
    ) {
        let plugin = match made {
            Ok(plugin) => plugin,
            Err(why) => {
                self.broken(entries, file, name, why);
                return;
            }
        };
        let id = plugin.manifest().plugin.id.clone();
        match self.choose(&plugin, file) {
            Ok((at_work, waits, news)) => {
                told.extend(news.map(|n| (id.clone(), n)));
                let entry = Entry {
                    at_work,
                    waits,
                    ..Entry::of(file)
                };
                if let Some(before) = entries.insert(id.clone(), entry)
                    && let (Some(file), Some(other)) = (file, before.file)
                {
                    tracing::warn!(
                        plugin = id,
                        "both {other} and {file} hold it; {file} is used"
                    );
                }
            }
            Err(e) => {
                let error = Some(format!("{e:#}"));
                entries.insert(
                    id,
                    Entry {
                        error,
                        ..Entry::of(file)
                    },
                );
            }
        }
    }

    /// A file that cannot be used is a row; what was at work from it before goes on.
    fn broken(&self, entries: &mut Entries, file: Option<&str>, name: &str, why: String) {
        let ids = file
            .and_then(|file| {
                let file = file.to_owned();
                self.store
                    .read_now(move |tx| tx.plugins_of_file(&file))
                    .ok()
            })
            .unwrap_or_default();
        for id in ids {
            let at_work = self
                .store
                .read_now(|tx| tx.plugin_at_work(&id))
                .ok()
                .flatten()
                .and_then(|at| self.kept(&id, &at.digest).ok());
            if at_work.is_some() {
                entries.insert(
                    id,
                    Entry {
                        at_work,
                        ..Entry::of(file)
                    },
                );
            }
        }
        let error = Some(why);
        entries.insert(
            name.to_owned(),
            Entry {
                error,
                ..Entry::of(file)
            },
        );
    }

    /// The version at work, the one that waits, and what is new.
    fn choose(&self, plugin: &Plugin, file: Option<&str>) -> anyhow::Result<Choice> {
        let manifest = plugin.manifest();
        let id = manifest.plugin.id.clone();
        let (digest, rights) = (plugin.digest().to_owned(), plugin.rights());
        let (before, versions) = {
            let id = id.clone();
            self.store
                .read_now(move |tx| Ok((tx.plugin_at_work(&id)?, tx.plugin_versions(&id)?)))?
        };
        let known = versions.iter().find(|v| v.digest == digest);
        let granted = known.is_some_and(|v| v.granted_at.is_some());
        if let Some(before) = &before
            && before.digest == digest
            && before.file.as_deref() == file
            && granted
        {
            return Ok((Some(plugin.clone()), None, None));
        }
        let now = Instant::now();
        if let Some(before) = &before
            && before.refused.as_deref() == Some(&digest)
        {
            let asks = vec!["come back to work after it was rolled back".to_owned()];
            return Ok((
                Some(self.kept(&id, &before.digest)?),
                Some((plugin.clone(), asks)),
                None,
            ));
        }
        let allowed = (before.as_ref())
            .and_then(|b| versions.iter().find(|v| v.digest == b.digest))
            .map_or_else(Rights::default, |v| v.rights.clone());
        let mut asks = rights.beyond(&allowed);
        // What is part of the program needs no more trust than the program; an extra reaches nothing.
        if file.is_none() || plugin.is_extra() || granted {
            asks.clear();
        }
        let version = manifest.plugin.version.to_string();
        if !asks.is_empty() {
            let (i, d) = (id.clone(), digest.clone());
            self.store
                .write_now(move |tx| tx.see_plugin(&i, &d, &version, &rights, now))?;
            // What worked until now goes on.
            let at_work = match &before {
                Some(b) => Some(self.kept(&id, &b.digest)?),
                None => None,
            };
            let news = known.is_none().then(|| {
                format!(
                    "version {} waits to be granted: {}",
                    manifest.plugin.version,
                    asks.join(", ")
                )
            });
            return Ok((at_work, Some((plugin.clone(), asks)), news));
        }
        let news =
            (before.as_ref()).map(|_| format!("version {version} is at work ({})", &digest[..12]));
        let at = PluginAtWork {
            previous: (before.as_ref())
                .map(|b| b.digest.clone())
                .filter(|d| *d != digest),
            digest: digest.clone(),
            refused: None,
            file: file.map(str::to_owned),
        };
        self.store.write_now(move |tx| {
            tx.see_plugin(&id, &digest, &version, &rights, now)?;
            tx.grant_plugin(&id, &digest, now)?;
            tx.put_plugin_to_work(&id, &at)
        })?;
        Ok((Some(plugin.clone()), None, news))
    }

    /// Grants the version that waits what it asks for, and puts it to work. Answers what was granted. With a digest that
    /// version only: another one may have taken its place since somebody looked.
    pub fn grant(&self, id: &str, digest: Option<&str>) -> anyhow::Result<Vec<String>> {
        let entries = self.entries();
        let Some((plugin, asks)) = entries.get(id).and_then(|e| e.waits.clone()) else {
            return conflict(format!(
                "no version of plugin \"{id}\" waits to be granted anything"
            ));
        };
        if digest.is_some_and(|d| d != plugin.digest()) {
            return conflict(format!(
                "another version of plugin \"{id}\" waits by now ({}); look at what that one asks for",
                &plugin.digest()[..12]
            ));
        }
        let (id, digest, now) = (id.to_owned(), plugin.digest().to_owned(), Instant::now());
        self.store.write_now(move |tx| {
            tx.grant_plugin(&id, &digest, now)?;
            match tx.plugin_at_work(&id)? {
                Some(at) => tx.put_plugin_to_work(
                    &id,
                    &PluginAtWork {
                        refused: None,
                        ..at
                    },
                ),
                None => Ok(()),
            }
        })?;
        self.refresh();
        Ok(asks)
    }

    /// Puts the version before the present one to work again. Answers both digests. With a digest only when that version
    /// is the present one.
    pub fn roll_back(&self, id: &str, digest: Option<&str>) -> anyhow::Result<(String, String)> {
        self.entries();
        let Some(at) = self.store.read_now(|tx| tx.plugin_at_work(id))? else {
            return conflict(format!("there is no plugin \"{id}\" at work"));
        };
        if digest.is_some_and(|d| d != at.digest) {
            return conflict(format!(
                "another version of plugin \"{id}\" is at work by now ({})",
                &at.digest[..12]
            ));
        }
        let Some(previous) = at.previous.clone() else {
            return conflict(format!(
                "plugin \"{id}\" has no version before the present one"
            ));
        };
        if let Err(e) = self.kept(id, &previous) {
            return conflict(format!("plugin \"{id}\" cannot go back: {e:#}"));
        }
        let back = PluginAtWork {
            digest: previous.clone(),
            previous: None,
            refused: Some(at.digest.clone()),
            file: at.file,
        };
        let owned = id.to_owned();
        self.store
            .write_now(move |tx| tx.put_plugin_to_work(&owned, &back))?;
        self.refresh();
        Ok((at.digest, previous))
    }
}

fn conflict<T>(why: String) -> anyhow::Result<T> {
    Err(Refusal::Conflict(why).into())
}

fn wasm_files(folder: &Path) -> Vec<(PathBuf, Stamp)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<(PathBuf, Stamp)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let meta = path.metadata().ok()?;
            let wasm = meta.is_file() && path.extension().is_some_and(|e| e == "wasm");
            wasm.then(|| {
                (
                    path,
                    (
                        meta.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                        meta.len(),
                    ),
                )
            })
        })
        .collect();
    found.sort();
    found
}
