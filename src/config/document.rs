//! The table of keys for people: the text of `docs/configuration.md`.

use std::fmt::Write as _;

use super::Role;
use super::keys::{KEYS, Key, Shape};
use super::value::{bytes_text, duration_text};

/// The configuration reference.
pub fn document() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         A node and an aggregator each read one TOML file, named with `--config`. Every key may also be set in the environment \
         as `QUCAN_SECTION__KEY`, such as `QUCAN_NODE__DATA_DIR` (a list is separated by commas), which wins over the file. A \
         secret may stand in a file of its own, named by the same key with `_file`; white space around it is cut off. An \
         unknown key is an error that names the nearest known one. `qucan check --config FILE` says what is wrong with a \
         configuration and exits with 2, or with 0 when nothing is. Relative paths start in the working directory.\n\n\
         Without `--config`, a node is a sandbox on `127.0.0.1:7100` and an aggregator one on `127.0.0.1:7000`. This page is \
         generated from `src/config/keys.rs`.\n",
    );
    let mut section = None;
    for key in KEYS {
        if section != Some(key.section) {
            section = Some(key.section);
            let name = key.section.replace('*', "NAME");
            let whose = match key.role {
                Some(Role::Node) => "; node only",
                Some(Role::Aggregator) => "; aggregator only",
                None => "",
            };
            let _ = match key.section {
                "" => writeln!(text, "\n## Top of the file\n"),
                "limits" => writeln!(text, "\n## `[{name}]`\n"),
                _ => writeln!(text, "\n## `[{name}]`{whose}\n"),
            };
            text.push_str("| key | value | default | |\n|---|---|---|---|\n");
        }
        let _ = writeln!(text, "| {} | {} | {} | {} |", names(key), shape(key.shape), default(key), doc(key));
    }
    text
}

fn names(key: &Key) -> String {
    match key.shape {
        Shape::Secret | Shape::Document => format!("`{0}`, `{0}_file`", key.name),
        _ => format!("`{}`", key.name),
    }
}

fn doc(key: &Key) -> String {
    match (key.section, key.role) {
        ("limits", Some(Role::Node)) => format!("{} (Node only.)", key.doc),
        _ => key.doc.to_owned(),
    }
}

fn default(key: &Key) -> String {
    let shown = |value: &str| if value.is_empty() { "–".to_owned() } else { format!("`{value}`") };
    match key.sandbox {
        Some(sandbox) => format!("{}; sandbox {}", shown(key.default), shown(sandbox)),
        None => shown(key.default),
    }
}

fn shape(shape: Shape) -> String {
    match shape {
        Shape::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or "),
        Shape::Text | Shape::Region | Shape::Document => "text".to_owned(),
        Shape::Addresses => "list of `HOST:PORT`".to_owned(),
        Shape::Networks => "list of `ADDRESS` or `ADDRESS/BITS`".to_owned(),
        Shape::Path => "path".to_owned(),
        Shape::Paths => "list of paths".to_owned(),
        Shape::Url(schemes) => schemes.iter().map(|scheme| format!("`{scheme}://…`")).collect::<Vec<_>>().join(" or "),
        Shape::Duration(min, max) => format!("time, {} to {}", duration_text(min), duration_text(max)),
        Shape::Count(min, max) => format!("number, {min} to {max}"),
        Shape::Bytes(min, max) => format!("size, {} to {}", bytes_text(min), bytes_text(max)),
        Shape::Secret => "secret".to_owned(),
    }
}
