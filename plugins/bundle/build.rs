//! Builds the plugins beside this crate for WebAssembly and embeds each one's `plugin.toml`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasm_encoder::{CustomSection, Encode, Section};

const TARGET: &str = "wasm32-unknown-unknown";
/// Names the standard library's sources are to be built with, where the toolchain has no library for the target.
const OTHER_RUSTC: &str = "LOCKSTEP_GUEST_RUSTC";
/// Plugins that ship: the package's name, and the constant that holds it.
const SHIPPED: [(&str, &str); 1] = [("the-iconic", "THE_ICONIC")];
/// The section in which the host looks for the manifest.
const SECTION: &str = "lockstep:manifest";

fn main() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("bundle lies in plugins").to_owned();
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    for (name, _) in SHIPPED {
        println!("cargo::rerun-if-changed={}", plugins.join(name).display());
    }
    for file in ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "../wit"] {
        println!("cargo::rerun-if-changed={}", plugins.join(file).display());
    }
    println!("cargo::rerun-if-env-changed={OTHER_RUSTC}");
    let built = build(&plugins, &target_directory(&out));
    let mut source = String::new();
    for (name, constant) in SHIPPED {
        let component = built.join(format!("{}.wasm", name.replace('-', "_")));
        let manifest = plugins.join(name).join("plugin.toml");
        let mut bytes = read(&component);
        let section = CustomSection { name: Cow::Borrowed(SECTION), data: Cow::Owned(read(&manifest)) };
        bytes.push(section.id());
        section.encode(&mut bytes);
        let packed = out.join(format!("{name}.wasm"));
        std::fs::write(&packed, bytes).unwrap_or_else(|e| panic!("{}: {e}", packed.display()));
        let _ = writeln!(source, "/// The plugin `{name}`.\npub static {constant}: &[u8] = include_bytes!({:?});", packed.display().to_string());
    }
    std::fs::write(out.join("bundle.rs"), source).expect("OUT_DIR can be written");
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A target directory of the plugins' own inside the workspace's, so that the two builds never wait for one lock.
fn target_directory(out: &Path) -> PathBuf {
    out.ancestors().find(|p| p.join("CACHEDIR.TAG").exists()).unwrap_or(out).join("guests")
}

/// Builds the plugins and answers the directory of the components.
fn build(plugins: &Path, target: &Path) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(plugins).args(["build", "--release", "--locked", "--target", TARGET, "--target-dir"]).arg(target);
    for (name, _) in SHIPPED {
        command.args(["--package", name]);
    }
    // This script's own environment describes the build of the host, not that of its guests.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let cargos = text.starts_with("CARGO_") && text != "CARGO_HOME";
        let rustcs = ["RUSTC", "RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTDOC", "TARGET", "HOST", "OUT_DIR", "PROFILE", "OPT_LEVEL", "DEBUG"];
        if cargos || rustcs.contains(&&*text) {
            command.env_remove(&name);
        }
    }
    if let Some(rustc) = std::env::var_os(OTHER_RUSTC) {
        // A rustc with the sources of its standard library, as Debian packages it: the library is built along.
        let tools = String::from_utf8(output("rustc", &["--print", "sysroot"])).expect("a path");
        let tools = PathBuf::from(tools.trim()).join("lib/rustlib").join(std::env::var("HOST").expect("cargo sets HOST")).join("bin");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(tools.join("gcc-ld")).chain(std::env::split_paths(&path));
        command
            .env("RUSTC", rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", tools.join("wasm-component-ld"))
            .env("PATH", std::env::join_paths(paths).expect("paths join"))
            .arg("-Zbuild-std=std,panic_abort");
    } else if !library_present() {
        panic!("the toolchain has no standard library for {TARGET}; run `cargo xtask setup`, or `rustup target add {TARGET}`");
    }
    let status = command.status().unwrap_or_else(|e| panic!("cannot start cargo for the plugins: {e}"));
    assert!(status.success(), "the plugins do not build; see cargo's words above");
    target.join(TARGET).join("release")
}

fn library_present() -> bool {
    let directory = String::from_utf8(output("rustc", &["--print", "target-libdir", "--target", TARGET])).unwrap_or_default();
    std::fs::read_dir(directory.trim()).is_ok_and(|mut entries| entries.next().is_some())
}

fn output(program: &str, args: &[&str]) -> Vec<u8> {
    Command::new(program).args(args).output().map(|o| o.stdout).unwrap_or_default()
}
