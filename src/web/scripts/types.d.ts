// The shapes of the node's API as far as the pages use them, for the type check alone: nothing of this is served.

interface Name { zh?: string; en?: string }
interface Store {
  id: string; name: string; city: string; address: string; lat?: number; lon?: number; timezone?: string;
  open: boolean; accepting: boolean; wait_minutes: number; distance_m?: number;
}
interface Choice { id: string; name: Name; price: number }
interface OptionGroup { id: string; name: Name; min: number; max: number; choices: Choice[] }
interface MenuItem { sku: string; name: Name; category: string; price: number; options?: OptionGroup[]; available: number | null; image?: string }
interface Menu { store: string; version: string; currency: string; items: MenuItem[] }
interface Campaign { id: string; name: Name; sku: string; pay_price: number; quota: number; remaining: number; per_member: number; starts_at: string; ends_at: string }
interface Coupon { id: string; campaign: string; status: string; expires_at?: string }
interface PickedOption { option: string; choice: string; name?: Name }
interface OrderLine { sku: string; name: Name; quantity: number; options?: PickedOption[]; unit_price: number; amount: number; discount: number; tax?: number }
interface Order {
  id: string; store: string; status: string; offset: number; lines: OrderLine[]; currency: string; total: number; discount: number; payable: number;
  pickup_code?: string; note?: string; position?: number; ahead?: number; wait_minutes?: number; reason?: string; refund?: { status: string; amount: number };
  created_at: string; pay_by?: string; paid_at?: string; accepted_at?: string; ready_at?: string; collected_at?: string; closed_at?: string;
}
interface StockLine { sku: string; available: number | null; reserved: number; sold: number }
interface Board { preparing: string[]; ready: string[] }
interface Accepting { accepting: boolean; reason?: string; until?: string }

interface CartLine { id: string; sku: string; quantity: number; options: PickedOption[] }
interface Cart { lines: CartLine[]; note: string; coupon: { id: string; campaign: string } | null }
interface CartSum {
  lines: { line: CartLine; item: MenuItem | undefined; unit: number }[];
  gone: boolean; count: number; total: number; discount: number; payable: number; applied: boolean;
}

type Child = Node | string | number | null | undefined | false | Child[];
interface TopicHandlers { snapshot(data: any): void; event(name: string, data: any): void; poll?(): Promise<unknown>; problem?(problem: any): void }
interface Tokens { get(): string | null; renew(): Promise<boolean> }
