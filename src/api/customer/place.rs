//! Placing an order: the body becomes a command, or is refused before the engine hears of it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::AppState;
use crate::api::answer::{self, submit, unexpected};
use crate::api::auth::Customer;
use crate::api::body::{JsonBody, NoQuery, RequiredKey};
use crate::api::problem::{Kind, Problem};
use crate::api::request_id::RequestId;
use crate::api::text::short;
use crate::domain::command::{Command, PlaceOrder, RequestedLine, RequestedOption};
use crate::domain::id::{IdempotencyKey, MemberId, OptionId};
use crate::domain::money::Fen;
use crate::engine::answer::Answer;
use crate::view::OrderView;

/// An order as a customer asks for it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaceOrder)]
pub struct PlaceOrderBody {
    /// Where.
    store: String,
    /// What.
    #[schema(min_items = 1)]
    lines: Vec<LineBody>,
    /// Id of a coupon to use.
    coupon: Option<String>,
    /// Words to the kitchen.
    #[schema(max_length = 200)]
    note: Option<String>,
    /// What the customer believes is payable; refused if it is something else.
    expected_total: Option<i64>,
    /// How it reaches the customer; pickup where not said.
    fulfilment: Option<FulfilmentBody>,
}

/// One line of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaceOrderLine)]
pub struct LineBody {
    /// What.
    sku: String,
    /// How many.
    #[schema(minimum = 1)]
    quantity: u32,
    /// With which choices.
    options: Option<Vec<OptionBody>>,
}

/// One choice of a line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaceOrderOption)]
pub struct OptionBody {
    /// The option group.
    option: String,
    /// The choice within it.
    choice: String,
}

/// How it reaches the customer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaceOrderFulfilment)]
pub struct FulfilmentBody {
    /// `pickup`; others are not offered yet.
    kind: String,
}

/// Places an order. The same key and body again is the same order, as it is then.
#[utoipa::path(post, path = "/v1/orders", tag = "customer", security(("token" = [])),
    params(("Idempotency-Key" = String, Header, min_length = 1, max_length = 64,
            description = "1 to 64 visible ASCII characters, the subject's own, kept for 24 h")),
    request_body = PlaceOrderBody,
    responses((status = 200, description = "This key placed this order before", body = OrderView),
              (status = 201, description = "A new order", body = OrderView,
               headers(("Location" = String, description = "The order")))))]
pub async fn place_order(
    State(state): State<Arc<AppState>>,
    Customer(member, actor): Customer,
    _: NoQuery,
    RequiredKey(key): RequiredKey,
    request_id: RequestId,
    JsonBody(body): JsonBody<PlaceOrderBody>,
) -> Result<Response, Problem> {
    let command = Command::PlaceOrder(Box::new(body.into_command(member, key)?));
    match submit(&state, command, actor, request_id).await? {
        Answer::Order { order, fresh: false } => Ok(answer::order(&state, StatusCode::OK, &order)),
        Answer::Order { order, fresh: true } => {
            let mut response = answer::order(&state, StatusCode::CREATED, &order);
            if let Ok(location) = HeaderValue::try_from(format!("/v1/orders/{}", order.id)) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            Ok(response)
        }
        other => Err(unexpected(&other)),
    }
}

impl PlaceOrderBody {
    /// A text that can't be an id names nothing on sale: the same answer as for an id that isn't there.
    fn into_command(self, member: MemberId, key: IdempotencyKey) -> Result<PlaceOrder, Problem> {
        if let Some(FulfilmentBody { kind }) = &self.fulfilment
            && kind != "pickup"
        {
            return Err(Problem::new(Kind::FulfilmentNotOffered, "only pickup is offered"));
        }
        if self.lines.is_empty() {
            return Err(Problem::malformed("lines", "an order has at least one line"));
        }
        let store = self.store.parse().map_err(|_| {
            Problem::new(Kind::UnknownStore, "there is no such store").with("store", self.store.as_str())
        })?;
        let lines = self.lines.iter().enumerate().map(|(index, line)| line.to_command(index));
        let coupon = self.coupon.as_deref().map(|text| {
            text.parse().map_err(|_| {
                Problem::new(Kind::CouponNotUsable, "the coupon can't be used: there is no such coupon")
                    .with("coupon", text)
            })
        });
        Ok(PlaceOrder {
            member,
            store,
            lines: lines.collect::<Result<_, _>>()?,
            coupon: coupon.transpose()?,
            note: short("note", self.note.as_deref())?,
            expected_total: self.expected_total.map(Fen),
            key,
        })
    }
}

impl LineBody {
    fn to_command(&self, index: usize) -> Result<RequestedLine, Problem> {
        if self.quantity == 0 {
            return Err(Problem::malformed(&format!("lines[{index}].quantity"), "at least 1"));
        }
        let unknown = |kind, detail: &str| Problem::new(kind, detail).with("sku", self.sku.as_str());
        let sku = self.sku.parse().map_err(|_| unknown(Kind::UnknownItem, "this is not sold here"))?;
        let id = |text: &str| {
            text.parse::<OptionId>()
                .map_err(|_| unknown(Kind::UnknownOption, "the item has no such option or choice").with("option", text))
        };
        let options = self.options.iter().flatten().map(|chosen| {
            Ok::<_, Problem>(RequestedOption { option: id(&chosen.option)?, choice: id(&chosen.choice)? })
        });
        Ok(RequestedLine { sku, quantity: self.quantity, options: options.collect::<Result<_, Problem>>()? })
    }
}
