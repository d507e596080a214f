//! Whom a region trusts behind `wss://`. One crypto provider, no way to switch the check off.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::limits;

/// No TLS configuration can be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of additional certificates isn't one.
    #[error("not a certificate in PEM form: {0}")]
    Pem(String),
    /// It is PEM and has no certificate.
    #[error("no certificate in it")]
    Empty,
    /// The platform has none and none were given.
    #[error("this machine has no trusted certificates: {0}")]
    NoRoots(String),
    /// The crypto provider can't do what is needed.
    #[error(transparent)]
    Provider(#[from] rustls::Error),
}

/// Trusts the platform's certificates and those in `extra_ca_pem`.
pub fn platform_tls(extra_ca_pem: Option<&str>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(native.certs);
    if let Some(pem) = extra_ca_pem {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| TlsError::Pem(error.to_string()))?;
            roots.add(certificate).map_err(|error| TlsError::Pem(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(TlsError::Empty);
        }
    }
    if roots.is_empty() {
        let why = native.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
        return Err(TlsError::NoRoots(why));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.max_fragment_size = Some(limits::TLS_RECORD_BYTES);
    Ok(Arc::new(config))
}
