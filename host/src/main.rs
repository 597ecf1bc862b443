//! The `lockstep` binary.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    lockstep::cli::main().await
}
