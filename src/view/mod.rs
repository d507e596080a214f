//! The contract's JSON shapes of what the domain knows: orders, boards, stock, coupons, campaigns, stores, menus.
//! They borrow from the domain types and are written once for a GET, a push and, later, the centre. Never here:
//! decisions, lookups, anything that waits.

pub mod board;
pub mod coupon;
pub mod menu;
pub mod order;
pub mod stock;
pub mod store;
pub mod text;
pub mod time;

pub use board::BoardView;
pub use coupon::{CampaignView, CouponView};
pub use menu::{MenuItemView, MenuView};
pub use order::{OrderView, encode_order};
pub use stock::StockLineView;
pub use store::{AcceptingView, StoreListing};
pub use text::NameView;
pub use time::Rfc3339;
