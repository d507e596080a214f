//! Pictures from a folder: what is served, what is refused, and where the room for them ends.

use std::os::unix::fs::symlink;

use axum::http::StatusCode;
use http_body_util::BodyExt as _;

use super::*;

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

fn folder() -> (tempfile::TempDir, Dishes) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("pictures");
    std::fs::create_dir(&folder).unwrap();
    let dishes = Dishes::new(Some(folder));
    (root, dishes)
}

fn named(image: &str) -> Vec<(String, String)> {
    vec![("sku".to_owned(), image.to_owned())]
}

/// Reads a catalogue with one item; gives its address, or why there is none.
fn check(dishes: &Dishes, image: &str) -> Result<String, String> {
    let missing = dishes.read(|| named(image));
    match dishes.table().address(image) {
        Some(address) => Ok(address.to_owned()),
        None => Err(missing.into_iter().map(|one| one.why).collect()),
    }
}

async fn fetch(dishes: &Dishes, address: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = dishes.answer(address.strip_prefix(PATH).unwrap(), &HeaderMap::new());
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test]
async fn a_picture_is_served_by_its_hash_for_ever_and_runs_nothing() {
    let (root, dishes) = folder();
    std::fs::write(root.path().join("pictures/set.png"), SVG).unwrap(); // the name lies
    let address = check(&dishes, "set.png").unwrap();
    assert!(address.starts_with("/pictures/") && address.ends_with(".svg"), "{address}");
    let (status, headers, body) = fetch(&dishes, &address).await;
    assert_eq!((status, body.as_slice()), (StatusCode::OK, SVG.as_bytes()));
    for (name, value) in [
        ("content-type", "image/svg+xml; charset=utf-8"),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let kept = HeaderMap::from_iter([(axum::http::header::IF_NONE_MATCH, headers["etag"].clone())]);
    assert_eq!(dishes.answer(address.strip_prefix(PATH).unwrap(), &kept).status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_picture_that_changed_has_another_address_and_the_one_before_stays_for_a_while() {
    let (root, dishes) = folder();
    let file = root.path().join("pictures/a.svg");
    std::fs::write(&file, SVG).unwrap();
    let first = check(&dishes, "a.svg").unwrap();
    std::fs::write(&file, SVG.replace("alert", "other")).unwrap();
    assert_eq!(dishes.table().address("a.svg"), Some(first.as_str()), "not before it is read again");
    let second = check(&dishes, "a.svg").unwrap();
    assert_ne!(first, second);
    for address in [&first, &second] {
        assert_eq!(fetch(&dishes, address).await.0, StatusCode::OK);
    }
    assert_eq!(check(&dishes, "a.svg").unwrap(), second);
    assert_eq!(fetch(&dishes, &first).await.0, StatusCode::NOT_FOUND, "kept for one reading, not for ever");
}

#[test]
fn what_is_no_picture_of_the_folder_is_said_and_not_served() {
    let (root, dishes) = folder();
    let folder = root.path().join("pictures");
    std::fs::write(root.path().join("secret.svg"), SVG).unwrap();
    symlink(root.path().join("secret.svg"), folder.join("link.svg")).unwrap();
    symlink(root.path(), folder.join("up")).unwrap();
    std::fs::write(folder.join("page.svg"), "<html></html>").unwrap();
    std::fs::create_dir(folder.join("folder.svg")).unwrap();
    std::fs::write(folder.join("large.svg"), format!("{SVG}{}", " ".repeat(PICTURE_BYTES_MAX))).unwrap();
    for (image, why) in [
        ("absent.svg", "there is no such file"),
        ("link.svg", "outside"),
        ("up/secret.svg", "outside"),
        ("../secret.svg", "neither a URL nor the name of a file"),
        ("./page.svg", "neither a URL nor"),
        ("", "neither a URL nor"),
        ("javascript:alert(1)", "there is no such file"),
        ("page.svg", "no SVG, PNG"),
        ("folder.svg", "not a file"),
        ("large.svg", "more than 524288 bytes"),
        ("a\0b.svg", "can't be read"),
    ] {
        let found = check(&dishes, image);
        assert!(found.as_ref().is_err_and(|said| said.contains(why)), "{image}: {found:?}");
    }
    let sub = folder.join("sets");
    std::fs::create_dir(&sub).unwrap();
    std::fs::write(sub.join("one.svg"), SVG).unwrap();
    symlink("sets/one.svg", folder.join("inside.svg")).unwrap();
    assert_eq!(check(&dishes, "sets/one.svg"), check(&dishes, "inside.svg"), "within the folder links are fine");
    assert_eq!(check(&Dishes::new(None), "one.svg").unwrap(), "one.svg", "no folder: as the catalogue says");
}

#[test]
fn a_pipe_does_not_stop_a_reading() {
    let (root, dishes) = folder();
    let pipe = root.path().join("pictures/pipe.svg");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(check(&dishes, "pipe.svg").unwrap_err().contains("not a file"));
}

#[test]
fn urls_and_pictures_of_this_build_need_no_folder() {
    let dishes = Dishes::default();
    assert_eq!(check(&dishes, "https://cdn.example/a.jpg").unwrap(), "https://cdn.example/a.jpg");
    assert_eq!(check(&dishes, "/somewhere/else.png").unwrap(), "/somewhere/else.png");
    let own = check(&dishes, "/assets/rice.svg").unwrap();
    assert_eq!(own, format!("/assets/{}/rice.svg", assets::BUNDLE.version));
}

#[test]
fn beyond_the_room_for_pictures_items_go_without() {
    let (root, dishes) = folder();
    let count = PICTURES_BYTES_MAX / PICTURE_BYTES_MAX + 2;
    let name = |index: usize| format!("{index:04}.png");
    for index in 0..count {
        let mut bytes = [b"\x89PNG\r\n\x1a\n".as_slice(), &index.to_le_bytes()].concat();
        bytes.resize(PICTURE_BYTES_MAX, 0);
        std::fs::write(root.path().join("pictures").join(name(index)), bytes).unwrap();
    }
    let all = || (0..count).map(|index| (index.to_string(), name(index)));
    let missing = dishes.read(all);
    assert!((1..=2).contains(&missing.len()), "{}", missing.len());
    assert!(missing.iter().all(|one| one.why.contains("room")), "{:?}", missing.first());
    assert!(dishes.table().bytes <= PICTURES_BYTES_MAX);
    // A new reading still fits: what was served before makes room for it.
    assert_eq!(dishes.read(|| named(&name(count - 1))).len(), 0);
    assert!(dishes.table().bytes <= PICTURES_BYTES_MAX);
}
