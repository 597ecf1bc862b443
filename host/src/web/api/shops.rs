//! Stores: which are connected, and connecting one.

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::input::{Json, Path, Secret};
use super::{Answer, Failures};
use crate::actions::shop;
use crate::db::ShopRow;
use crate::model::Location;
use crate::web::App;
use crate::web::auth::Me;
use crate::web::failure::Failure;

/// Longest domain, in characters.
const DOMAIN_MOST: usize = 253;

/// What a viewer may ask for.
pub(super) fn viewer() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_shops))
        .routes(routes!(get_locations))
}

/// What takes an admin.
pub(super) fn admin() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(connect))
}

/// The stores, each as it presented itself when it was connected.
#[utoipa::path(get, path = "/api/v1/shops", tag = "set-up",
    responses((status = 200, body = Vec<ShopRow>), Failures))]
async fn get_shops(State(app): State<App>) -> Answer<Vec<ShopRow>> {
    Ok(axum::Json(app.host.store.read(|tx| tx.shops()).await?))
}

/// A shop.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneShop {
    /// Its short name.
    #[param(example = "kestrel", max_length = 40, pattern = "^[a-z0-9-]+$")]
    shop: String,
}

/// The locations of a store, as Shopify has them now.
#[utoipa::path(get, path = "/api/v1/shops/{shop}/locations", tag = "set-up", params(OneShop),
    responses((status = 200, body = Vec<Location>), Failures))]
async fn get_locations(State(app): State<App>, Path(one): Path<OneShop>) -> Answer<Vec<Location>> {
    let shared = app.host.shop(&one.shop).await?;
    let found = shared.shop.locations().await;
    Ok(axum::Json(found.map_err(anyhow::Error::from)?))
}

/// How the app of a store signs in.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ShopAuthKind {
    /// With the client id and secret of an app of the Dev Dashboard.
    #[default]
    ClientCredentials,
    /// With the permanent token of an admin-created app.
    Token,
}

/// A store to be connected, or whose connection is to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewShop {
    /// Its short name: lower-case letters, digits and dashes.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9-]+$")]
    shop: String,
    /// `NAME.myshopify.com`. This or `base_url` must be given.
    #[schema(min_length = 1, max_length = 253)]
    domain: Option<String>,
    /// Another address than that of the domain, as a sandbox has it.
    #[schema(min_length = 1, max_length = 500)]
    base_url: Option<String>,
    /// How its app signs in; `client-credentials` when left out.
    #[serde(default)]
    #[schema(inline)]
    auth: ShopAuthKind,
    /// `client-credentials`: the client id of the app.
    #[schema(min_length = 1, max_length = 255)]
    client_id: Option<String>,
    /// The client secret, or the token. It is not answered again.
    #[schema(value_type = String, format = Password, min_length = 1, max_length = 2000)]
    secret: Secret,
    /// Plain http and private addresses are allowed: for a sandbox.
    #[serde(default)]
    allow_local: bool,
}

impl NewShop {
    fn row(self) -> Result<(ShopRow, Secret), Failure> {
        let base_url = match (self.base_url, self.domain) {
            (Some(url), None) => url,
            (None, Some(domain)) if domain.chars().count() <= DOMAIN_MOST => shop::address(&domain),
            (None, Some(_)) => {
                return Err(Failure::Invalid(format!(
                    "domain has more than {DOMAIN_MOST} characters"
                )));
            }
            _ => {
                return Err(Failure::Invalid(
                    "name the store by either domain, as in kestrel-surf.myshopify.com, or base_url"
                        .into(),
                ));
            }
        };
        let (auth, client_id) = match self.auth {
            ShopAuthKind::ClientCredentials => ("client-credentials", self.client_id),
            ShopAuthKind::Token if self.client_id.is_some() => {
                return Err(Failure::Invalid(
                    "a token needs no client_id: leave it out".into(),
                ));
            }
            ShopAuthKind::Token => ("token", None),
        };
        let row = ShopRow {
            shop: self.shop,
            base_url,
            allow_local: self.allow_local,
            auth: auth.into(),
            client_id,
            info: None,
        };
        Ok((row, self.secret))
    }
}

/// Connect a store, or change its connection. Nothing is stored unless Shopify takes the credentials and grants what is
/// needed.
#[utoipa::path(post, path = "/api/v1/shops", tag = "set-up", request_body = NewShop,
    responses((status = 200, body = ShopRow), Failures))]
async fn connect(State(app): State<App>, me: Me, Json(new): Json<NewShop>) -> Answer<ShopRow> {
    let (row, secret) = new.row()?;
    let name = row.shop.clone();
    shop::connect(&app.host, row, &secret.0, &me.actor).await?;
    let stored = app.host.store.read(move |tx| tx.shop(&name)).await?;
    let gone = || Failure::Unknown("the store was removed meanwhile".into());
    Ok(axum::Json(stored.ok_or_else(gone)?))
}
