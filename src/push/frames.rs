//! The frames of the protocol `qucan.v1` as text. Client frames are read strictly: an unknown type or field is a bad
//! frame. Server frames are put together by hand around JSON that is already encoded; everything put in is either
//! such JSON or an id, which never needs escaping.

use serde::Deserialize;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Utf8Bytes;

use super::topic::Topic;
use crate::engine::answer::Unavailable;

/// The subprotocol that a client must offer.
pub const SUBPROTOCOL: &str = "qucan.v1";

/// Types of frames that clients send.
pub const CLIENT_FRAMES: [&str; 5] = ["auth", "subscribe", "ack", "unsubscribe", "ping"];

/// Types of frames that the server sends.
pub const SERVER_FRAMES: [&str; 6] = ["ready", "snapshot", "event", "error", "drain", "pong"];

/// What a client may say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Who it is.
    Auth {
        /// A token as in `Authorization: Bearer`.
        token: String,
    },
    /// From now on every event of a topic.
    Subscribe {
        /// Which topic.
        topic: String,
        /// The last offset the client has; everything after it is sent.
        since: Option<u64>,
        /// The epoch of `since`; absent is the present one.
        epoch: Option<u16>,
    },
    /// The client has everything of a topic up to an offset.
    Ack {
        /// Which topic.
        topic: String,
        /// Up to where.
        offset: u64,
    },
    /// No more events of a topic.
    Unsubscribe {
        /// Which topic.
        topic: String,
    },
    /// Answered with `pong`.
    Ping {},
}

/// Reads a client's frame; the error says what is wrong with it in a few words.
pub fn parse(text: &str) -> Result<ClientFrame, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Why the server ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Close {
    /// The node stops; a `drain` frame came before.
    GoingAway,
    /// A frame that is none of the protocol's.
    BadFrame,
    /// No valid token in time, or it has expired.
    NotAuthenticated,
    /// The topic is somebody else's, or not there: which of the two is not told.
    NotYourTopic,
    /// Nothing came from the client for twice the heartbeat.
    HeartbeatMissed,
    /// The same subject opened more connections than it may have; the oldest ends.
    Replaced,
    /// A frame larger than allowed.
    TooLarge,
    /// The client reads too slowly, or sends or subscribes too much.
    TooMuch,
}

impl Close {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::GoingAway,
        Self::BadFrame,
        Self::NotAuthenticated,
        Self::NotYourTopic,
        Self::HeartbeatMissed,
        Self::Replaced,
        Self::TooLarge,
        Self::TooMuch,
    ];

    /// The close code on the wire.
    pub fn code(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::BadFrame => 4400,
            Self::NotAuthenticated => 4401,
            Self::NotYourTopic => 4403,
            Self::HeartbeatMissed => 4408,
            Self::Replaced => 4409,
            Self::TooLarge => 4413,
            Self::TooMuch => 4429,
        }
    }

    /// The contract's words for it.
    pub fn title(self) -> &'static str {
        match self {
            Self::GoingAway => "going away",
            Self::BadFrame => "bad frame",
            Self::NotAuthenticated => "not authenticated in time",
            Self::NotYourTopic => "not your topic",
            Self::HeartbeatMissed => "heartbeat missed",
            Self::Replaced => "replaced",
            Self::TooLarge => "frame too large",
            Self::TooMuch => "too slow or too many",
        }
    }

    /// The close frame; `detail` says more where there is more to say.
    pub fn frame(self, detail: Option<&str>) -> CloseFrame {
        let mut reason = self.title().to_owned();
        if let Some(detail) = detail {
            reason.push_str(": ");
            reason.push_str(detail);
        }
        // A control frame holds 125 bytes, two of them the code.
        let mut end = reason.len().min(123);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
        CloseFrame { code: self.code().into(), reason: reason.into() }
    }
}

/// What an `error` frame says, in the shape of problem+json.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    kind: &'static str,
    title: &'static str,
    status: u16,
}

impl Problem {
    /// No such thing, told to those who may know.
    pub const NOT_FOUND: Self = Self { kind: "not-found", title: "there is no such order or store", status: 404 };
    /// A topic the connection is not subscribed to.
    pub const NOT_SUBSCRIBED: Self =
        Self { kind: "not-subscribed", title: "this connection is not subscribed to the topic", status: 409 };
    /// The client claims to have what was never sent to it.
    pub const ACK_AHEAD: Self =
        Self { kind: "ack-ahead", title: "acknowledged an offset that was not sent on this connection", status: 409 };
}

impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Self {
        let (kind, title) = match unavailable {
            Unavailable::Overloaded => ("overloaded", "too many requests are waiting; subscribe again in a moment"),
            Unavailable::DiskFull => ("disk-full", "the disk is full"),
            Unavailable::StorageFailed => ("storage-failed", "storage failed; subscribe again"),
            Unavailable::Rebuilding => ("rebuilding", "order history is being rebuilt; subscribe again in a moment"),
            Unavailable::ShuttingDown => ("shutting-down", "the node is shutting down"),
            Unavailable::Fenced => ("fenced", "this node no longer serves its region"),
        };
        Self { kind, title, status: 503 }
    }
}

/// The connection is authenticated.
pub fn ready(connection: &str, epoch: u16, heartbeat_ms: u128) -> Utf8Bytes {
    format!(r#"{{"type":"ready","connection":"{connection}","epoch":{epoch},"heartbeat_ms":{heartbeat_ms}}}"#).into()
}

/// A topic's whole object as it is now.
pub fn snapshot(topic: &Topic, offset: u64, data: &str) -> Utf8Bytes {
    format!(r#"{{"type":"snapshot","topic":"{topic}","offset":{offset},"data":{data}}}"#).into()
}

/// A topic's object after one event.
pub fn event(topic: &Topic, offset: u64, event: &str, data: &str) -> Utf8Bytes {
    format!(r#"{{"type":"event","topic":"{topic}","offset":{offset},"event":"{event}","data":{data}}}"#).into()
}

/// Something that can't be done, on a connection that goes on.
pub fn error(topic: Option<&Topic>, problem: Problem) -> Utf8Bytes {
    let topic = topic.map(|topic| format!(r#""topic":"{topic}","#)).unwrap_or_default();
    let Problem { kind, title, status } = problem;
    format!(r#"{{"type":"error",{topic}"problem":{{"type":"/problems/{kind}","title":"{title}","status":{status}}}}}"#)
        .into()
}

/// The node is about to stop.
pub fn drain(reconnect_after_ms: u128) -> Utf8Bytes {
    format!(r#"{{"type":"drain","reconnect_after_ms":{reconnect_after_ms}}}"#).into()
}

/// The answer to `ping`.
pub fn pong() -> Utf8Bytes {
    Utf8Bytes::from_static(r#"{"type":"pong"}"#)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn only_the_protocols_frames_are_read() {
        let accepted = [
            r#"{"type":"auth","token":"t"}"#,
            r#"{"type":"subscribe","topic":"order/1"}"#,
            r#"{"type":"subscribe","topic":"order/1","since":7,"epoch":1}"#,
            r#"{"topic":"order/1","type":"ack","offset":7}"#,
            r#"{"type":"unsubscribe","topic":"order/1"}"#,
            r#"{"type":"ping"}"#,
        ];
        for text in accepted {
            assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
        }
        let refused = [
            "",
            "ping",
            "[]",
            r#"{"type":"ping","x":1}"#,
            r#"{"type":"pong"}"#,
            r#"{"type":"auth"}"#,
            r#"{"type":"auth","token":7}"#,
            r#"{"type":"auth","token":"t","token":"u"}"#,
            r#"{"type":"subscribe","topic":"order/1","since":-1}"#,
            r#"{"type":"subscribe","topic":"order/1","since":1.5}"#,
            r#"{"type":"subscribe","topic":"order/1","since":"1"}"#,
            r#"{"type":"subscribe","topic":"order/1","until":1}"#,
            r#"{"type":"subscribe","topic":"order/1","epoch":65536}"#,
            r#"{"type":"ack","topic":"order/1"}"#,
            r#"{"type":"ping"} {"type":"ping"}"#,
        ];
        for text in refused {
            assert!(parse(text).is_err(), "{text}: {:?}", parse(text));
        }
        let deep = format!("{}{}", r#"{"type":"ping","x":"#, "[".repeat(10_000));
        assert!(parse(&deep).is_err());
    }

    #[test]
    fn every_server_frame_is_json_of_its_type() {
        let topic: Topic = "store/sh-001".parse().unwrap();
        let frames = [
            ready("c1", 3, 30_000),
            snapshot(&topic, 4, r#"{"a":1}"#),
            event(&topic, 5, "accepted", "{}"),
            error(Some(&topic), Problem::NOT_FOUND),
            drain(100),
            pong(),
        ];
        for (frame, kind) in frames.iter().zip(SERVER_FRAMES) {
            let json: Value = serde_json::from_str(frame).unwrap();
            assert_eq!(json["type"], kind);
        }
        let json: Value = serde_json::from_str(&error(None, Unavailable::Rebuilding.into())).unwrap();
        assert_eq!(json["problem"]["type"], "/problems/rebuilding");
        assert_eq!(json.get("topic"), None);
    }

    #[test]
    fn a_close_reason_fits_into_its_frame() {
        let frame = Close::BadFrame.frame(Some(&"码".repeat(100)));
        assert!(frame.reason.len() <= 123 && frame.reason.starts_with("bad frame: 码"));
    }

    #[test]
    fn the_asyncapi_document_knows_every_frame_and_close_code() {
        let document: Value = serde_json::from_str(crate::push::ASYNCAPI).unwrap();
        let of = |operation: &str| -> Vec<String> {
            let messages = document["operations"][operation]["messages"].as_array().unwrap().iter();
            messages.map(|message| message["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect()
        };
        assert_eq!(of("toServer"), CLIENT_FRAMES);
        assert_eq!(of("toClient"), SERVER_FRAMES);
        for name in CLIENT_FRAMES {
            let example = &document["components"]["messages"][name]["examples"][0]["payload"];
            let parsed = match parse(&example.to_string()).unwrap() {
                ClientFrame::Auth { .. } => "auth",
                ClientFrame::Subscribe { .. } => "subscribe",
                ClientFrame::Ack { .. } => "ack",
                ClientFrame::Unsubscribe { .. } => "unsubscribe",
                ClientFrame::Ping {} => "ping",
            };
            assert_eq!(parsed, name);
        }
        let codes: Vec<_> = document["x-close-codes"].as_array().unwrap().iter().collect();
        assert_eq!(codes.len(), Close::ALL.len());
        for (close, documented) in Close::ALL.iter().zip(codes) {
            assert_eq!(documented["code"], close.code());
            assert_eq!(documented["title"], close.title());
        }
    }
}
