//! Tokens: the good ones are taken and remembered, every other kind is refused.

use super::*;
use crate::engine::clock::ManualClock;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::time::Duration;

const SECRET: &[u8] = b"a secret of thirty-two bytes....";
const NOW: i64 = 1_795_000_000;

const ED_PRIVATE: &str = include_str!("../../../tests/keys/ed25519.key.pem");
const ED_PUBLIC: &str = include_str!("../../../tests/keys/ed25519.pub.pem");
const EC_PRIVATE: &str = include_str!("../../../tests/keys/p256.key.pem");
const EC_PUBLIC: &str = include_str!("../../../tests/keys/p256.pub.pem");

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp(NOW * 1000)))
}

fn authenticator(keys: KeySet, clock: Arc<ManualClock>) -> Authenticator {
    Authenticator::new(keys, Some("east".parse().unwrap()), clock, 1_000)
}

fn hs256() -> Authenticator {
    authenticator(KeySet::hs256(SECRET).unwrap(), clock())
}

fn sign(claims: &Value, secret: &[u8]) -> String {
    encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret)).unwrap()
}

fn customer() -> Value {
    json!({"sub": "m-1", "role": "customer", "exp": NOW + 60})
}

#[test]
fn each_role_becomes_its_actor() {
    let auth = hs256();
    let identify = |claims: Value| auth.identify(&sign(&claims, SECRET)).unwrap().actor.clone();
    assert_eq!(identify(customer()), Actor::Customer("m-1".parse().unwrap()));
    let store = json!({"sub": "pos-3", "role": "store", "store": "sh-001", "exp": NOW + 60});
    assert_eq!(identify(store), Actor::Store { store: "sh-001".parse().unwrap(), subject: "pos-3".into() });
    let operator = json!({"sub": "ann", "role": "operator", "exp": NOW + 60, "region": "east", "aud": "x", "iat": 1});
    assert_eq!(identify(operator), Actor::Operator { subject: "ann".into() });
}

#[test]
fn every_other_token_is_refused_with_its_reason() {
    let auth = hs256();
    let with = |name: &str, value: Value| {
        let mut claims = customer();
        claims[name] = value;
        sign(&claims, SECRET)
    };
    let without = |name: &str| {
        let mut claims = customer();
        claims.as_object_mut().unwrap().remove(name);
        sign(&claims, SECRET)
    };
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let good = sign(&customer(), SECRET);
    let unsigned = format!("{}.{}.", part(json!({"alg": "none", "typ": "JWT"})), part(customer()));
    let none_with_signature = format!("{unsigned}{}", good.rsplit('.').next().unwrap());
    let ed_signed =
        encode(&Header::new(Algorithm::EdDSA), &customer(), &EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap())
            .unwrap();
    let hs512 = encode(&Header::new(Algorithm::HS512), &customer(), &EncodingKey::from_secret(SECRET)).unwrap();
    let mut swapped: Vec<&str> = good.split('.').collect();
    let other_claims = part(json!({"sub": "m-2", "role": "operator", "exp": NOW + 60}));
    swapped[1] = &other_claims;
    let table = [
        ("empty", String::new(), AuthError::Kind),
        ("not a token", "abc".into(), AuthError::Kind),
        ("dots", "..".into(), AuthError::Kind),
        ("alg none", unsigned, AuthError::Kind),
        ("alg none with a signature", none_with_signature, AuthError::Kind),
        ("an algorithm without a key", ed_signed, AuthError::Kind),
        ("a sister algorithm with our secret", hs512, AuthError::Kind),
        ("another secret", sign(&customer(), b"another secret of some length"), AuthError::Signature),
        ("claims exchanged", swapped.join("."), AuthError::Signature),
        ("signature cut", good[..good.len() - 3].into(), AuthError::Signature),
        ("expired", with("exp", json!(NOW - 6)), AuthError::Expired),
        ("expired, a fraction", with("exp", json!(NOW as f64 - 5.5)), AuthError::Expired),
        ("no exp", without("exp"), AuthError::Claims),
        ("exp of another type", with("exp", json!("tomorrow")), AuthError::Claims),
        ("not yet", with("nbf", json!(NOW + 60)), AuthError::NotYet),
        ("another region", with("region", json!("south")), AuthError::Region),
        ("no subject", without("sub"), AuthError::Claims),
        ("empty subject", with("sub", json!("")), AuthError::Claims),
        ("long subject", with("sub", json!("x".repeat(65))), AuthError::Claims),
        ("no role", without("role"), AuthError::Claims),
        ("unknown role", with("role", json!("admin")), AuthError::Claims),
        ("store without a store", with("role", json!("store")), AuthError::Claims),
        ("huge", "x".repeat(5000), AuthError::Kind),
    ];
    for (name, token, expected) in table {
        assert_eq!(auth.identify(&token).map(|identity| identity.actor.clone()), Err(expected), "{name}");
    }
    assert_eq!(auth.cached(), 0, "nothing refused is remembered");
}

#[test]
fn public_keys_check_what_their_private_keys_signed_and_nothing_else() {
    let mut keys = KeySet::default();
    keys.add_public_keys(&format!("{ED_PUBLIC}\n{EC_PUBLIC}")).unwrap();
    let auth = authenticator(keys, clock());
    let ed = EncodingKey::from_ed_pem(ED_PRIVATE.as_bytes()).unwrap();
    let ec = EncodingKey::from_ec_pem(EC_PRIVATE.as_bytes()).unwrap();
    for (algorithm, key) in [(Algorithm::EdDSA, &ed), (Algorithm::ES256, &ec)] {
        let token = encode(&Header::new(algorithm), &customer(), key).unwrap();
        assert!(auth.identify(&token).is_ok(), "{algorithm:?}");
    }
    // The old trick: HS256 with the public key's text as the secret.
    assert_eq!(auth.identify(&sign(&customer(), ED_PUBLIC.as_bytes())), Err(AuthError::Kind));
    let request = TokenRequest { role: Role::Customer, subject: "m".into(), store: None, ttl: Duration::from_secs(60) };
    assert_eq!(auth.issue(&request), Err(IssueError::NoSecret));
    assert_eq!(KeySet::default().add_public_keys(ED_PRIVATE), Err(KeyError::NotAKey), "a private key is not for here");
    assert_eq!(KeySet::default().add_public_keys(""), Err(KeyError::NotAKey));
    assert!(matches!(KeySet::hs256(b"short"), Err(KeyError::ShortSecret { got: 5 })));
}

#[test]
fn a_remembered_token_expires_all_the_same() {
    let clock = clock();
    let auth = authenticator(KeySet::hs256(SECRET).unwrap(), Arc::clone(&clock));
    let token = sign(&customer(), SECRET);
    assert!(auth.identify(&token).is_ok());
    assert_eq!(auth.cached(), 1);
    clock.set(Timestamp((NOW + 64) * 1000));
    assert!(auth.identify(&token).is_ok(), "within the leeway");
    clock.set(Timestamp((NOW + 65) * 1000));
    assert_eq!(auth.identify(&token), Err(AuthError::Expired));
}

#[test]
fn the_memory_of_tokens_is_bounded() {
    let auth = Authenticator::new(KeySet::hs256(SECRET).unwrap(), None, clock(), 64);
    for member in 0..1000 {
        let token = sign(&json!({"sub": format!("m-{member}"), "role": "customer", "exp": NOW + 60}), SECRET);
        assert!(auth.identify(&token).is_ok());
    }
    assert!(auth.cached() <= 64, "{} remembered", auth.cached());
}

#[test]
fn what_is_issued_is_accepted() {
    let auth = hs256();
    let mut request = TokenRequest {
        role: Role::Store,
        subject: "pos".into(),
        store: Some("sh-001".into()),
        ttl: Duration::from_secs(3600),
    };
    let issued = auth.issue(&request).unwrap();
    let identity = auth.identify(&issued.token).unwrap();
    assert_eq!(identity.expires_at, issued.expires_at);
    assert_eq!(identity.actor, Actor::Store { store: "sh-001".parse().unwrap(), subject: "pos".into() });
    request.store = None;
    assert_eq!(auth.issue(&request), Err(IssueError::Store));
    request.role = Role::Customer;
    request.subject = "two words".into();
    assert!(matches!(auth.issue(&request), Err(IssueError::Subject(_))));
}
