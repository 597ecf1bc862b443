//! `/products`: the SKUs of a shop, one of them, and what a person does with it.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::Uri;
use axum::response::Redirect;
use serde::Deserialize;
use tower_sessions::Session;

use super::{Frame, Html, page, regret, say};
use crate::actions::product::{self, Asked};
use crate::db::{OrderPieces, ProductListing, PushRow};
use crate::model::{Key, MismatchKind, ProductState};
use crate::view::{
    self, Product, ProductChannel, ProductRow, ProductStanding, Products, ProductsAsked, Standing,
};
use crate::web::auth::Me;
use crate::web::failure::Failure;
use crate::web::take::Take;
use crate::web::{App, chart, show};

/// Where a SKU's page is.
fn path(shop: &str, sku: &str) -> String {
    format!("/products/{shop}/{}", show::segment(sku))
}

/// How a standing is coloured.
fn tone(standing: Standing) -> &'static str {
    match standing {
        Standing::InStep => "ok",
        Standing::ToBeWritten | Standing::OnItsWay | Standing::Unsure => "warn",
        Standing::Refused | Standing::Quarantine => "bad",
        Standing::OnlyInShop
        | Standing::OnlyAtChannel
        | Standing::InBundles
        | Standing::NotOurs
        | Standing::NotComparedYet => "idle",
    }
}

/// What a kind of mismatch is called.
fn named(kind: MismatchKind) -> &'static str {
    match kind {
        MismatchKind::BundlePart => "a part of a bundle is missing",
        MismatchKind::DuplicateChannel => "twice at the channel",
        MismatchKind::DuplicateShop => "twice in the shop",
        MismatchKind::NearMiss => "almost alike",
        MismatchKind::NoListing => "only in the shop",
        MismatchKind::NoVariant => "only at the channel",
        MismatchKind::Untracked => "not tracked in the shop",
    }
}

#[derive(Template)]
#[template(path = "products.html")]
struct ListPage {
    frame: Frame,
    asked: ProductsAsked,
    /// Shops and channels that can be chosen: what is given, and what is shown.
    channels: Vec<(String, String)>,
    view: Products,
    /// The first page, when that is not the one that is shown.
    first: Option<String>,
    /// The next page.
    onward: Option<String>,
}

impl ListPage {
    fn path(&self, item: &ProductRow) -> String {
        path(self.view.shop.as_deref().unwrap_or_default(), &item.sku)
    }

    fn tone(&self, standing: &ProductStanding) -> &'static str {
        tone(standing.state)
    }

    /// The name of a channel, for a cell.
    fn title(&self, at: &usize) -> &str {
        self.view.channels.get(*at).map_or("", |c| &c.title)
    }

    fn states(&self) -> [(ProductState, &'static str); 5] {
        ProductState::ALL.map(|state| {
            let name = match state {
                ProductState::In => "in step",
                ProductState::Out => "not in step",
                ProductState::Quarantine => "held back until mended",
                ProductState::Unsure => "number not known for sure",
                ProductState::Refused => "number refused",
            };
            (state, name)
        })
    }

    fn kinds(&self) -> [(MismatchKind, &'static str); 7] {
        MismatchKind::ALL.map(|kind| (kind, named(kind)))
    }

    fn filtered(&self) -> bool {
        let a = &self.asked;
        a.channel.is_some() || a.state.is_some() || a.kind.is_some() || a.search.is_some()
    }
}

/// What a form asks for: a field that is left empty is none.
fn asked(uri: &Uri) -> Result<ProductsAsked, Failure> {
    let query = filled(uri, &[]).finish();
    let uri = Uri::builder()
        .path_and_query(format!("/?{query}"))
        .build()
        .map_err(|e| Failure::Invalid(e.to_string()))?;
    Ok(Query::try_from_uri(&uri)?.0)
}

/// The filled fields of a query, without those named.
fn filled<'a>(uri: &Uri, without: &[&str]) -> url::form_urlencoded::Serializer<'a, String> {
    let given = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let kept = given.filter(|(name, value)| !value.is_empty() && !without.contains(&&**name));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept);
    query
}

/// The address of another page of the same list: the first, or the one behind `after`.
fn other_page(uri: &Uri, after: Option<&str>) -> String {
    let mut query = filled(uri, &["after"]);
    query.extend_pairs(after.map(|after| ("after", after)));
    format!("/products?{}", query.finish())
}

pub(super) async fn list_page(
    State(app): State<App>,
    uri: Uri,
    frame: Frame,
) -> Result<Html, Failure> {
    let asked = asked(&uri)?;
    let view = view::products(&app.host, &asked).await?;
    let rows = app.host.store.read(|tx| tx.channels()).await?;
    let mut channels: Vec<(String, String)> = Vec::new();
    for shop in &view.shops {
        channels.push((shop.clone(), format!("all of {shop}")));
        let of = rows.iter().filter(|r| r.key.shop == *shop);
        channels.extend(of.map(|r| (r.key.to_string(), format!("{} ({})", r.title, r.key))));
    }
    page(&ListPage {
        frame,
        first: asked.after.as_ref().map(|_| other_page(&uri, None)),
        onward: (view.next.as_deref()).map(|next| other_page(&uri, Some(next))),
        asked,
        channels,
        view,
    })
}

#[derive(Template)]
#[template(path = "product.html")]
struct ProductPage {
    frame: Frame,
    view: Product,
}

impl ProductPage {
    fn path(&self) -> String {
        path(&self.view.shop, &self.view.sku)
    }

    /// Where another SKU's page is.
    fn path_of(&self, sku: &str) -> String {
        path(&self.view.shop, sku)
    }

    fn order(&self, order: &OrderPieces) -> String {
        format!("/orders/{}/{}", order.channel, show::segment(&order.order))
    }

    fn tone(&self, channel: &ProductChannel) -> &'static str {
        tone(channel.state)
    }

    fn kind(&self, kind: &MismatchKind) -> &'static str {
        named(*kind)
    }

    /// The newest number that was written, and what became of it.
    fn newest<'a>(&self, channel: &'a ProductChannel) -> Option<&'a PushRow> {
        channel.pushes.first()
    }

    /// What the channel told last.
    fn told<'a>(&self, channel: &'a ProductChannel) -> Option<&'a ProductListing> {
        let mut listings = channel.listings.iter();
        listings.clone().find(|l| l.linked).or(listings.next())
    }

    fn chart(&self, channel: &ProductChannel) -> String {
        chart::numbers(&channel.title, &channel.pushes)
    }

    fn pieces(&self, orders: &[OrderPieces]) -> u32 {
        orders.iter().map(|o| o.pieces).sum()
    }

    fn refused(&self) -> bool {
        (self.view.channels.iter()).any(|c| c.state == Standing::Refused)
    }

    fn bad(&self, push: &PushRow) -> bool {
        chart::failed(push)
    }
}

pub(super) async fn product_page(
    State(app): State<App>,
    Take(Path((shop, sku)), _): Take<Path<(String, String)>, Failure>,
    frame: Frame,
) -> Result<Html, Failure> {
    let view = view::product(&app.host, &shop, &sku, None).await?;
    let view = view.ok_or_else(|| {
        Failure::Unknown(format!(
            "Neither the shop \"{shop}\" nor a channel of it has the SKU \"{sku}\"."
        ))
    })?;
    page(&ProductPage { frame, view })
}

/// What a button of a SKU's page sends.
#[derive(Deserialize)]
pub(super) struct Pressed {
    /// SHOP/CHANNEL; all channels of the shop otherwise.
    #[serde(default)]
    channel: String,
}

impl Pressed {
    fn key(&self) -> Result<Option<Key>, Failure> {
        match self.channel.as_str() {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(Failure::Invalid),
        }
    }
}

type Named = Take<Path<(String, String)>, Failure>;
type Sent = Take<Form<Pressed>, Failure>;

pub(super) async fn resync(
    State(app): State<App>,
    me: Me,
    session: Session,
    Take(Path((shop, sku)), _): Named,
    Take(Form(pressed), _): Sent,
) -> Result<Redirect, Failure> {
    let key = pressed.key()?;
    let done = product::resync(&app.host, &shop, &sku, key.as_ref(), &me.actor).await;
    let said = done.map(|asked| told(&app, &sku, asked));
    answer(&session, said).await?;
    Ok(Redirect::to(&path(&shop, &sku)))
}

pub(super) async fn retry(
    State(app): State<App>,
    me: Me,
    session: Session,
    Take(Path((shop, sku)), _): Named,
    Take(Form(pressed), _): Sent,
) -> Result<Redirect, Failure> {
    let key = pressed.key()?;
    let done = product::retry(&app.host, &shop, &sku, key.as_ref(), &me.actor).await;
    let said = done.map(|asked| match asked {
        Some(asked) => told(&app, &sku, asked),
        None => format!("{sku}: no channel refuses its number any more."),
    });
    answer(&session, said).await?;
    Ok(Redirect::to(&path(&shop, &sku)))
}

/// Wakes who has something to do, and says what.
fn told(app: &App, sku: &str, asked: Asked) -> String {
    asked.due.into_iter().for_each(|key| app.wakes.wake(key));
    format!("{sku}: {}.", asked.said)
}

/// Says on the next page what was done, or why it was not. What no page can say is an answer of its own.
pub(super) async fn answer(session: &Session, done: anyhow::Result<String>) -> Result<(), Failure> {
    match done.map_err(Failure::from) {
        Ok(said) => say(session, said).await,
        Err(Failure::Conflict(why) | Failure::Invalid(why)) => {
            regret(session, format!("Not done: {why}.")).await;
        }
        Err(failure) => return Err(failure),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_are_none_and_other_pages_keep_the_rest() {
        let uri: Uri = "/products?channel=kestrel%2Fm&state=&kind=&search=a%20b&after=X"
            .parse()
            .unwrap();
        let asked = asked(&uri).unwrap();
        assert_eq!(asked.channel.as_deref(), Some("kestrel/m"));
        assert_eq!((asked.state, asked.kind), (None, None));
        assert_eq!(
            other_page(&uri, Some("Y&Z")),
            "/products?channel=kestrel%2Fm&search=a+b&after=Y%26Z"
        );
        assert_eq!(
            other_page(&uri, None),
            "/products?channel=kestrel%2Fm&search=a+b"
        );
    }
}
