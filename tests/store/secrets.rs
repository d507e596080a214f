//! What can be wrong with an address, each in one clear sentence and without the password; and TLS.

use std::sync::Arc;

use qucan::aggregator::store::{Store, StoreError};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use crate::server::{PASSWORD, Server};

async fn refusal(url: &str) -> StoreError {
    let error = Store::postgres(url).await.map(drop).unwrap_err();
    let text = error.to_string();
    println!("{text}");
    assert!(!text.contains("s3cret") && !text.contains(PASSWORD) && !text.contains("correct%20horse"), "{text}");
    assert!(!text.contains('\n') && text.len() < 300, "{text}");
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_said_in_one_sentence_without_the_password() {
    let Some(mut server) = Server::start_with("scram-sha-256", "") else { return };
    let port = server.port();
    Store::postgres(&server.url()).await.unwrap();
    let at = |user: &str, password: &str, database: &str| {
        format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
    };
    for (url, words) in [
        (at("postgres", "s3cret", "postgres"), "password authentication failed for user \"postgres\""),
        (at("nobody", "s3cret", "postgres"), "password authentication failed for user \"nobody\""),
        (at("postgres", "correct%20horse", "nowhere"), "database \"nowhere\" does not exist"),
        (format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable"), "password missing"),
    ] {
        let error = refusal(&url).await;
        assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().contains(&format!("PostgreSQL at 127.0.0.1:{port}, database")), "{error}");
    }
    server.stop();
    let error = refusal(&server.url()).await;
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("Connection refused")), "{error}");
    let error = refusal("postgres://u:s3cret@no-such-host.invalid/d").await;
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("no-such-host.invalid")), "{error}");
    let error = refusal("postgres://u:p@s3cret@h/d").await;
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_rights_and_tables_of_a_later_version_are_refused() {
    let Some(server) = Server::start() else { return };
    let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE ROLE guest LOGIN").await.unwrap();
    let guest = format!("postgres://guest:s3cret@127.0.0.1:{}/postgres?sslmode=disable", server.port());
    let error = refusal(&guest).await;
    assert!(matches!(&error, StoreError::Refused(why) if why.contains("permission denied")), "{error}");
    Store::postgres(&server.url()).await.unwrap();
    client.batch_execute("INSERT INTO qucan_migrations (number, name) VALUES (99, 'later')").await.unwrap();
    let error = refusal(&server.url()).await;
    assert!(matches!(&error, StoreError::Refused(why) if why.contains("later version")), "{error}");
}

fn trusting(roots: RootCertStore) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    Arc::new(builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_required_preferred_or_left_out_as_the_address_says() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let Some(mut server) = Server::start() else { return };
    let url = |mode: &str| format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode={mode}", server.port());
    let (require, prefer, disable) = (url("require"), url("prefer"), url("disable"));
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let (trusted, untrusted) = (trusting(roots), trusting(RootCertStore::empty()));

    // The server has no TLS yet.
    let error = Store::postgres_with_tls(&require, Arc::clone(&trusted)).await.map(drop).unwrap_err();
    assert!(matches!(&error, StoreError::Refused(why) if why.contains("TLS")), "{error}");
    Store::postgres_with_tls(&prefer, Arc::clone(&trusted)).await.unwrap();

    server.stop();
    for (name, text) in [("server.crt", made.cert.pem()), ("server.key", made.signing_key.serialize_pem())] {
        let path = server.data().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        server.give(&path);
    }
    let configuration = server.data().join("postgresql.auto.conf");
    let text = std::fs::read_to_string(&configuration).unwrap();
    std::fs::write(&configuration, format!("{text}ssl = on\n")).unwrap();
    assert!(server.begin(), "{}", server.log());

    let (client, connection) = tokio_postgres::connect(&disable, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let encrypted = async || {
        let sql = "SELECT coalesce(bool_and(ssl), false) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                   WHERE application_name = 'qucan aggregator' AND state IS NOT NULL";
        client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0)
    };
    let store = Store::postgres_with_tls(&require, Arc::clone(&trusted)).await.unwrap();
    assert!(encrypted().await);
    drop(store);
    let error = Store::postgres_with_tls(&require, Arc::clone(&untrusted)).await.map(drop).unwrap_err();
    assert!(matches!(&error, StoreError::Refused(why) if why.contains("certificate")), "{error}");
    let store = Store::postgres_with_tls(&prefer, untrusted).await.unwrap();
    assert!(!encrypted().await, "not trusted: as without TLS");
    drop(store);
    let _store = Store::postgres_with_tls(&disable, trusted).await.unwrap();
    assert!(!encrypted().await);
}
