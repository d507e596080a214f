//! What a menu looks like on the line: pictures of dishes from the operator's folder, and the menu itself in every encoding.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use crate::common::node::qucan;
use crate::common::{Client, Node, catalogue};

const MENU: &str = "/v1/stores/s1/menu";
/// The item of the tests' catalogue that names a picture, and the picture.
const ITEM: &str = "rare";
const FILE: &str = "rare.webp";
const WEBP: &[u8] = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/\0\0\0";

/// A node with a folder of pictures, that sells nothing yet.
fn node(folder: &Path) -> Node {
    let mut node = Node::empty("");
    node.stop();
    let text = std::fs::read_to_string(node.config()).unwrap();
    let text = text.replace("[node]\n", &format!("[node]\npictures_dir = \"{}\"\n", folder.display()));
    std::fs::write(node.config(), text).unwrap();
    node.restart();
    node
}

fn image(client: &mut Client) -> Option<String> {
    let menu = client.get(MENU).expect(200);
    let items = menu["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["sku"] == ITEM).unwrap();
    item["image"].as_str().map(str::to_owned)
}

fn import(node: &Node) -> Value {
    node.operator().put("/v1/catalog", &catalogue()).expect(200)
}

#[test]
fn a_picture_of_the_folder_is_served_for_ever_also_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), WEBP).unwrap();
    let mut node = node(folder.path());
    assert_eq!(import(&node).get("warnings"), None);
    let mut guest = node.client(None);
    let address = image(&mut guest).unwrap();
    let picture = guest.get(&address);
    assert_eq!((picture.status, picture.body.as_slice()), (200, WEBP));
    for (name, value) in [
        ("content-type", "image/webp"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ] {
        assert_eq!(picture.header(name), Some(value), "{name}");
    }
    let tag = picture.header("etag").unwrap().to_owned();
    assert_eq!(guest.send("GET", &address, &[("If-None-Match", &tag)], None).status, 304);

    node.kill_and_restart();
    let mut guest = node.client(None);
    assert_eq!(image(&mut guest).as_deref(), Some(address.as_str()), "the same bytes, the same address");
    assert_eq!(guest.get(&address).body, WEBP);
    for path in ["/pictures/", "/pictures/..%2Fnode.toml", "/pictures/rare.webp", "/pictures/0123456789abcdef.webp"] {
        assert_eq!(guest.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_picture_that_cannot_be_had_is_a_warning_and_keeps_nobody_from_selling() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = node(folder.path());
    let index = catalogue()["items"].as_array().unwrap().iter().position(|item| item["sku"] == ITEM).unwrap();
    let pointer = format!("/items/{index}/image");
    let warnings = import(&node)["warnings"].take();
    assert_eq!(warnings[0]["pointer"], pointer.as_str());
    let detail = warnings[0]["detail"].as_str().unwrap();
    assert!(detail.contains(ITEM) && detail.contains(FILE) && detail.contains("no such file"), "{detail}");
    assert_eq!(image(&mut node.client(None)), None);

    // The command says it on stderr and is fine, over HTTP and, the node being stopped, by itself.
    let file = folder.path().join("catalog.json");
    std::fs::write(&file, catalogue().to_string()).unwrap();
    let config = node.config();
    let arguments = ["import", "--config", config.to_str().unwrap(), "--catalog", file.to_str().unwrap(), "--json"];
    for running in [true, false] {
        if !running {
            node.stop();
        }
        let output = qucan(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains(&format!("warning: {pointer}: item {ITEM}")), "running: {running}: {said}");
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["warnings"].as_array().unwrap().len(), 1, "{summary}");
    }
}

#[test]
fn a_menu_is_the_same_in_every_encoding_and_each_has_a_tag_of_its_own() {
    let node = Node::empty("");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/catalog-east.json");
    let catalogue: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    node.operator().put("/v1/catalog", &catalogue).expect(200);
    let mut guest = node.client(None);
    let path = "/v1/stores/sh-001/menu";
    let plain = guest.get(path);
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("accept-encoding")));
    let mut tags = vec![plain.header("etag").unwrap().to_owned()];
    for encoding in ["br", "gzip"] {
        let asked = guest.send("GET", path, &[("Accept-Encoding", encoding)], None);
        assert_eq!((asked.status, asked.header("content-encoding")), (200, Some(encoding)));
        assert_eq!(asked.header("vary"), Some("accept-encoding"));
        assert!(asked.body.len() * 4 < plain.body.len(), "{encoding}: {} of {}", asked.body.len(), plain.body.len());
        let mut body = Vec::new();
        match encoding {
            "br" => brotli::Decompressor::new(&*asked.body, 4096).read_to_end(&mut body).unwrap(),
            _ => flate2::read::GzDecoder::new(&*asked.body).read_to_end(&mut body).unwrap(),
        };
        assert_eq!(body, plain.body, "{encoding}");
        let tag = asked.header("etag").unwrap().to_owned();
        let known = [("Accept-Encoding", encoding), ("If-None-Match", tag.as_str())];
        let again = guest.send("GET", path, &known, None);
        assert_eq!((again.status, again.header("etag"), again.body.len()), (304, Some(tag.as_str()), 0));
        let other = guest.send("GET", path, &[("If-None-Match", &tag)], None);
        assert_eq!(other.status, 200, "what was kept in {encoding} is other bytes");
        assert!(!tags.contains(&tag), "{tag}");
        tags.push(tag);
    }
}
