//! `just bench-overhead`: what the plugin border costs.
//!
//! Two questions. What do rows cost on their way through it, compared with the same code called natively and with Extism?
//! And what does that matter in a whole cycle of a connector against a marketplace? Times are of this machine and this
//! moment; only the ratios within one run say something.

mod cycle;
mod rows;

use std::time::{Duration, Instant};

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    rows::run(&runtime)?;
    cycle::run(&runtime)
}

/// The shortest of several runs of each, taken in turns so that whatever else the machine does meets all alike.
fn fastest(
    rounds: usize,
    contenders: &mut [(&str, &mut dyn FnMut() -> anyhow::Result<()>)],
) -> anyhow::Result<Vec<Duration>> {
    let mut best = vec![Duration::MAX; contenders.len()];
    for _ in 0..rounds {
        for (best, (_, run)) in best.iter_mut().zip(contenders.iter_mut()) {
            let start = Instant::now();
            run()?;
            *best = start.elapsed().min(*best);
        }
    }
    Ok(best)
}

/// A table row for each contender, compared with the first.
fn show(what: &str, names: &[&str], times: &[Duration]) {
    println!("{what}");
    for (name, time) in names.iter().zip(times) {
        println!(
            "  {name:<44} {:>10.3} ms   {:>7.3} x",
            time.as_secs_f64() * 1e3,
            time.as_secs_f64() / times[0].as_secs_f64()
        );
    }
    println!();
}
