//! Lockstep connector for THE ICONIC: the Seller Center REST API, version 2.
//!
//! | File | Holds |
//! |---|---|
//! | `api` | requests, and what statuses and error bodies mean |
//! | `json`, `time`, `address` | tolerant reading of what the API sends |
//! | `listings`, `stock` | the catalogue and writing stock |
//! | `orders`, `order`, `line`, `item` | reading orders |
//! | `status` | packed, ready to ship, shipped |
//! | `cancel`, `webhooks`, `about` | the rest of the contract |
//!
//! Listing ids are product ids, line ids are order item ids (one item is one piece). Facts on listings:
//! `shop-sku`, `variation`, `approval`. Facts on lines: `tracking-code`, `serial-number`, `purchase-order`,
//! `invoice-number`, `manifest`, `wallet-credits`, `store-credits`, `cash-on-delivery`, `gst-free`. Facts on
//! orders: `voucher`, `source`, `region`, `extra-attributes`.

pub mod about;
pub mod address;
pub mod api;
pub mod bindings;
pub mod cancel;
pub mod item;
pub mod json;
pub mod line;
pub mod listings;
pub mod order;
pub mod orders;
pub mod outside;
pub mod status;
pub mod stock;
pub mod time;
pub mod webhooks;

#[cfg(test)]
mod fake;

#[cfg(target_arch = "wasm32")]
mod component;
