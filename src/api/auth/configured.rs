//! The keys tokens are checked with, from the configuration; a sandbox makes its own secret and keeps it beside the data,
//! so that tokens survive a restart.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{KeyError, KeySet};
use crate::config::{AuthConfig, Mode};

/// The sandbox's secret in its data directory.
const SANDBOX_KEY_FILE: &str = "sandbox.key";

/// Keys that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The configured secret.
    #[error("`auth.hs256_secret`: {0}")]
    Secret(KeyError),
    /// A file of public keys.
    #[error("`auth.public_key_files`: {file}: {error}")]
    PublicKeys {
        /// Which.
        file: String,
        /// What is wrong.
        error: KeyError,
    },
    /// The sandbox's own secret.
    #[error("{}: the sandbox's secret can't be kept there: {error}", path.display())]
    SandboxKey {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// The keys of a configuration.
pub fn key_set(auth: &AuthConfig, mode: Mode, data_dir: &Path) -> Result<KeySet, SecretError> {
    let mut keys = match (&auth.hs256_secret, mode) {
        (Some(secret), _) => KeySet::hs256(secret.reveal().as_bytes()).map_err(SecretError::Secret)?,
        (None, Mode::Sandbox) => {
            let path = data_dir.join(SANDBOX_KEY_FILE);
            let secret = sandbox_secret(&path).map_err(|error| SecretError::SandboxKey { path, error })?;
            KeySet::hs256(secret.as_bytes()).map_err(SecretError::Secret)?
        }
        (None, Mode::Production) => KeySet::default(),
    };
    for (file, text) in &auth.public_keys {
        keys.add_public_keys(text).map_err(|error| SecretError::PublicKeys { file: file.clone(), error })?;
    }
    Ok(keys)
}

/// Whether the configured keys can be used; touches no file.
pub fn check_keys(auth: &AuthConfig) -> Result<(), SecretError> {
    key_set(auth, Mode::Production, Path::new("")).map(drop)
}

/// Reads the secret, or makes it. Whoever creates the file decides; everybody else reads it.
pub fn sandbox_secret(path: &Path) -> io::Result<String> {
    let mut random = [0u8; 32];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    let fresh: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    // Written under another name first: nobody ever reads half a secret.
    let draft = path.with_extension(format!("key.{}", std::process::id()));
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(fresh.as_bytes()))
        .and_then(|()| match std::fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    let _draft = std::fs::remove_file(&draft);
    written?;
    let mut secret = String::new();
    std::fs::File::open(path)?.take(1024).read_to_string(&mut secret)?;
    Ok(secret.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn a_sandbox_keeps_its_secret() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(SANDBOX_KEY_FILE);
        let secret = sandbox_secret(&path).unwrap();
        assert_eq!(secret.len(), 64);
        assert_eq!(sandbox_secret(&path).unwrap(), secret);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left behind");
    }
}
