//! `lockstep shop`: connect a Shopify store.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::{print_rows, table};
use super::{Env, FINE, Usage, secret};
use crate::actions::shop;
use crate::db::ShopRow;
use crate::model::Actor;

#[derive(Subcommand)]
pub(super) enum ShopCommand {
    /// Add a store, or change its connection. Checks the credentials and their scopes first.
    Add(AddArgs),
    /// The stores.
    List,
    /// The locations of a store, as Shopify has them.
    Locations {
        /// Short name of the shop.
        name: String,
    },
}

#[derive(Args)]
pub(super) struct AddArgs {
    /// Short name, of lower-case letters, digits and dashes.
    name: String,
    /// The store's domain, as in kestrel-surf.myshopify.com.
    #[arg(long)]
    domain: Option<String>,
    /// Client id of the app of the Dev Dashboard. The secret comes from --secret-file, LOCKSTEP_SHOP_SECRET or a prompt.
    #[arg(long, conflicts_with = "token")]
    client_id: Option<String>,
    /// The secret is the permanent token of an admin-created app.
    #[arg(long)]
    token: bool,
    /// File that holds the client secret or token.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Another address instead of https://DOMAIN.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Allow plain http and private addresses: for a sandbox on this machine.
    #[arg(long)]
    allow_local: bool,
}

pub(super) async fn run(command: ShopCommand, env: &Env) -> anyhow::Result<u8> {
    match command {
        ShopCommand::Add(args) => add(args, env).await,
        ShopCommand::List => list(env).await,
        ShopCommand::Locations { name } => locations(&name, env).await,
    }
}

async fn add(args: AddArgs, env: &Env) -> anyhow::Result<u8> {
    let base_url = match (args.base_url, &args.domain) {
        (Some(url), _) => url,
        (None, Some(domain)) => shop::address(domain),
        (None, None) => {
            return Err(Usage(
                "name the store with --domain, as in --domain kestrel-surf.myshopify.com".into(),
            )
            .into());
        }
    };
    if args.client_id.is_none() && !args.token {
        return Err(Usage("say how to sign in: --client-id ID for an app of the Dev Dashboard, or --token for a permanent token".into()).into());
    }
    let host = env.host()?;
    let secret = secret::read(
        args.secret_file.as_deref(),
        "LOCKSTEP_SHOP_SECRET",
        if args.token {
            "access token"
        } else {
            "client secret"
        },
    )?;
    let row = ShopRow {
        shop: args.name,
        base_url,
        allow_local: args.allow_local,
        auth: if args.token {
            "token"
        } else {
            "client-credentials"
        }
        .into(),
        client_id: args.client_id,
        info: None,
    };
    let info = shop::connect(&host, row, &secret, &Actor::command()).await?;
    if env.json {
        println!("{}", serde_json::to_string_pretty(&info)?);
    } else {
        println!(
            "Connected: {} ({}), {}, {}",
            info.name, info.domain, info.currency, info.timezone
        );
    }
    Ok(FINE)
}

async fn list(env: &Env) -> anyhow::Result<u8> {
    let shops = env.host()?.store.read(|tx| tx.shops()).await?;
    let mut view = table(&["shop", "name", "address", "currency"]);
    for s in &shops {
        let info = s.info.as_ref();
        view.add_row([
            s.shop.as_str(),
            info.map_or("", |i| &i.name),
            &s.base_url,
            info.map_or("", |i| &i.currency),
        ]);
    }
    if env.json {
        println!("{}", serde_json::to_string_pretty(&shops)?);
    } else if shops.is_empty() {
        println!(
            "No shop yet. Add one with `lockstep shop add NAME --domain NAME.myshopify.com --client-id ID`."
        );
    } else {
        println!("{view}");
    }
    Ok(FINE)
}

async fn locations(name: &str, env: &Env) -> anyhow::Result<u8> {
    let host = env.host()?;
    let found = host.shop(name).await?.shop.locations().await?;
    if env.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(FINE);
    }
    let yes = |b: bool| if b { "yes" } else { "no" }.to_owned();
    let rows: Vec<Vec<String>> = found
        .into_iter()
        .map(|l| {
            vec![
                l.name,
                yes(l.active),
                yes(l.ships_online),
                yes(l.fulfillment_service),
                l.id,
            ]
        })
        .collect();
    print_rows(
        &[
            "location",
            "active",
            "ships online orders",
            "fulfillment service",
            "id",
        ],
        &rows,
        usize::MAX,
    );
    Ok(FINE)
}
