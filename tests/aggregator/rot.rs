//! The centre's copy of one region rots: it is named, with the way out, and the other regions never notice.

use std::path::Path;

use serde_json::Value;

use crate::common::Client;
use crate::common::centre::Centre;
use crate::region::{Region, wait_until};

/// A bit in the middle of what is written of the oldest segment; its path.
fn flips_a_bit(log: &Path) -> String {
    let files = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
    let segment = files.filter(|path| path.extension().is_some_and(|ending| ending == "seg")).min().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = usize::midpoint(4_096, bytes.iter().rposition(|byte| *byte != 0).unwrap());
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    segment.display().to_string()
}

fn is_named(says: &Value, words: &[&str]) {
    let says = says.as_str().unwrap();
    for word in words {
        assert!(says.contains(word), "{word:?} is not in {says:?}");
    }
}

#[test]
fn a_damaged_copy_is_named_and_the_other_regions_are_served() {
    let mut centre = Centre::start();
    let (east, south) = (Region::start("east", &centre), Region::start("south", &centre));
    east.paid_order("ann", "k");
    south.paid_order("bob", "k");
    east.shipped("east", &centre);
    south.shipped("south", &centre);
    centre.process().stop();
    let copy = centre.copy_of("east");
    let segment = flips_a_bit(&copy.join("log"));

    let mut centre = centre.start_again_alive();
    centre.process().tolerate(&["a region's copy can't be used", "is refused", "rows are of another history"]);
    let named = [segment.as_str(), "damaged at offset", "sequences", "move", copy.to_str().unwrap(), "aside"];
    let says = centre.region("east");
    assert_eq!((&says["health"], &says["cause"]["code"]), (&"red".into(), &"copy_broken".into()), "{says:#}");
    is_named(&says["reason"], &named);
    let ready = Client::new(centre.address(), None).get("/readyz");
    assert_eq!(ready.status, 503, "{ready:?}");
    let checks = ready.json()["checks"].as_array().unwrap().clone();
    is_named(&checks.iter().find(|check| check["name"] == "storage/east").unwrap()["detail"], &named);
    east.paid_order("ann", "meanwhile");
    south.paid_order("bob", "meanwhile");
    south.shipped("south", &centre);
    assert_eq!(centre.region("south")["health"], "green", "{:#}", centre.region("south"));

    centre.process().stop();
    std::fs::rename(&copy, centre.data().join("aside")).unwrap();
    centre.process().restart();
    east.shipped("east", &centre);
    wait_until("the region is green again", || {
        let says = centre.region("east");
        if says["health"] == "green" { Ok(()) } else { Err(says.to_string()) }
    });
    assert_eq!(centre.orders("east").len(), 2);
}
