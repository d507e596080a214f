//! Starts and stops of the aggregator: clean, killed, with its derived parts gone, twice on one directory, without a
//! configuration.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::common::Client;
use crate::common::centre::Centre;
use crate::common::ports::free_address;
use crate::region::{Region, wait_until};

fn summary(centre: &Centre) -> Value {
    let mut summary = centre.operator().get("/v1/summary").expect(200);
    summary.as_object_mut().unwrap().remove("at");
    summary
}

/// What is the same after every restart.
fn picture(centre: &Centre) -> (Value, Value, Vec<Value>) {
    let today = summary(centre)["today"].clone();
    let series = centre.operator().get("/v1/series?metric=revenue&window=7d").expect(200)["points"].clone();
    (today, series, centre.orders("east"))
}

#[test]
fn what_was_received_is_there_after_every_kind_of_end() {
    let mut centre = Centre::start();
    centre.process().tolerate(&["rows are of another history", "damaged", "moved aside", "rebuilt"]);
    let node = Region::start("east", &centre);
    for number in 0..10 {
        node.paid_order(&format!("m{number}"), "k");
    }
    node.shipped("east", &centre);
    let before = picture(&centre);
    assert_eq!(before.0["paid"], 10);

    centre.process().stop();
    centre.process().restart();
    assert_eq!(picture(&centre), before, "a clean stop");
    centre.process().kill();
    centre.process().restart();
    node.shipped("east", &centre);
    assert_eq!(picture(&centre), before, "kill -9");
    centre.process().stop();
    std::fs::remove_dir_all(centre.data().join("store")).unwrap();
    std::fs::remove_dir_all(centre.copy_of("east").join("state")).unwrap();
    centre.process().restart();
    node.shipped("east", &centre);
    wait_until("history is rebuilt", || {
        let reply = centre.operator().get("/v1/orders?region=east");
        if reply.status == 200 { Ok(()) } else { Err(reply.problem()) }
    });
    assert_eq!(picture(&centre), before, "built again from the log alone");
    let directory = Client::new(centre.address(), None).get("/v1/stores").expect(200);
    assert_eq!(directory["stores"][0]["public_url"], "https://east.example");
}

#[test]
fn the_directory_is_known_while_a_region_is_away() {
    let mut centre = Centre::start();
    let mut node = Region::start("east", &centre);
    node.shipped("east", &centre);
    node.process.stop();
    centre.process().stop();
    centre.process().restart();
    let directory = Client::new(centre.address(), None).get("/v1/stores").expect(200);
    assert_eq!(directory["stores"].as_array().unwrap().len(), 3);
    assert_eq!(directory["stores"][0]["public_url"], "https://east.example");
    let entry = centre.region("east");
    assert_eq!((entry["connected"].as_bool(), entry["health"].as_str()), (Some(false), Some("yellow")), "{entry:#}");
}

fn refused(config: &std::path::Path) -> (Option<i32>, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_qucan"))
        .args(["aggregator", "--config"])
        .arg(config)
        .stdout(Stdio::null())
        .output()
        .unwrap();
    (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
}

#[test]
fn a_second_one_is_refused_in_words() {
    let centre = Centre::start();
    let (code, said) = refused(&centre.config());
    assert_eq!(code, Some(2));
    assert!(said.contains("in use by another program") && said.contains("`aggregator.listen`"), "{said}");
    // The same directory at another address.
    let text = std::fs::read_to_string(centre.config()).unwrap();
    let elsewhere = text.replace(&centre.address().to_string(), &free_address().to_string());
    let config = centre.config().with_file_name("second.toml");
    std::fs::write(&config, elsewhere).unwrap();
    let (code, said) = refused(&config);
    assert_eq!(code, Some(2));
    assert!(said.contains("in use by another process"), "{said}");
    centre.operator().get("/v1/summary").expect(200);
}

#[test]
fn a_database_that_is_not_there_is_named_without_its_password() {
    let centre = Centre::start();
    let text = std::fs::read_to_string(centre.config()).unwrap();
    let (data, address) = (centre.config().with_file_name("other"), free_address());
    let url = format!("postgres://qucan:s3cret@{}/centre", free_address());
    let text = text
        .replace(&centre.address().to_string(), &address.to_string())
        .replace(&centre.data().display().to_string(), &data.display().to_string())
        .replace("store = \"embedded\"", &format!("store = \"{url}\""));
    let config = centre.config().with_file_name("database.toml");
    std::fs::write(&config, text).unwrap();
    let (code, said) = refused(&config);
    assert_eq!(code, Some(1), "it may come: {said}");
    assert!(said.contains("database centre") && !said.contains("s3cret"), "{said}");
}

#[test]
fn a_sandbox_without_a_configuration_takes_any_region() {
    let directory = tempfile::tempdir().unwrap();
    let address = free_address();
    let mut sandbox = Command::new(env!("CARGO_BIN_EXE_qucan"))
        .arg("aggregator")
        .env_clear()
        .env("QUCAN_AGGREGATOR__LISTEN", address.to_string())
        .env("QUCAN_AGGREGATOR__DATA_DIR", directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut anybody = Client::new(address, None);
    wait_until("it serves", || match anybody.try_send("GET", "/healthz", &[], None) {
        Ok(reply) if reply.status == 200 => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let issued = anybody.post("/v1/sandbox/tokens", &json!({"role": "operator", "subject": "me"})).expect(201);
    let mut operator = Client::new(address, issued["token"].as_str().map(str::to_owned));
    assert_eq!(operator.get("/v1/regions").expect(200), json!({"regions": []}));
    let (north, dots) = ("north", "..");
    let mut node = Region::on(None, north, address, "sandbox-region-token");
    let odd = Region::on(None, dots, address, "sandbox-region-token");
    wait_until("the region is there", || {
        let regions = operator.get("/v1/regions").expect(200);
        let entry = &regions["regions"][0];
        if entry["region"] == north && entry["health"] == "green" { Ok(()) } else { Err(format!("{regions:#}")) }
    });
    wait_until("a region that is no directory's name is refused", || {
        let seen = odd.status()["replication"].clone();
        if seen["refused"].is_string() { Ok(()) } else { Err(format!("{seen:#}")) }
    });
    node.process.stop();
    sandbox.kill().unwrap();
    sandbox.wait().unwrap();
}
