//! What people and programs are shown: pages, the JSON API and commands read the same views.
//!
//! A view is made in one read of the database. Each field is documented where it is declared; the API's description is
//! made from here.

mod activity;
mod channel;
mod edited;
mod order;
mod orders;
mod overview;

pub use activity::{ACTIVITY_MOST, AuditPage, EventFilter, EventPage, EventView, audits, events};
pub use channel::{
    ChangeView, ChannelView, CycleView, ExtraView, LocationView, MismatchGroup, PlanView,
    SettingView, because, channel, meaning, plan, policy_settings, settings_of,
};
pub use edited::{Edited, EditedPart, EditedRow, Sign, edited};
pub use order::{
    CreatedLine, CreatedMoney, OrderLine, OrderMoney, OrderView, Parcel, Question, address_lines,
    order,
};
pub use orders::{
    OrderItem, OrderList, OrdersAsked, PAGE_MOST, Sold, SortAsked, StateAsked, orders,
};
pub use overview::{ChannelOverview, CycleMark, Need, NeedKind, Overview, Urgent, overview};
mod near;
mod plugins;
mod product;
mod products;
mod webhooks;
mod why;

pub use near::{NearMiss, Piece};
pub use plugins::{
    Difference, PluginDetail, PluginKind, PluginLog, PluginRow, PluginSetting, PluginState,
    PluginUse, Plugins, SeenVersion, Waiting, of_file, plugin, plugin_log, plugins,
};
pub use product::{
    Product, ProductChannel, ProductLevel, ProductPart, ProductVariant, Quarantine, product,
};
pub use products::{
    LONGEST_PAGE, PAGE, ProductRow, ProductStanding, Products, ProductsAsked, ProductsChannel,
    Standing, products,
};
pub use webhooks::{WebhookSource, WebhookState, webhooks};

use crate::model::Instant;

/// Date and time without fractions, UTC.
pub fn clock(at: Instant) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// "in 3 h 12 min", "now" or "5 min ago".
pub fn relative(at: Instant, now: Instant) -> String {
    let seconds = at.duration_since(now).as_secs();
    if seconds.unsigned_abs() < 2 {
        return "now".into();
    }
    let text = span(seconds.unsigned_abs());
    if seconds >= 0 {
        format!("in {text}")
    } else {
        format!("{text} ago")
    }
}

/// A length of time as people say it: "12 s", "3 h 12 min", "4 days".
pub fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}
