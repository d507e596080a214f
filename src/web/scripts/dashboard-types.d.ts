// The shapes of the centre's API as far as the dashboard uses them, for the type check alone: nothing of this is served.

declare namespace Hq {
  type Revenue = number | Record<string, number>;
  interface Today {
    placed: number; paid: number; accepted: number; ready: number; collected: number; cancelled: number; rejected: number;
    revenue: Revenue; wait_seconds?: number;
  }
  interface Open { awaiting_payment: number; paid: number; accepted: number; ready: number }
  interface Cause { code: string; seconds?: number; detail?: string }
  interface Region {
    region: string; epoch: number; connected: boolean; health: string; reason?: string; cause?: Cause; last_sequence: number; applied_sequence: number;
    lag: { entries: number; bytes: number; seconds: number }; last_heard_at?: string; fenced?: { reason: string; detail?: string; at?: string };
    needs_seed?: boolean; gaps?: Gap[]; stores: number; open_orders: number; today: Today; currency?: string;
  }
  interface Gap { first_sequence: number; last_sequence: number; from: string; to: string; at: string }
  interface StockOut { region: string; store: string; store_name: string; sku: string; name: Name }
  interface Campaign { region: string; id: string; name: Name; sku: string; quota: number; claimed: number; remaining: number; starts_at: string; ends_at: string }
  interface Summary {
    at: string; regions: { total: number; connected: number; fenced: number }; stores: { total: number; open: number; paused: number };
    open: Open; today: Today; currency?: string; stock_outs: StockOut[]; stock_outs_total: number; campaigns: Campaign[];
  }
  interface Minute { at: string; orders: number; paid: number; rejected: number; revenue: Revenue; wait?: number }
  interface Picture { at: string; summary: Summary; regions: Region[]; minute?: Minute | null }
  interface Store {
    id: string; name: string; city: string; open: boolean; accepting: boolean; paused?: { reason?: string; until?: string }; wait_minutes?: number;
    open_orders: Open; today: Today; stock_outs: string[];
  }
  interface Step { sequence: number; event: string; at: string; actor?: { role?: string; subject?: string }; device?: string; request_id?: string }
  interface Order extends globalThis.Order { region: string; member: string; business_day: string; history?: Step[]; history_complete?: boolean }
  interface Series {
    metric: string; window: string; step_seconds: number; unit: string; currency?: string; from: string; to: string; points: (number | null)[];
    compare?: { kind: string; from: string; to: string; points: (number | null)[] };
  }
  interface Place {
    view: "overview" | "region" | "store" | "orders" | "order"; region: string; store: string; order: string;
    metric: string; window: string; compare: string; by: "wait" | "rejected" | "orders"; q: string; status: string; from: string; to: string; table: string;
  }
  type Changes = Partial<Place>;
  interface Wanted { path: string; every: number }
}
