//! `qucan restore --from-aggregator`: a region whose disk is lost sells on, under the next epoch, with everything that the
//! centre had; the lost node is fenced when it comes back.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::json;

use crate::common::centre::{Centre, REGION_TOKEN};
use crate::common::node::qucan;
use crate::common::{one_meal, tokens};
use crate::region::{Region, token_of, wait_until};

/// Runs the command for region `east` with this token.
fn restore(centre: &Centre, token: &str, data: &Path) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("node.toml");
    let text = format!(
        "mode = \"sandbox\"\n[node]\nregion = \"east\"\n[replication]\naggregator = \"ws://{}/v1/replicate\"\ntoken = \"{token}\"\n",
        centre.address()
    );
    std::fs::write(&config, text).unwrap();
    let (url, config) = (format!("http://{}", centre.address()), config.to_str().unwrap());
    qucan(&["restore", "--from-aggregator", &url, "--config", config, "--data", data.to_str().unwrap()])
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_lost_region_sells_on_under_the_next_epoch() {
    let mut centre = Centre::start();
    centre.process().tolerate(&["region"]);
    let mut lost = Region::start("east", &centre);
    let orders: Vec<String> = (0..5).map(|number| lost.paid_order("m", &format!("k{number}"))).collect();
    lost.operator().post(&format!("/v1/orders/{}/accept", orders[0]), &json!({})).expect(200);
    lost.shipped("east", &centre);
    let before: Vec<_> = orders.iter().map(|id| lost.operator().get(&format!("/v1/orders/{id}")).expect(200)).collect();
    lost.process.kill();

    let home = tempfile::tempdir().unwrap();
    let data: PathBuf = home.path().join("data");
    let restored = restore(&centre, REGION_TOKEN, &data);
    assert!(restored.status.success(), "{}", said(&restored));
    let text = String::from_utf8_lossy(&restored.stdout).into_owned();
    assert!(text.contains("epoch 2") && text.contains("the whole log"), "{text}");

    let node = Region::on(Some(&data), "east", centre.address(), &token_of("east"));
    for (id, then) in orders.iter().zip(before) {
        assert_eq!(node.operator().get(&format!("/v1/orders/{id}")).expect(200), then);
    }
    let mut customer = node.client(Some(tokens::customer("m")));
    let again = customer.post_with_key("/v1/orders", "k1", &one_meal()).expect(200);
    assert_eq!(again["id"], orders[1].as_str(), "a key still stands for its order");
    let next = node.paid_order("m", "k9");
    assert!(next.contains("-2-"), "{next} is of the new epoch");
    node.shipped("east", &centre);
    assert_eq!(centre.region("east")["epoch"], 2);

    let back = Region::on_alive(lost.data(), "east", centre.address(), &token_of("east"));
    wait_until("the lost node is fenced", || if back.sells() { Err("it sells".to_owned()) } else { Ok(()) });
    let refused = back.client(Some(tokens::customer("m"))).post_with_key("/v1/orders", "k10", &one_meal());
    assert_eq!((refused.status, refused.problem().as_str()), (503, "fenced"));
}

#[test]
fn what_can_t_be_restored_leaves_nothing_behind_and_says_why() {
    let mut centre = Centre::start();
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let wrong = restore(&centre, "a token that nobody knows at all", &data);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(said(&wrong).contains("401"), "{}", said(&wrong));

    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("diary.txt"), "dear diary").unwrap();
    let full = restore(&centre, REGION_TOKEN, &data);
    assert_eq!(full.status.code(), Some(2));
    assert!(said(&full).contains("not empty"), "{}", said(&full));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "no half of a directory beside it");

    centre.process().kill();
    std::fs::remove_file(data.join("diary.txt")).unwrap();
    let away = restore(&centre, REGION_TOKEN, &data);
    assert_eq!(away.status.code(), Some(1));
    assert!(said(&away).contains("/v1/regions/east/epoch"), "{}", said(&away));
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
}
