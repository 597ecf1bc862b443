//! Products: the list of SKUs, one of them, and what a person does with it.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::input::{Path, Query};
use super::{Answer, Done, Failures};
use crate::actions::product::{self, Asked};
use crate::model::{Key, Refusal};
use crate::view::{self, Product, Products, ProductsAsked};
use crate::web::App;
use crate::web::auth::Me;
use crate::web::failure::Failure;

/// What a viewer may ask for.
pub(super) fn viewer() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_products))
        .routes(routes!(get_product))
}

/// What takes an operator.
pub(super) fn operator() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(resync))
        .routes(routes!(retry))
}

/// What names a SKU.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneSku {
    /// The shop's short name.
    shop: String,
    /// The SKU to the letter.
    sku: String,
}

/// On which channel.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OnChannel {
    /// On this channel only (`kestrel/the-iconic`); else on each channel of the shop.
    #[param(max_length = 81)]
    channel: Option<String>,
}

impl OnChannel {
    fn key(&self, shop: &str) -> Result<Option<Key>, Failure> {
        let Some(text) = &self.channel else {
            return Ok(None);
        };
        let key: Key = (text.parse()).map_err(|e| Refusal::Invalid(format!("channel: {e}")))?;
        if key.shop != shop {
            return Err(Failure::Invalid(format!(
                "channel: {key} is none of the shop \"{shop}\""
            )));
        }
        Ok(Some(key))
    }
}

type Named = Path<OneSku>;
type Where = Query<OnChannel>;

/// The SKUs of a shop across its channels, in their order, a page at a time.
#[utoipa::path(
    get, path = "/api/v1/products", tag = "products", params(ProductsAsked),
    responses((status = 200, body = Products), Failures)
)]
async fn get_products(
    State(app): State<App>,
    Query(asked): Query<ProductsAsked>,
) -> Answer<Products> {
    Ok(axum::Json(view::products(&app.host, &asked).await?))
}

/// One SKU: why it has its number on each channel, what became of it, and what to mend.
#[utoipa::path(
    get, path = "/api/v1/products/{shop}/{sku}", tag = "products", params(OneSku),
    responses((status = 200, body = Product), Failures)
)]
async fn get_product(State(app): State<App>, Path(one): Named) -> Answer<Product> {
    let found = view::product(&app.host, &one.shop, &one.sku, None).await?;
    let found = found.ok_or_else(|| {
        Failure::Unknown(format!(
            "neither the shop \"{}\" nor a channel of it has the SKU \"{}\"",
            one.shop, one.sku
        ))
    })?;
    Ok(axum::Json(found))
}

/// Has the SKU read again on both sides, and its number written again, by the next cycle.
#[utoipa::path(
    post, path = "/api/v1/products/{shop}/{sku}/resync", tag = "products", params(OneSku, OnChannel),
    responses((status = 200, body = Done), Failures)
)]
async fn resync(
    State(app): State<App>,
    me: Me,
    Path(one): Named,
    Query(on): Where,
) -> Answer<Done> {
    let key = on.key(&one.shop)?;
    let asked = product::resync(&app.host, &one.shop, &one.sku, key.as_ref(), &me.actor).await?;
    Ok(axum::Json(done(&app, Some(asked))))
}

/// Has a number that a channel refused tried again by the next cycle.
#[utoipa::path(
    post, path = "/api/v1/products/{shop}/{sku}/retry", tag = "products", params(OneSku, OnChannel),
    responses((status = 200, body = Done), Failures)
)]
async fn retry(State(app): State<App>, me: Me, Path(one): Named, Query(on): Where) -> Answer<Done> {
    let key = on.key(&one.shop)?;
    let asked = product::retry(&app.host, &one.shop, &one.sku, key.as_ref(), &me.actor).await?;
    Ok(axum::Json(done(&app, asked)))
}

fn done(app: &App, asked: Option<Asked>) -> Done {
    let changed = asked.is_some();
    let said = match asked {
        Some(asked) => {
            asked.due.into_iter().for_each(|key| app.wakes.wake(key));
            asked.said
        }
        None => "no channel refuses its number".to_owned(),
    };
    Done { changed, said }
}
