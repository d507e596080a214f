//! What headquarters sees: the country, its regions and their stores at one moment, made of views and figures in memory.
//! Never here: HTTP, files, anything that waits.

mod country;
mod health;
mod region;
mod stock_outs;
mod store;
mod today;

pub use self::country::{MinuteView, Picture, Summary};
pub use self::health::Health;
pub use self::region::{LagView, RegionEntry};
pub use self::stock_outs::StockOutsCache;
pub use self::store::{StoreEntry, stores_of};
pub use self::today::{OpenView, Revenue, TodayView};
