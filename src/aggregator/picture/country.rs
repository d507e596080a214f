//! The whole country at one moment.

use serde::Serialize;
use utoipa::ToSchema;

use super::region::RegionEntry;
use super::store::pause_at;
use super::today::{OpenView, Revenue, Sum, TodayView};
use crate::aggregator::figures::Minute;
use crate::aggregator::region::Region;
use crate::aggregator::regions::Regions;
use crate::domain::catalog::Name;
use crate::domain::time::Timestamp;
use crate::engine::views::OpenCounts;
use crate::limits::STOCK_OUTS_LISTED_MAX;
use crate::view::Rfc3339;

/// How many regions, and how they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct RegionCounts {
    /// All.
    pub total: usize,
    /// Whose node ships.
    pub connected: usize,
    /// Of which a node was refused.
    pub fenced: usize,
}

/// How many stores, and how they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct StoreCounts {
    /// On sale.
    pub total: usize,
    /// Whose hours say open.
    pub open: usize,
    /// Paused by themselves.
    pub paused: usize,
}

/// A name in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NameText {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl From<&Name> for NameText {
    fn from(name: &Name) -> Self {
        Self { zh: name.zh.to_string(), en: name.en.to_string() }
    }
}

/// Something sold out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StockOut)]
pub struct StockOutView {
    /// In which region.
    pub region: String,
    /// At which store.
    pub store: String,
    /// The store's name.
    pub store_name: String,
    /// What.
    pub sku: String,
    /// Its name.
    pub name: NameText,
}

/// A campaign of a region and how much of it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CampaignBurn)]
pub struct CampaignBurnView {
    /// Whose.
    pub region: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: NameText,
    /// What the coupon is for.
    pub sku: String,
    /// How many coupons there are.
    pub quota: u32,
    /// How many were claimed.
    pub claimed: u32,
    /// How many are left.
    pub remaining: u32,
    /// First instant.
    #[schema(value_type = String, format = DateTime)]
    pub starts_at: Rfc3339,
    /// First instant after it.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Rfc3339,
}

/// The country in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Summary {
    /// When it was looked at.
    #[schema(value_type = String, format = DateTime)]
    pub at: Rfc3339,
    /// Regions.
    pub regions: RegionCounts,
    /// Stores.
    pub stores: StoreCounts,
    /// Open orders.
    pub open: OpenView,
    /// Every store's present business day, summed.
    pub today: TodayView,
    /// ISO 4217; left out where regions have different ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "CNY")]
    pub currency: Option<String>,
    /// What is sold out, at most 50.
    pub stock_outs: Vec<StockOutView>,
    /// How many there are.
    pub stock_outs_total: usize,
    /// Campaigns on sale.
    pub campaigns: Vec<CampaignBurnView>,
}

/// The running minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MinuteFigures)]
pub struct MinuteView {
    /// Its first instant.
    #[schema(value_type = String, format = DateTime)]
    pub at: Rfc3339,
    /// Orders placed in it.
    pub orders: u64,
    /// Orders paid in it.
    pub paid: u64,
    /// Payable of those, in minor units; an object by currency where they differ.
    pub revenue: Revenue,
    /// Orders rejected in it.
    pub rejected: u64,
    /// Mean seconds from paid to ready of the orders made ready in it; left out where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub wait: Option<u64>,
}

/// Everything the dashboard shows at once.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Picture {
    /// When it was looked at.
    #[schema(value_type = String, format = DateTime)]
    pub at: Rfc3339,
    /// The country.
    pub summary: Summary,
    /// Its regions.
    pub regions: Vec<RegionEntry>,
    /// The running minute.
    pub minute: MinuteView,
}

#[derive(Default)]
struct Country {
    regions: RegionCounts,
    stores: StoreCounts,
    open: OpenCounts,
    today: Sum,
    minute: Sum,
    stock_outs: Vec<StockOutView>,
    stock_outs_total: usize,
    campaigns: Vec<CampaignBurnView>,
    entries: Vec<RegionEntry>,
}

impl Picture {
    /// The country at `now`.
    pub fn of(regions: &Regions, now: Timestamp) -> Self {
        let mut country = Country::default();
        for region in regions.all() {
            country.add(&region, now);
        }
        for (region, why) in regions.broken() {
            country.regions.total += 1;
            country.entries.push(RegionEntry::broken(&region, &why));
        }
        country.entries.sort_by(|a, b| a.region.cmp(&b.region));
        let minute = country.minute.view();
        let currency = country.today.currency().map(|currency| currency.as_str().to_owned());
        Self {
            at: Rfc3339(now),
            summary: Summary {
                at: Rfc3339(now),
                regions: country.regions,
                stores: country.stores,
                open: country.open.into(),
                today: country.today.view(),
                currency,
                stock_outs: country.stock_outs,
                stock_outs_total: country.stock_outs_total,
                campaigns: country.campaigns,
            },
            regions: country.entries,
            minute: MinuteView {
                at: Rfc3339(Minute::of(now).begins()),
                orders: minute.placed,
                paid: minute.paid,
                revenue: minute.revenue,
                rejected: minute.rejected,
                wait: minute.wait_seconds,
            },
        }
    }

    /// Whether it shows the same as another one, but for the time.
    pub fn shows_the_same_as(&self, other: &Self) -> bool {
        self.regions == other.regions
            && self.minute == other.minute
            && self.summary == Summary { at: self.at, ..other.summary.clone() }
    }
}

impl Country {
    fn add(&mut self, region: &Region, now: Timestamp) {
        let (entry, today, currency) = RegionEntry::of(region, now);
        self.regions.total += 1;
        self.regions.connected += usize::from(entry.connected);
        self.regions.fenced += usize::from(entry.fenced.is_some());
        // A region that has never sold anything says nothing about the currency.
        if entry.last_sequence > 0 && entry.stores > 0 || today.placed > 0 {
            self.today.add(&today, currency);
            self.minute.add(&region.figures().minute(Minute::of(now)), currency);
        }
        self.entries.push(entry);
        let views = region.reads().views();
        self.open += views.open_counts();
        let catalog = views.catalog();
        region.stock_outs().keep_only(&catalog);
        for store in catalog.stores.values() {
            self.stores.total += 1;
            self.stores.open += usize::from(store.open_at(now));
            self.stores.paused += usize::from(pause_at(views.pause(&store.id), now).is_some());
            let skus = region.stock_outs().of(views, &catalog, &store.id);
            self.stock_outs_total += skus.len();
            let room = STOCK_OUTS_LISTED_MAX.saturating_sub(self.stock_outs.len());
            let items = skus.iter().filter_map(|sku| catalog.items.get(sku));
            self.stock_outs.extend(items.take(room).map(|item| StockOutView {
                region: region.id().to_string(),
                store: store.id.to_string(),
                store_name: store.name.to_string(),
                sku: item.sku.to_string(),
                name: (&item.name).into(),
            }));
        }
        for campaign in catalog.campaigns.values() {
            let claimed = views.claimed(&campaign.id);
            self.campaigns.push(CampaignBurnView {
                region: region.id().to_string(),
                id: campaign.id.to_string(),
                name: (&campaign.name).into(),
                sku: campaign.sku.to_string(),
                quota: campaign.quota,
                claimed,
                remaining: campaign.quota.saturating_sub(claimed),
                starts_at: Rfc3339(campaign.starts_at),
                ends_at: Rfc3339(campaign.ends_at),
            });
        }
    }
}
