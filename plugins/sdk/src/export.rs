//! The macros that turn an author's type into the exports of a component.

/// Exports a connector: `connector!(Acme: about, listings, stock, orders);`. The component exports exactly the
/// capabilities that are named, and the type must implement the trait of each. Natively it only checks that.
#[macro_export]
macro_rules! connector {
    ($type:ident: $($capability:ident),+ $(,)?) => {
        $($crate::__capability!($capability, $type);)+
    };
}

/// Exports an extra: `extra!(OrderTags: order_edits);`. See [`connector!`](crate::connector).
#[macro_export]
macro_rules! extra {
    ($type:ident: $($capability:ident),+ $(,)?) => {
        $($crate::__capability!($capability, $type);)+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __capability {
    (about, $type:ident) => {
        $crate::__export!(about, export_about, About, $type,
            identify() -> Result<$crate::types::Account, $crate::types::Fault>;
        );
    };
    (listings, $type:ident) => {
        $crate::__export!(listings, export_listings, Listings, $type,
            page(cursor: Option<String>, stock: bool) -> Result<$crate::listings::ListingPage, $crate::types::Fault>;
            by_id(ids: Vec<String>) -> Result<Vec<$crate::types::Listing>, $crate::types::Fault>;
            by_sku(skus: Vec<String>) -> Result<Vec<$crate::types::Listing>, $crate::types::Fault>;
        );
    };
    (stock, $type:ident) => {
        $crate::__export!(stock, export_stock, Stock, $type,
            push(levels: Vec<$crate::stock::Level>) -> Result<Vec<$crate::stock::Outcome>, $crate::types::Fault>;
            settle(ticket: String) -> Result<$crate::stock::Settlement, $crate::types::Fault>;
        );
    };
    (orders, $type:ident) => {
        $crate::__export!(orders, export_orders, Orders, $type,
            changed(since: String, cursor: Option<String>) -> Result<$crate::orders::OrderPage, $crate::types::Fault>;
            by_id(ids: Vec<String>) -> Result<Vec<$crate::types::Order>, $crate::types::Fault>;
        );
    };
    (acceptance, $type:ident) => {
        $crate::__export!(acceptance, export_acceptance, Acceptance, $type,
            decide(order: String, decisions: Vec<$crate::acceptance::Decision>) -> Result<(), $crate::types::Fault>;
        );
    };
    (fulfillments, $type:ident) => {
        $crate::__export!(fulfillments, export_fulfillments, Fulfillments, $type,
            carriers() -> Result<Vec<$crate::fulfillments::CarrierEntry>, $crate::types::Fault>;
            prepare(parcel: $crate::fulfillments::Parcel) -> Result<$crate::fulfillments::Sent, $crate::types::Fault>;
            ship(parcel: $crate::fulfillments::Parcel) -> Result<$crate::fulfillments::Sent, $crate::types::Fault>;
        );
    };
    (cancellations, $type:ident) => {
        $crate::__export!(cancellations, export_cancellations, Cancellations, $type,
            reasons() -> Result<Vec<$crate::cancellations::ReasonEntry>, $crate::types::Fault>;
            cancel(drops: Vec<$crate::cancellations::Drop>) -> Result<$crate::cancellations::Dropped, $crate::types::Fault>;
        );
    };
    (webhooks, $type:ident) => {
        $crate::__export!(webhooks, export_webhooks, Webhooks, $type,
            list() -> Result<Vec<$crate::webhooks::Subscription>, $crate::types::Fault>;
            ensure(url: String) -> Result<$crate::webhooks::Subscription, $crate::types::Fault>;
            remove(id: String) -> Result<(), $crate::types::Fault>;
            parse(headers: Vec<$crate::webhooks::Header>, body: Vec<u8>) -> Result<Vec<$crate::webhooks::Hint>, $crate::types::Fault>;
        );
    };
    (order_edits, $type:ident) => {
        $crate::__export!(@extra order_edits, export_order_edits, OrderEdits, $type,
            edits(draft: $crate::order_edits::Draft) -> Result<Vec<$crate::order_edits::Edit>, String>;
        );
    };
    (stock_edits, $type:ident) => {
        $crate::__export!(@extra stock_edits, export_stock_edits, StockEdits, $type,
            adjust(positions: Vec<$crate::stock_edits::Position>) -> Result<Vec<u32>, String>;
        );
    };
    (bundles, $type:ident) => {
        $crate::__export!(@extra bundles, export_bundles, Bundles, $type,
            parts(candidates: Vec<$crate::bundles::Candidate>) -> Result<Vec<Vec<$crate::bundles::Part>>, String>;
        );
    };
    ($other:ident, $type:ident) => {
        compile_error!(concat!(
            "there is no capability `", stringify!($other), "`; connectors have about, listings, stock, orders, acceptance, ",
            "fulfillments, cancellations and webhooks, extras have order_edits, stock_edits and bundles"
        ));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    (@extra $($rest:tt)*) => { $crate::__export!(@with $crate::cx::ExtraCx; $($rest)*); };
    (@with $cx:ty; $module:ident, $export:ident, $trait:ident, $type:ident,
        $($function:ident($($name:ident: $of:ty),*) -> $answer:ty;)+) => {
        const _: () = {
            const fn implements<T: $crate::$trait>() {}
            implements::<$type>();
        };
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            struct Component;
            impl $crate::bindings::$module::exports::lockstep::plugin::$module::Guest for Component {
                $(fn $function($($name: $of),*) -> $answer {
                    <$type as $crate::$trait>::$function(<$cx>::host() $(, $name)*)
                })+
            }
            $crate::bindings::$module::$export!(Component with_types_in $crate::bindings::$module);
        };
    };
    ($($rest:tt)*) => { $crate::__export!(@with $crate::cx::Cx; $($rest)*); };
}
