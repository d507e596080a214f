//! The keys tokens are checked with: one HS256 secret, or public keys (Ed25519, ES256). Never here: where they come from.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};

use crate::limits::{HS256_SECRET_BYTES_MIN, PUBLIC_KEYS_MAX};

/// A key that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A guessable secret.
    #[error("the secret has {got} bytes; at least {HS256_SECRET_BYTES_MIN} are needed")]
    ShortSecret {
        /// Its length.
        got: usize,
    },
    /// Not a public key of a kind we know.
    #[error("not a PEM public key for Ed25519 or ES256 (P-256)")]
    NotAKey,
    /// More than anybody rotates.
    #[error("more than {PUBLIC_KEYS_MAX} public keys")]
    TooMany,
}

pub(super) struct VerifyingKey {
    algorithm: Algorithm,
    pub(super) key: DecodingKey,
    pub(super) validation: Validation,
}

impl VerifyingKey {
    fn new(algorithm: Algorithm, key: DecodingKey) -> Self {
        let mut validation = Validation::new(algorithm);
        // Times are checked against the node's clock, in one place, also for tokens that were verified before.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self { algorithm, key, validation }
    }
}

/// The keys of a node.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
    pub(super) signing: Option<EncodingKey>,
}

impl KeySet {
    /// Tokens are signed and checked with one shared secret.
    pub fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < HS256_SECRET_BYTES_MIN {
            return Err(KeyError::ShortSecret { got: secret.len() });
        }
        let key = VerifyingKey::new(Algorithm::HS256, DecodingKey::from_secret(secret));
        Ok(Self { keys: vec![key], signing: Some(EncodingKey::from_secret(secret)) })
    }

    /// Adds the public keys of a PEM text: one or more blocks.
    pub fn add_public_keys(&mut self, pem: &str) -> Result<(), KeyError> {
        const END: &str = "-----END PUBLIC KEY-----";
        let mut found = false;
        for block in pem.split_inclusive(END).filter(|block| !block.trim().is_empty()) {
            if self.keys.len() >= PUBLIC_KEYS_MAX {
                return Err(KeyError::TooMany);
            }
            self.keys.push(public_key(block.trim())?);
            found = true;
        }
        if found { Ok(()) } else { Err(KeyError::NotAKey) }
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &VerifyingKey> {
        self.keys.iter().filter(move |key| key.algorithm == algorithm)
    }
}

fn public_key(block: &str) -> Result<VerifyingKey, KeyError> {
    let has_length = |key: &DecodingKey, length| key.try_get_as_bytes().is_ok_and(|bytes| bytes.len() == length);
    if let Ok(key) = DecodingKey::from_ed_pem(block.as_bytes())
        && has_length(&key, 32)
    {
        return Ok(VerifyingKey::new(Algorithm::EdDSA, key));
    }
    // An uncompressed point of P-256; other curves have other lengths.
    if let Ok(key) = DecodingKey::from_ec_pem(block.as_bytes())
        && has_length(&key, 65)
    {
        return Ok(VerifyingKey::new(Algorithm::ES256, key));
    }
    Err(KeyError::NotAKey)
}
