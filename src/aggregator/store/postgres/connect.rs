//! The way to the database: its address, TLS, and two bounded pools. Never here: statements about orders.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::trouble::{Trouble, is_tls};
use crate::aggregator::store::StoreError;
use crate::limits::{POSTGRES_CONNECT_AT_MOST, POSTGRES_SILENT_TRANSACTION_AT_MOST, POSTGRES_STATEMENT_AT_MOST};

/// A database's address, understood.
pub(super) struct Address {
    config: Config,
    /// Host, port, database and user, as errors name them.
    pub(super) name: String,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?sslmode=…` or the key-value form. What is wrong is said without
    /// quoting any of it: a password may be anywhere in a malformed one.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let refused = |why: &str| Err(StoreError::Refused(format!("the database's address: {why}")));
        let Ok(mut config) = url.parse::<Config>() else {
            return refused(
                "not postgres://user:password@host:port/database with, at most, the options tokio-postgres knows \
                 (sslmode is disable, prefer or require)",
            );
        };
        if config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.contains('@'))) {
            return refused("a host with an @; within a password @ is written %40");
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return refused("no host");
        }
        if config.get_user().is_none() {
            return refused("no user");
        }
        if config.get_dbname().is_none() {
            return refused("no database");
        }
        config
            .application_name("qucan aggregator")
            .connect_timeout(POSTGRES_CONNECT_AT_MOST)
            .tcp_user_timeout(POSTGRES_STATEMENT_AT_MOST)
            .keepalives_idle(Duration::from_secs(10));
        let name = name_of(&config);
        Ok(Self { config, name })
    }

    /// Pools that share one way of connecting, found by connecting once. `prefer` (the default) means TLS with a certificate
    /// this machine trusts where that works, else none: what libpq's `prefer` protects from, neither more nor less.
    pub(super) async fn pools<const N: usize>(
        &self,
        tls: Option<Arc<ClientConfig>>,
        sizes: [usize; N],
    ) -> Result<[Pool; N], Trouble> {
        let mut config = self.config.clone();
        let tls = match (config.get_ssl_mode(), tls) {
            (SslMode::Disable, _) => None,
            (_, Some(tls)) => Some(tls),
            (_, None) => Some(Arc::new(platform_tls().await?)),
        };
        let Some(tls) = tls else { return self.built(&config, NoTls, sizes) };
        let tls = MakeRustlsConnect::new(ClientConfig::clone(&tls));
        if config.get_ssl_mode() == SslMode::Prefer {
            let tried = tokio::time::timeout(POSTGRES_CONNECT_AT_MOST, config.connect(tls.clone())).await;
            match tried {
                Ok(Err(error)) if is_tls(&error) => {
                    tracing::warn!(database = %self.name, %error, "the database's TLS is not trusted; connecting without, as sslmode=prefer says");
                    config.ssl_mode(SslMode::Disable);
                }
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => return Err(Trouble::Again("it does not answer".to_owned())),
                Ok(Ok(_)) => {}
            }
        }
        self.built(&config, tls, sizes)
    }

    fn built<const N: usize, T>(&self, config: &Config, tls: T, sizes: [usize; N]) -> Result<[Pool; N], Trouble>
    where
        T: tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket> + Clone + Sync + Send + 'static,
        T::Stream: Sync + Send,
        T::TlsConnect: Sync + Send,
        <T::TlsConnect as tokio_postgres::tls::TlsConnect<tokio_postgres::Socket>>::Future: Send,
    {
        let pool = |size| {
            let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            Pool::builder(Manager::from_config(config.clone(), tls.clone(), manager))
                .max_size(size)
                .runtime(Runtime::Tokio1)
                .wait_timeout(Some(POSTGRES_CONNECT_AT_MOST))
                .create_timeout(Some(POSTGRES_CONNECT_AT_MOST))
                .recycle_timeout(Some(POSTGRES_CONNECT_AT_MOST))
                .post_create(Hook::async_fn(|client, _| {
                    Box::pin(async move { client.batch_execute(&session()).await.map_err(HookError::Backend) })
                }))
                .build()
                .map_err(|error| Trouble::Refused(error.to_string()))
        };
        let mut pools = Vec::with_capacity(N);
        for size in sizes {
            pools.push(pool(size)?);
        }
        pools.try_into().map_err(|_| Trouble::Refused("no pools".to_owned()))
    }
}

/// What bounds every statement on the server's side, should this process be gone.
fn session() -> String {
    format!(
        "SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {}",
        POSTGRES_STATEMENT_AT_MOST.as_millis(),
        POSTGRES_SILENT_TRANSACTION_AT_MOST.as_millis()
    )
}

fn name_of(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
    let hosts = config.get_hosts().iter().enumerate().map(|(index, host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(index)),
        Host::Unix(path) => path.display().to_string(),
    });
    let hosts: Vec<String> = match config.get_hosts() {
        [] => config.get_hostaddrs().iter().map(ToString::to_string).collect(),
        _ => hosts.collect(),
    };
    let (database, user) = (config.get_dbname().unwrap_or_default(), config.get_user().unwrap_or_default());
    format!("PostgreSQL at {}, database {database}, user {user}", hosts.join(","))
}

/// What this machine trusts. Reading it takes files, so a thread that may wait.
async fn platform_tls() -> Result<ClientConfig, Trouble> {
    let loaded = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let loaded = loaded.map_err(|error| Trouble::Again(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs);
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| Trouble::Refused(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_without_its_secret() {
        let address = Address::parse("postgres://qucan:s3cret@db.example:5433/centre?sslmode=require").unwrap();
        assert_eq!(address.name, "PostgreSQL at db.example:5433, database centre, user qucan");
        let address = Address::parse("host=/run/postgresql user=qucan dbname=centre").unwrap();
        assert_eq!(address.name, "PostgreSQL at /run/postgresql, database centre, user qucan");
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said_without_quoting_it() {
        for (url, expected) in [
            ("mysql://u:s3cret@h/d", "not postgres://"),
            ("postgres://u:s3cret@h:port/d", "not postgres://"),
            ("postgres://u:s3cret@h/d?sslmode=verify-full", "not postgres://"),
            ("postgres://u:p@s3cret@h/d", "%40"),
            ("postgres://u:s3cret@/d", "no host"),
            ("postgres://h/d", "no user"),
            ("postgres://u:s3cret@h", "no database"),
            ("", "no host"),
        ] {
            let Err(error) = Address::parse(url) else { panic!("{url} was taken") };
            let text = error.to_string();
            assert!(text.contains(expected) && !text.contains("s3cret"), "{url}: {text}");
        }
    }
}
