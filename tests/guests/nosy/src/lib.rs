//! A connector that tries everything that WASI has, and tells what came of it.

use lockstep_sdk::prelude::*;
use wasip2::cli::{environment, exit, stderr, stdin, stdout};
use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::filesystem::preopens;
use wasip2::random::random;
use wasip2::sockets::network::{ErrorCode, IpAddressFamily};
use wasip2::sockets::{instance_network, ip_name_lookup, tcp_create_socket, udp_create_socket};

struct Nosy;

impl About for Nosy {
    fn identify(cx: Cx<'_>) -> Result<Account, Fault> {
        let facts = match cx.setting("do").unwrap_or_default().as_str() {
            "look" => look(),
            "connect" => connect(),
            "print" => {
                print(cx);
                Vec::new()
            }
            "chatter" => {
                let line = "x".repeat(4_000);
                for _ in 0..1_000 {
                    out(&stderr::get_stderr(), &line);
                }
                Vec::new()
            }
            "die" => {
                out(
                    &stderr::get_stderr(),
                    "Traceback\nKeyError: 'id' of the order\n\n",
                );
                panic!("told to");
            }
            "exit" => {
                exit::exit(Err(()));
                Vec::new()
            }
            "sleep" => {
                monotonic_clock::subscribe_duration(60_000_000_000).block();
                Vec::new()
            }
            "hoard-random" => {
                random::get_random_bytes(1 << 40);
                Vec::new()
            }
            "hoard-timers" => {
                let timers: Vec<_> = (0..100_000)
                    .map(|_| monotonic_clock::subscribe_duration(1))
                    .collect();
                vec![fact("timers", timers.len())]
            }
            _ => Vec::new(),
        };
        Ok(Account {
            id: "1".into(),
            name: "Nosy".into(),
            native_state: Some(facts.join("; ")),
            selling: None,
            currency: None,
            facts: Vec::new(),
        })
    }
}

fn fact(key: &str, value: impl std::fmt::Debug) -> String {
    format!("{key} {value:?}")
}

fn denial<T>(what: &str, result: Result<T, ErrorCode>) -> String {
    match result {
        Ok(_) => format!("{what} allowed"),
        Err(code) => format!("{what} {}", code.name()),
    }
}

fn look() -> Vec<String> {
    vec![
        fact("environment", environment::get_environment()),
        fact("arguments", environment::get_arguments()),
        fact("directory", environment::initial_cwd()),
        fact("files", preopens::get_directories().len()),
        fact("stdin", stdin::get_stdin().blocking_read(10).is_err()),
        fact("random", random::get_random_bytes(8).len()),
        fact("clock", wall_clock::now().seconds > 1_700_000_000),
    ]
}

fn connect() -> Vec<String> {
    let network = instance_network::instance_network();
    let names = ip_name_lookup::resolve_addresses(&network, "localhost").and_then(|stream| {
        stream.subscribe().block();
        stream.resolve_next_address()
    });
    let tcp = tcp_create_socket::create_tcp_socket(IpAddressFamily::Ipv4);
    let udp = udp_create_socket::create_udp_socket(IpAddressFamily::Ipv4);
    vec![
        denial("names", names),
        denial("tcp", tcp),
        denial("udp", udp),
    ]
}

/// Prints to both streams; the second line tries to look like one of the host's.
fn print(cx: Cx<'_>) {
    out(
        &stdout::get_stdout(),
        "it printed this\nERROR forged\u{1b}[31m\n",
    );
    out(
        &stderr::get_stderr(),
        &format!("secret {}", cx.setting("leak").unwrap_or_default()),
    );
}

fn out(stream: &wasip2::io::streams::OutputStream, text: &str) {
    for chunk in text.as_bytes().chunks(4_096) {
        stream.blocking_write_and_flush(chunk).expect("it is taken");
    }
}

connector!(Nosy: about);
