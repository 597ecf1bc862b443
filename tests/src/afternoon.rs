//! Replays the session of `docs/writing-a-connector.md`: every command that it shows, with the binary that was built, in
//! an empty folder. What it shows of their output has to come.
//!
//! Blocks that begin with "```console afternoon" take part. A line that begins with `$ ` is a command for the shell; the
//! lines below it must each be part of a line that it prints. A command that ends with `&` goes on in the background once
//! they have come. In a block marked `repeat` a command is run again until they come, for a minute.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const GUIDE: &str = include_str!("../../docs/writing-a-connector.md");
/// What the guide promises.
const MOST_COMMANDS: usize = 14;
/// How long a command is run again, and how long one in the background may take to say what it has to.
const PATIENCE: Duration = Duration::from_secs(60);

/// A command of the guide.
#[derive(Debug, PartialEq)]
struct Step {
    command: String,
    says: Vec<String>,
    repeat: bool,
}

fn steps(guide: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    // In a block: whether its commands are repeated.
    let mut block: Option<bool> = None;
    for line in guide.lines() {
        match (block, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let marks: Vec<&str> = info.split_whitespace().collect();
                if marks.starts_with(&["console", "afternoon"]) {
                    block = Some(marks.contains(&"repeat"));
                }
            }
            (Some(_), Some(_)) => block = None,
            (Some(repeat), None) => match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step {
                    command: command.to_owned(),
                    says: Vec::new(),
                    repeat,
                }),
                None => {
                    let step = steps.last_mut().expect("a command comes first");
                    step.says.push(line.trim().to_owned());
                }
            },
            (None, None) => {}
        }
    }
    steps
}

/// A folder with the binary on the search path, and what runs in its background.
struct Terminal {
    place: TempDir,
    background: Vec<Child>,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        for child in &mut self.background {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Terminal {
    fn open() -> Self {
        let place = TempDir::new().unwrap();
        let bin = place.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let binary = env!("CARGO_BIN_EXE_lockstep-under-test");
        std::os::unix::fs::symlink(binary, bin.join("lockstep")).unwrap();
        Self {
            place,
            background: Vec::new(),
        }
    }

    /// The shell, in an environment without anything of the build that runs.
    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("sh");
        let bin = self.place.path().join("bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(bin).chain(std::env::split_paths(&path));
        shell
            .args(["-c", command])
            .current_dir(self.place.path())
            .env_clear()
            .env("PATH", std::env::join_paths(paths).unwrap())
            // Crates that are there already, and no others: nothing is fetched.
            .env("CARGO_NET_OFFLINE", "true")
            .env("CARGO_TARGET_DIR", shared_target())
            .stdin(Stdio::null());
        for kept in [
            "HOME",
            "CARGO_HOME",
            "RUSTUP_HOME",
            "RUSTUP_TOOLCHAIN",
            lockstep_pack::OTHER_RUSTC,
        ] {
            if let Some(value) = std::env::var_os(kept) {
                shell.env(kept, value);
            }
        }
        shell
    }

    fn play(&mut self, step: &Step) {
        if let Some(command) = step.command.strip_suffix('&') {
            return self.leave_running(command.trim(), &step.says);
        }
        let since = Instant::now();
        loop {
            let output = self.shell(&step.command).output().unwrap();
            let said =
                String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            let missing = step.says.iter().find(|line| !said.contains(*line));
            if output.status.success() && missing.is_none() {
                return;
            }
            assert!(
                step.repeat && since.elapsed() < PATIENCE,
                "$ {}\n{said}\nends with {}, and should say {missing:?}",
                step.command,
                output.status
            );
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    fn leave_running(&mut self, command: &str, says: &[String]) {
        let mut shell = self.shell(&format!("exec {command}"));
        let mut child = shell.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        self.background.push(child);
        let (tell, told) = std::sync::mpsc::channel();
        // Reads on to the end, so that the program never waits for a reader.
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        let mut said = String::new();
        let since = Instant::now();
        while says.iter().any(|line| !said.contains(line)) {
            let left = PATIENCE.saturating_sub(since.elapsed());
            let line = told.recv_timeout(left);
            said += &line.unwrap_or_else(|_| panic!("$ {command} &\n{said}\nshould say {says:?}"));
            said.push('\n');
        }
    }
}

/// Where the connectors of the binary itself were built: the same crates, compiled once.
fn shared_target() -> std::path::PathBuf {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tmp.parent().unwrap_or(tmp).join("guests")
}

/// The guide with ports that are free on this machine.
fn with_free_ports(guide: &str) -> String {
    let listeners: Vec<_> = (0..3)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let mut text = guide.to_owned();
    for (port, listener) in ["4010", "4011", "4012"].into_iter().zip(&listeners) {
        assert!(text.contains(port), "the guide names the port {port}");
        let free = listener.local_addr().unwrap().port();
        text = text.replace(port, &free.to_string());
    }
    text
}

#[test]
fn the_session_of_the_guide_is_what_happens() {
    if let Err(why) = Command::new("curl").arg("--version").output() {
        return crate::skipped("curl", &why.into());
    }
    let steps = steps(&with_free_ports(GUIDE));
    assert!(
        (8..=MOST_COMMANDS).contains(&steps.len()),
        "{} commands",
        steps.len()
    );
    let mut terminal = Terminal::open();
    for step in &steps {
        terminal.play(step);
    }
}

#[test]
fn only_marked_blocks_are_played() {
    let guide = "```\n$ no\n```\n```console afternoon\n$ one\nsays a\n  says b\n$ two &\n```\ntext\n$ no\n```console afternoon repeat\n$ three\n```";
    let step = |command: &str, says: &[&str], repeat| Step {
        command: command.into(),
        says: says.iter().map(|s| (*s).to_owned()).collect(),
        repeat,
    };
    let wanted = [
        step("one", &["says a", "says b"], false),
        step("two &", &[], false),
        step("three", &[], true),
    ];
    assert_eq!(steps(guide), wanted);
}
