//! Tokens as an issuer of the chain would make them, good and bad.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// The secret of every test node.
pub const SECRET: &str = "a secret of more than sixteen bytes";

/// 2096: beyond whatever clock a test node follows.
const FAR: u64 = 4_000_000_000;

fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "tokens of tests expire by the real clock")]
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Signs any claims with any secret.
pub fn sign(claims: &Value, secret: &str) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

/// A customer's token.
pub fn customer(member: &str) -> String {
    sign(&json!({"sub": member, "role": "customer", "exp": FAR}), SECRET)
}

/// A store's token.
pub fn store(store: &str) -> String {
    sign(&json!({"sub": format!("pos-{store}"), "role": "store", "store": store, "exp": FAR}), SECRET)
}

/// An operator's token.
pub fn operator() -> String {
    sign(&json!({"sub": "ops", "role": "operator", "exp": FAR}), SECRET)
}

/// Tokens that must not be taken, with what is wrong with them.
pub fn bad() -> Vec<(&'static str, String)> {
    let good = json!({"sub": "m", "role": "customer", "exp": now() + 3600});
    let with = |field: &str, value: Value| {
        let mut claims = good.clone();
        claims[field] = value;
        sign(&claims, SECRET)
    };
    let without = |field: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(field);
        sign(&claims, SECRET)
    };
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let unsigned = format!("{}.{}.", encoded(&json!({"alg": "none", "typ": "JWT"})), encoded(&good));
    let mut forged = sign(&good, SECRET);
    forged.pop();
    vec![
        ("expired", with("exp", json!(now() - 3600))),
        ("another secret", sign(&good, "another secret of sixteen bytes")),
        ("algorithm none", unsigned),
        ("another region", with("region", json!("west"))),
        ("an unknown role", with("role", json!("king"))),
        ("a store without its store", with("role", json!("store"))),
        ("no expiry", without("exp")),
        ("no subject", without("sub")),
        ("an empty subject", with("sub", json!(""))),
        ("not valid yet", with("nbf", json!(now() + 3600))),
        ("a cut signature", forged),
        ("nonsense", "nonsense".to_owned()),
        ("nothing", String::new()),
    ]
}
