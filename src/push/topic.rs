//! What can be subscribed to: `order/ID`, `store/ID`, `board/ID`.

use std::fmt;
use std::str::FromStr;

use crate::domain::id::{OrderId, StoreId};

/// One topic. Its offsets are counters of the domain, gapless within an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Every change of one order.
    Order(OrderId),
    /// Every change of every order of one store.
    Store(StoreId),
    /// Every change of one store's call screen.
    Board(StoreId),
}

/// A text that names no topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotATopic {
    /// None of the three kinds.
    #[error("not a topic: order/ID, store/ID or board/ID")]
    Kind,
    /// Nothing has such an id: as if it were not there.
    #[error("nothing has such an id")]
    Id,
}

impl Topic {
    /// The kind's name in metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Order(_) => "order",
            Self::Store(_) => "store",
            Self::Board(_) => "board",
        }
    }
}

impl FromStr for Topic {
    type Err = NotATopic;

    fn from_str(text: &str) -> Result<Self, NotATopic> {
        let (kind, id) = text.split_once('/').ok_or(NotATopic::Kind)?;
        match kind {
            "order" => id.parse().map(Self::Order).map_err(|_| NotATopic::Id),
            "store" => id.parse().map(Self::Store).map_err(|_| NotATopic::Id),
            "board" => id.parse().map(Self::Board).map_err(|_| NotATopic::Id),
            _ => Err(NotATopic::Kind),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(id) => write!(f, "order/{id}"),
            Self::Store(id) => write!(f, "store/{id}"),
            Self::Board(id) => write!(f, "board/{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_survives_text_and_nothing_else_is_one() {
        for text in ["order/261123-7K2M9QX-1-4D2", "store/sh-001", "board/sh-001"] {
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
        for text in ["", "order", "menu/sh-001", "Store/sh-001", "/sh-001"] {
            assert_eq!(text.parse::<Topic>(), Err(NotATopic::Kind), "{text:?}");
        }
        for text in ["order/", "order/x", "store/", "store/a b", "board/a/b"] {
            assert_eq!(text.parse::<Topic>(), Err(NotATopic::Id), "{text:?}");
        }
    }
}
