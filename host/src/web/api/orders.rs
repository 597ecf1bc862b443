//! Orders: the list, one of them, and what a person does with it.

use axum::extract::State;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::input::{Json, Path, Query};
use super::{Answer, Done, Failures};
use crate::actions::order::{Wish, act};
use crate::model::Key;
use crate::view::{OrderList, OrderView, OrdersAsked, order, orders};
use crate::web::App;
use crate::web::auth::Me;
use crate::web::failure::Failure;

/// What a viewer may ask for.
pub(super) fn viewer() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_orders))
        .routes(routes!(get_order))
}

/// What takes an operator.
pub(super) fn operator() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(accept))
        .routes(routes!(refuse))
        .routes(routes!(retry))
        .routes(routes!(hold))
        .routes(routes!(release))
        .routes(routes!(handled))
        .routes(routes!(resend))
}

/// What names an order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneOrder {
    /// The shop's short name.
    shop: String,
    /// The channel's short name.
    channel: String,
    /// The channel's id of the order.
    id: String,
}

/// What names a parcel of an order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct OneParcel {
    /// The shop's short name.
    shop: String,
    /// The channel's short name.
    channel: String,
    /// The channel's id of the order.
    id: String,
    /// The number at the end of the Shopify fulfillment's id.
    parcel: String,
}

type Named = Path<OneOrder>;

/// What an order is refused with.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(super) struct Refusing {
    /// The code or label of one of the channel's reasons, where it has any.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Orders, a page at a time.
#[utoipa::path(
    get, path = "/api/v1/orders", tag = "orders", params(OrdersAsked),
    responses((status = 200, body = OrderList), Failures)
)]
async fn get_orders(State(app): State<App>, Query(asked): Query<OrdersAsked>) -> Answer<OrderList> {
    Ok(axum::Json(orders(&app.host.store, &asked).await?))
}

/// One order. For viewers what is about the buyer is left out.
#[utoipa::path(
    get, path = "/api/v1/orders/{shop}/{channel}/{id}", tag = "orders",
    params(OneOrder),
    responses((status = 200, body = OrderView), Failures)
)]
async fn get_order(State(app): State<App>, me: Me, Path(one): Named) -> Answer<OrderView> {
    let (key, id) = (Key::new(one.shop, one.channel), one.id);
    let found = order(&app.host.store, &key, &id, me.operates()).await?;
    let found = found
        .ok_or_else(|| Failure::Unknown(format!("{key} has no order with the id \"{id}\"")))?;
    Ok(axum::Json(found))
}

async fn done(app: &App, me: &Me, one: OneOrder, wish: Wish) -> Answer<Done> {
    let key = Key::new(one.shop, one.channel);
    let done = act(&app.host, &key, &one.id, wish, &me.actor).await?;
    if done.changed {
        app.wakes.wake(key);
    }
    Ok(axum::Json(Done {
        changed: done.changed,
        said: done.said,
    }))
}

/// Says yes to a channel that asks whether the seller takes the order; it is told in the next cycle.
#[utoipa::path(
    post, path = "/api/v1/orders/{shop}/{channel}/{id}/accept", tag = "orders",
    params(OneOrder),
    responses((status = 200, body = Done), Failures)
)]
async fn accept(State(app): State<App>, me: Me, Path(one): Named) -> Answer<Done> {
    done(&app, &me, one, Wish::Accept).await
}

/// Says no to a channel that asks whether the seller takes the order; it is told in the next cycle.
#[utoipa::path(
    post, path = "/api/v1/orders/{shop}/{channel}/{id}/refuse", tag = "orders",
    params(OneOrder),
    request_body = Refusing,
    responses((status = 200, body = Done), Failures)
)]
async fn refuse(
    State(app): State<App>,
    me: Me,
    Path(one): Named,
    Json(refusing): Json<Refusing>,
) -> Answer<Done> {
    let long = |r: &String| r.chars().count() > 500;
    if refusing.reason.as_ref().is_some_and(long) {
        return Err(Failure::Invalid("reason has more than 500 characters".into()).into());
    }
    done(&app, &me, one, Wish::Refuse(refusing.reason)).await
}

/// Tries again what was refused or is in doubt: creating the order in Shopify, telling its parcels.
#[utoipa::path(
    post, path = "/api/v1/orders/{shop}/{channel}/{id}/retry", tag = "orders",
    params(OneOrder),
    responses((status = 200, body = Done), Failures)
)]
async fn retry(State(app): State<App>, me: Me, Path(one): Named) -> Answer<Done> {
    done(&app, &me, one, Wish::Retry).await
}

/// Keeps an order out of Shopify until it is released.
#[utoipa::path(
    post, path = "/api/v1/orders/{shop}/{channel}/{id}/hold", tag = "orders",
    params(OneOrder),
    responses((status = 200, body = Done), Failures)
)]
async fn hold(State(app): State<App>, me: Me, Path(one): Named) -> Answer<Done> {
    done(&app, &me, one, Wish::Hold).await
}

/// Lets a held order go to Shopify.
#[utoipa::path(
    post, path = "/api/v1/orders/{shop}/{channel}/{id}/release", tag = "orders",
    params(OneOrder),
    responses((status = 200, body = Done), Failures)
)]
async fn release(State(app): State<App>, me: Me, Path(one): Named) -> Answer<Done> {
    done(&app, &me, one, Wish::Release).await
}

/// Notes that somebody has seen to an order and its parcels.
#[utoipa::path(
    post, path = "/api/v1/orders/{shop}/{channel}/{id}/handled", tag = "orders",
    params(OneOrder),
    responses((status = 200, body = Done), Failures)
)]
async fn handled(State(app): State<App>, me: Me, Path(one): Named) -> Answer<Done> {
    done(&app, &me, one, Wish::Handled).await
}

/// Tells the channel a parcel again. What it knows of the parcel is read first, and a code that it has is never replaced.
#[utoipa::path(
    post, path = "/api/v1/orders/{shop}/{channel}/{id}/parcels/{parcel}/resend", tag = "orders",
    params(OneParcel),
    responses((status = 200, body = Done), Failures)
)]
async fn resend(State(app): State<App>, me: Me, Path(one): Path<OneParcel>) -> Answer<Done> {
    let OneParcel {
        shop,
        channel,
        id,
        parcel,
    } = one;
    let order = OneOrder { shop, channel, id };
    done(&app, &me, order, Wish::Resend(parcel)).await
}
