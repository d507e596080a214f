//! What a customer puts together from a menu, and what it must cost by the customer's own arithmetic.

use serde_json::{Value, json};

use super::dice::Dice;

/// A store's menu as the contract answers it.
#[derive(Debug, Clone)]
pub struct Menu(pub Value);

/// A coupon that a customer holds, with what it is for.
#[derive(Debug, Clone)]
pub struct Coupon {
    /// Its id.
    pub id: String,
    /// The item that it makes cheaper.
    pub sku: String,
    /// What one unit then costs.
    pub pay_price: i64,
}

/// What is asked for, and what it must cost.
#[derive(Debug, Clone, Default)]
pub struct Basket {
    /// `lines` of the request.
    pub lines: Vec<Value>,
    /// SKU and quantity of each line.
    pub units: Vec<(String, u32)>,
    /// Lines together.
    pub total: i64,
    /// What the coupon takes off.
    pub discount: i64,
}

impl Menu {
    fn items(&self) -> &[Value] {
        self.0.get("items").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Puts one to three things into a basket, the coupon's among them.
    pub fn compose(&self, coupon: Option<&Coupon>, dice: &mut Dice) -> Basket {
        let mut basket = Basket::default();
        if let Some(coupon) = coupon
            && let Some(item) = self.items().iter().find(|item| text(item, "sku") == coupon.sku)
        {
            basket.add(item, 1, dice);
            basket.discount = (number(item, "price") - coupon.pay_price).max(0);
        }
        let more = if basket.lines.is_empty() { 1 + dice.below(3) } else { dice.below(2) };
        for _ in 0..more {
            // Sold out things are passed over, as a person would; the last one may still be gone a moment later.
            let left: Vec<&Value> =
                self.items().iter().filter(|item| item.get("available") != Some(&json!(0))).collect();
            if let Some(item) = dice.one_of(&left) {
                let quantity = if dice.percent(15) { 2 } else { 1 };
                basket.add(item, quantity, dice);
            }
        }
        basket
    }
}

impl Basket {
    /// What is to pay.
    pub fn payable(&self) -> i64 {
        self.total - self.discount
    }

    fn add(&mut self, item: &Value, quantity: u32, dice: &mut Dice) {
        let mut unit = number(item, "price");
        let mut chosen = Vec::new();
        for group in item.get("options").and_then(Value::as_array).map_or(&[][..], Vec::as_slice) {
            let choices = group.get("choices").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let (min, max) = (number(group, "min"), number(group, "max"));
            let wanted = if max > min && dice.percent(30) { min + 1 } else { min };
            let wanted = usize::try_from(wanted).unwrap_or(0).min(choices.len());
            let first = dice.below(choices.len());
            for choice in choices.iter().cycle().skip(first).take(wanted) {
                unit += number(choice, "price");
                chosen.push(json!({"option": text(group, "id"), "choice": text(choice, "id")}));
            }
        }
        let sku = text(item, "sku");
        let mut line = json!({"sku": sku, "quantity": quantity});
        if let Some(fields) = line.as_object_mut().filter(|_| !chosen.is_empty()) {
            fields.insert("options".to_owned(), Value::Array(chosen));
        }
        self.lines.push(line);
        self.units.push((sku.to_owned(), quantity));
        self.total += unit * i64::from(quantity);
    }
}

/// A text field; empty where it is missing.
pub fn text<'a>(json: &'a Value, field: &str) -> &'a str {
    json.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A number; 0 where it is missing.
pub fn number(json: &Value, field: &str) -> i64 {
    json.get(field).and_then(Value::as_i64).unwrap_or_default()
}
