//! `lockstep sandbox`: the stand-ins alone.

use clap::Args;
use lockstep_sandbox::{Options, Sandbox, mirakl, practice};
use serde_json::json;

use super::run::until_stopped;
use super::{Env, FINE};

#[derive(Args)]
pub(super) struct SandboxArgs {
    /// SKUs of the catalogue.
    #[arg(long, default_value_t = 200, value_name = "NUMBER")]
    skus: usize,
    /// The same seed gives the same catalogue.
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    seed: u64,
    /// Port of the stand-in for Shopify; any free one otherwise.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    shopify_port: u16,
    /// Port of the stand-in for Seller Center; any free one otherwise.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    seller_center_port: u16,
    /// Serve a marketplace run with Mirakl too, as a second channel of the shop.
    #[arg(long)]
    mirakl: bool,
    /// Port of the stand-in for the Mirakl marketplace; any free one otherwise.
    #[arg(long, default_value_t = 0, value_name = "PORT", requires = "mirakl")]
    mirakl_port: u16,
    /// Serve Practice Market too, the marketplace that authors of connectors learn with.
    #[arg(long)]
    practice: bool,
    /// Port of Practice Market; any free one otherwise.
    #[arg(long, default_value_t = 0, value_name = "PORT", requires = "practice")]
    practice_port: u16,
    /// Port on which the shopper, the merchant and faults are played; any free one otherwise.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    control_port: u16,
}

pub(super) async fn run(args: SandboxArgs, env: &Env) -> anyhow::Result<u8> {
    let mut options = Options {
        skus: args.skus,
        seed: args.seed,
        control_port: Some(args.control_port),
        mirakl: args.mirakl.then(|| mirakl::Config {
            port: args.mirakl_port,
            ..mirakl::Config::default()
        }),
        practice: args.practice.then(|| practice::Config {
            port: args.practice_port,
            ..practice::Config::default()
        }),
        ..Options::default()
    };
    options.shopify.port = args.shopify_port;
    options.seller_center.port = args.seller_center_port;
    let (shopify, seller_center) = (options.shopify.clone(), options.seller_center.clone());
    let market = options.mirakl.clone();
    let sandbox = Sandbox::start(options).await?;
    let stop = until_stopped("Stopping.");
    let market = sandbox.mirakl.as_ref().zip(market);
    if env.json {
        let told = json!({
            "shopify": {
                "url": sandbox.shopify.url(),
                "client_id": shopify.client_id,
                "secret": shopify.client_secret,
            },
            "seller_center": {
                "url": sandbox.seller_center.url(),
                "client_id": seller_center.client_id,
                "secret": seller_center.client_secret,
            },
            "mirakl": market.as_ref().map(|(mirakl, config)| json!({
                "url": mirakl.url(),
                "shop_id": config.shop_id,
                "secret": config.api_key,
            })),
            "practice": sandbox.practice.as_ref().map(|market| json!({
                "url": market.url(),
                "secret": market.api_key(),
            })),
            "control": sandbox.control_url(),
        });
        println!("{told}");
        stop.cancelled().await;
        return Ok(FINE);
    }
    println!(
        "Shopify        {}   client id {}   secret {}",
        sandbox.shopify.url(),
        shopify.client_id,
        shopify.client_secret
    );
    println!(
        "Seller Center  {}   application id {}   secret {}",
        sandbox.seller_center.url(),
        seller_center.client_id,
        seller_center.client_secret
    );
    if let Some((mirakl, config)) = &market {
        println!(
            "Mirakl         {}   shop {}   API key {}",
            mirakl.url(),
            config.shop_id,
            config.api_key
        );
    }
    if let Some(market) = &sandbox.practice {
        println!("Practice       {}   key {}", market.url(), market.api_key());
    }
    println!(
        "Control        {}",
        sandbox.control_url().unwrap_or_default()
    );
    println!();
    println!("In another terminal:");
    println!("  lockstep init");
    println!(
        "  LOCKSTEP_SHOP_SECRET={} lockstep shop add kestrel --base-url {} --client-id {} --allow-local",
        shopify.client_secret,
        sandbox.shopify.url(),
        shopify.client_id
    );
    println!(
        "  LOCKSTEP_CHANNEL_SECRET={} lockstep channel add kestrel/the-iconic --plugin the-iconic --base-url {} --client-id {} --allow-local",
        seller_center.client_secret,
        sandbox.seller_center.url(),
        seller_center.client_id
    );
    if let Some((mirakl, config)) = &market {
        println!(
            "  LOCKSTEP_CHANNEL_SECRET={} lockstep channel add kestrel/tidepool --plugin mirakl --title \"{}\" --base-url {} --set shop-id={} --allow-local",
            config.api_key,
            config.platform_name,
            mirakl.url(),
            config.shop_id
        );
    }
    if let Some(market) = &sandbox.practice {
        println!();
        println!("And for a connector of your own, here with the id acme:");
        println!("  mkdir -p lockstep-data/plugins && cp acme/acme.wasm lockstep-data/plugins/");
        println!(
            "  LOCKSTEP_CHANNEL_SECRET={} lockstep channel add kestrel/acme --plugin acme --title \"{}\" --base-url {} --allow-local --grant",
            market.api_key(),
            market.name(),
            market.url(),
        );
    }
    println!();
    println!("Stop with Ctrl-C.");
    stop.cancelled().await;
    Ok(FINE)
}
