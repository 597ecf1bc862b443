//! Stock rows in, numbers out: natively, through the host, and through Extism.

use std::collections::BTreeMap;
use std::hint::black_box;

use anyhow::{Context, ensure};
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};
use job::Row;
use lockstep::model::{Key, Position};
use lockstep::plugin::{Extra, ExtraConfig, Runtime};
use lockstep::vault::Scrubber;

use crate::{fastest, show};

pub fn run(tokio: &tokio::runtime::Runtime) -> anyhow::Result<()> {
    let extra = extra()?;
    let compiled = compiled()?;
    for count in [1_000, 100_000] {
        let rows = rows(count);
        let positions: Vec<Position> = rows.iter().map(position).collect();
        let expected: Vec<u32> = rows.iter().map(offer).collect();
        let mut kept = Plugin::new_from_compiled(&compiled)?;
        ensure!(through(&mut kept, &rows)? == expected);
        ensure!(
            tokio
                .block_on(extra.adjust_stock(&positions))
                .map_err(said)?
                == expected
        );
        let mut native = || {
            black_box(black_box(&rows).iter().map(offer).collect::<Vec<u32>>());
            Ok(())
        };
        let mut component = || {
            black_box(
                tokio
                    .block_on(extra.adjust_stock(&positions))
                    .map_err(said)?,
            );
            Ok(())
        };
        let mut kept_run = || {
            black_box(through(&mut kept, &rows)?);
            Ok(())
        };
        let mut fresh_run = || {
            black_box(through(&mut Plugin::new_from_compiled(&compiled)?, &rows)?);
            Ok(())
        };
        let mut contenders: [(&str, &mut dyn FnMut() -> anyhow::Result<()>); 4] = [
            ("component in Lockstep, fresh for each call", &mut component),
            ("Extism, fresh for each call", &mut fresh_run),
            ("Extism, one instance kept", &mut kept_run),
            ("native", &mut native),
        ];
        let times = fastest(if count > 10_000 { 7 } else { 100 }, &mut contenders)?;
        let names: Vec<&str> = contenders.iter().map(|(name, _)| *name).collect();
        show(&format!("{count} stock rows in and out"), &names, &times);
    }
    Ok(())
}

fn said(fault: lockstep::model::Fault) -> anyhow::Error {
    anyhow::anyhow!("{fault}")
}

fn rows(count: u32) -> Vec<Row> {
    let row = |n: u32| Row {
        listing: format!("{}", 410_000 + n),
        sku: format!(
            "{}KES-TEE-{n:06}-M",
            if n.is_multiple_of(7) { "SALE-" } else { "" }
        ),
        title: format!("Kestrel tee number {n}, medium"),
        sellable: n % 90,
    };
    (0..count).map(row).collect()
}

fn offer(row: &Row) -> u32 {
    job::offer(&row.sku, row.sellable)
}

fn position(row: &Row) -> Position {
    Position {
        listing: row.listing.clone(),
        sku: row.sku.clone(),
        title: row.title.clone(),
        sellable: row.sellable,
        facts: Vec::new(),
    }
}

fn extra() -> anyhow::Result<Extra> {
    let component = std::fs::read(env!("COMPONENT")).context("the component")?;
    Runtime::new(None)?.load(&component)?.extra(ExtraConfig {
        key: Key::new("kestrel", "bench"),
        settings: BTreeMap::new(),
        limits: ExtraConfig::limits(),
        scrubber: Scrubber::default(),
    })
}

fn compiled() -> anyhow::Result<CompiledPlugin> {
    let manifest = Manifest::new([Wasm::data(include_bytes!(env!("EXTISM")).to_vec())]);
    CompiledPlugin::new(PluginBuilder::new(manifest).with_wasi(false))
}

fn through(plugin: &mut Plugin, rows: &[Row]) -> anyhow::Result<Vec<u32>> {
    let input = serde_json::to_vec(rows)?;
    let output: &[u8] = plugin.call("adjust", input)?;
    Ok(serde_json::from_slice(output)?)
}
