//! A sandbox, a data directory, and the real binary as its user would type it.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use lockstep_sandbox::audit::{Audit, AuditOptions, Excuses, Marketplace, audit_marketplace};
use lockstep_sandbox::mirakl::{self, Mirakl};
use lockstep_sandbox::story::Story;
use lockstep_sandbox::{Options, Sandbox};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// The channel of every world.
pub const KEY: &str = "kestrel/the-iconic";

/// The second channel of the worlds that have one: the shop at the sandbox's Mirakl marketplace.
pub const MARKET: &str = "kestrel/tidepool";

/// Longest time that any one command may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Settings of a channel that nobody has to wait for.
pub const HASTE: [&str; 5] = [
    "interval-s=1",
    "doubt-s=0",
    "read-back-s=2",
    "overlap-s=5",
    "requests-per-second=20",
];

/// The same for the Mirakl marketplace, of a plugin that counts calls by the hour.
const MARKET_HASTE: [&str; 3] = [
    "call-rates.orders=100000",
    "call-rates.stock-files=100000",
    "call-rates.stock-file-states=100000",
];

/// What a command did.
pub struct Ran {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Everything it printed.
    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// Fails the test unless the exit code is this.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "exit code\n{}", self.all());
        self
    }

    /// Fails the test unless this was printed.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.all().contains(text),
            "\"{text}\" was not said:\n{}",
            self.all()
        );
        self
    }
}

pub struct World {
    pub sandbox: Sandbox,
    pub since: jiff::Timestamp,
    pub data: TempDir,
    /// The data directory in use: `data`, unless a test has moved it.
    pub place: PathBuf,
    shop_secret: String,
    channel_secret: String,
    shop_id: String,
    channel_id: String,
}

impl World {
    /// A sandbox of that many SKUs with an empty data directory beside it.
    pub async fn bare(skus: usize) -> Self {
        Self::with(Options {
            skus,
            seed: 11,
            ..Options::default()
        })
        .await
    }

    pub async fn with(mut options: Options) -> Self {
        // Search indexes that lag have their own tests; elsewhere they would only make everything slow.
        options.shopify.switches.index_lag_ms = 0;
        let (shopify, seller) = (options.shopify.clone(), options.seller_center.clone());
        let sandbox = Sandbox::start(options).await.expect("the sandbox starts");
        let data = TempDir::new().expect("a temporary directory");
        Self {
            sandbox,
            since: jiff::Timestamp::now(),
            place: data.path().to_owned(),
            data,
            shop_secret: shopify.client_secret,
            shop_id: shopify.client_id,
            channel_secret: seller.client_secret,
            channel_id: seller.client_id,
        }
    }

    /// A world whose shop and channel are connected and whose first sync is approved and done.
    pub async fn in_step(skus: usize) -> Self {
        let world = Self::bare(skus).await;
        world.connect(&[]).await;
        world.run(&["approve", KEY]).await.code(0);
        world.settle().await;
        world
    }

    /// The same with a second channel of the shop at a Mirakl marketplace, set up with `settings`. Its money and its
    /// imports take no time, and it counts no calls.
    pub async fn with_market(skus: usize, settings: &[&str]) -> Self {
        let mut config = mirakl::Config::default();
        config.switches.debit_delay_ms = Some(0);
        config.switches.import_delay_ms = 0;
        config.switches.budgets.clear();
        let world = Self::with(Options {
            skus,
            seed: 11,
            mirakl: Some(config.clone()),
            ..Options::default()
        })
        .await;
        world.connect(&[]).await;
        world.add_market(&config, settings).await.code(0);
        world.share_cache();
        world.run(&["approve", KEY]).await.code(0);
        world.run(&["approve", MARKET]).await.code(0);
        world.in_both_directions().await;
        world
    }

    async fn add_market(&self, config: &mirakl::Config, settings: &[&str]) -> Ran {
        let (url, from) = (self.market().url(), self.since.to_string());
        let (title, shop) = (&config.platform_name, format!("shop-id={}", config.shop_id));
        let mut args = vec![
            "channel", "add", MARKET, "--plugin", "mirakl", "--title", title,
        ];
        args.extend([
            "--base-url",
            &url,
            "--allow-local",
            "--orders-from",
            &from,
            "--set",
            &shop,
        ]);
        for setting in HASTE.iter().chain(&MARKET_HASTE).chain(settings) {
            args.extend(["--set", setting]);
        }
        let mut command = self.command();
        command
            .args(&args)
            .env("LOCKSTEP_CHANNEL_SECRET", &config.api_key);
        finish(command, &args).await
    }

    /// The Mirakl marketplace of the worlds that have one.
    pub fn market(&self) -> &Mirakl {
        self.sandbox
            .mirakl
            .as_ref()
            .expect("the world has a Mirakl marketplace")
    }

    /// Cycles until what one channel sold is known to the other too.
    pub async fn in_both_directions(&self) -> Ran {
        self.settle().await;
        self.settle().await
    }

    /// `init`, `shop add`, `channel add`.
    pub async fn connect(&self, settings: &[&str]) {
        self.connect_with(&["--plugin", "the-iconic"], settings)
            .await;
    }

    /// The same with another plugin, and what it needs to be told.
    pub async fn connect_with(&self, plugin: &[&str], settings: &[&str]) {
        self.take_cache();
        self.run(&["init"]).await.code(0);
        self.add_shop().await.code(0);
        self.add_channel_of(plugin, settings).await.code(0);
        self.share_cache();
    }

    /// Takes over what the worlds before have compiled: every world uses the same components.
    pub fn take_cache(&self) {
        copy_cache(&shared_cache(), &self.data.path().join("cache"));
    }

    /// Leaves what was compiled here to the worlds to come.
    pub fn share_cache(&self) {
        copy_cache(&self.data.path().join("cache"), &shared_cache());
    }

    pub async fn add_shop(&self) -> Ran {
        let url = self.sandbox.shopify.url();
        self.run(&[
            "shop",
            "add",
            "kestrel",
            "--base-url",
            &url,
            "--client-id",
            &self.shop_id,
            "--allow-local",
        ])
        .await
    }

    pub async fn add_channel(&self, settings: &[&str]) -> Ran {
        self.add_channel_of(&["--plugin", "the-iconic"], settings)
            .await
    }

    async fn add_channel_of(&self, plugin: &[&str], settings: &[&str]) -> Ran {
        let url = self.sandbox.seller_center.url();
        let from = self.since.to_string();
        let mut args = vec![
            "channel",
            "add",
            KEY,
            "--base-url",
            &url,
            "--client-id",
            &self.channel_id,
            "--allow-local",
        ];
        args.extend(plugin);
        args.extend(["--orders-from", &from]);
        for setting in HASTE.iter().chain(settings) {
            args.extend(["--set", setting]);
        }
        self.run(&args).await
    }

    /// The binary with its data directory and secrets; the rest of the environment is empty.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep-under-test"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LOCKSTEP_DATA", &self.place)
            // Several hosts run at a time.
            .env("LOCKSTEP_LISTEN", "127.0.0.1:0")
            .env("LOCKSTEP_SHOP_SECRET", &self.shop_secret)
            .env("LOCKSTEP_CHANNEL_SECRET", &self.channel_secret)
            .env("LOCKSTEP_LOG", "lockstep=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, args: &[&str]) -> Ran {
        let mut command = self.command();
        command.args(args);
        finish(command, args).await
    }

    /// Runs a command with something more in its environment.
    pub async fn run_with(&self, args: &[&str], (name, value): (&str, &str)) -> Ran {
        let mut command = self.command();
        command.args(args).env(name, value);
        finish(command, args).await
    }

    /// Runs a command that is to die at a named point.
    pub async fn run_to_crash(&self, args: &[&str], point: &str) -> Ran {
        let mut command = self.command();
        command.args(args).env("LOCKSTEP_CRASH_AT", point);
        finish(command, args).await
    }

    /// Starts a command and leaves it running. It logs little: nobody reads it, and it must not wait for a reader.
    pub fn start(&self, args: &[&str]) -> Child {
        self.command()
            .env("LOCKSTEP_LOG", "warn")
            .args(args)
            .spawn()
            .expect("the binary starts")
    }

    /// Cycles until nothing is left to do.
    pub async fn settle(&self) -> Ran {
        self.run(&["sync"]).await
    }

    pub fn story(&self, seed: u64) -> Story {
        Story::new(&self.sandbox, seed)
    }

    fn audit(&self, channel: Marketplace<'_>) -> Audit {
        let options = AuditOptions {
            since: self.since,
            channel_title: channel.title().to_owned(),
            ..AuditOptions::default()
        };
        audit_marketplace(&self.sandbox, channel, &options, &Excuses::default())
    }

    /// Fails the test unless every invariant holds, at each marketplace.
    #[track_caller]
    pub fn assert_sound(&self, when: &str) {
        let center = Marketplace::SellerCenter(&self.sandbox.seller_center);
        let market = self.sandbox.mirakl.as_ref().map(Marketplace::Mirakl);
        let practice = self.sandbox.practice.as_ref().map(Marketplace::Practice);
        for channel in std::iter::once(center).chain(market).chain(practice) {
            let broken: Vec<String> = self
                .audit(channel)
                .checks
                .iter()
                .filter(|c| !c.ok)
                .map(|c| {
                    format!(
                        "{}: {}\n    {}",
                        c.name,
                        c.detail,
                        c.examples.join("\n    ")
                    )
                })
                .collect();
            assert!(
                broken.is_empty(),
                "{when}, {}:\n  {}",
                channel.title(),
                broken.join("\n  ")
            );
        }
    }
}

async fn finish(mut command: Command, args: &[&str]) -> Ran {
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .unwrap_or_else(|_| {
            panic!(
                "`lockstep {}` did not end within {PATIENCE:?}",
                args.join(" ")
            )
        })
        .expect("the binary starts");
    Ran {
        status: output.status,
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Where compiled components are kept for the worlds to come.
pub fn shared_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("component-cache")
}

/// Copies compiled components; a file that another test writes at the same moment is left to it.
fn copy_cache(from: &Path, to: &Path) {
    let Ok(entries) = std::fs::read_dir(from) else {
        return;
    };
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let _ = builder.recursive(true).create(to);
    for entry in entries.flatten() {
        let target = to.join(entry.file_name());
        if !target.exists() {
            let partial = to.join(format!(
                "{}.{}",
                entry.file_name().to_string_lossy(),
                uuid_like()
            ));
            if std::fs::copy(entry.path(), &partial).is_ok() {
                let _ = std::fs::rename(&partial, &target);
            }
        }
    }
}

fn uuid_like() -> u128 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos());
    now ^ u128::from(std::process::id()) << 64
}
