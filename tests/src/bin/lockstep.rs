//! The host binary as the tests start, kill and restart it.

#[tokio::main]
async fn main() -> std::process::ExitCode {
    lockstep::cli::main().await
}
