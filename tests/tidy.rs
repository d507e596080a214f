//! Keeps what reviewers would have to repeat: imports point one way, files stay readable, banned things stay out.
//!
//! Reads the sources as text; that is enough for rules this simple, and it needs no build.

#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What each room of `src/` may import from the others. Absent is forbidden.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("limits", &["domain"]),
    ("telemetry", &[]),
    ("view", &["domain"]),
    ("engine", &["domain", "limits"]),
    ("payment", &["domain", "engine", "limits"]),
    ("websocket", &[]),
    ("push", &["domain", "engine", "limits", "view", "websocket"]),
    ("web", &["limits"]),
    ("config", &["domain", "engine", "limits"]),
    ("api", &["config", "domain", "engine", "limits", "payment", "push", "view", "web", "websocket"]),
    ("aggregator", &["api", "config", "domain", "engine", "limits", "view", "web", "websocket"]),
    ("node", &["api", "config", "domain", "engine", "limits", "payment", "push", "telemetry", "view", "web"]),
    (
        "ops",
        &[
            "aggregator",
            "api",
            "config",
            "domain",
            "engine",
            "limits",
            "node",
            "payment",
            "push",
            "telemetry",
            "view",
            "web",
        ],
    ),
    ("main", &["config", "ops", "node", "telemetry"]),
];

/// Lines a source file may have. Files over it hold a second idea.
const LINES_MAX: usize = 600;

/// What must not stand in shipped code, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("todo!(", "a stub is not a part"),
    ("unimplemented!(", "a stub is not a part"),
    ("#[ignore", "a test that does not run proves nothing"),
    ("#[allow(", "use #[expect(…, reason = …)]: it goes away with its cause"),
    ("unbounded_channel", "every queue has a limit"),
    ("panic = \"abort\"", "a panic inside the projection's store must be caught"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files_under(directory: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && name != "node_modules" && !name.starts_with('.') {
                files_under(&path, extension, found);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
}

fn sources(rooms: &[&str]) -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    for room in rooms {
        files_under(&root().join(room), "rs", &mut paths);
    }
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(&path).unwrap())).collect()
}

fn room_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Names behind `crate::` or `qucan::` in a line of code.
fn imported_rooms(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let mut rooms = Vec::new();
    for marker in ["crate::", "qucan::"] {
        for (at, _) in code.match_indices(marker) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let name: String =
                code[at + marker.len()..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if !name.is_empty() {
                rooms.push(name);
            }
        }
    }
    rooms
}

#[test]
fn imports_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    let mut offences = Vec::new();
    for (path, text) in sources(&["src"]) {
        let room = room_of(&path);
        if room == "lib" {
            continue;
        }
        let Some(may) = allowed.get(room.as_str()) else {
            offences.push(format!("{}: room `{room}` is not in the map", path.display()));
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            for imported in imported_rooms(line) {
                if imported != room && allowed.contains_key(imported.as_str()) && !may.contains(&imported.as_str()) {
                    offences.push(format!("{}:{}: {room} imports {imported}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(offences.is_empty(), "imports against the direction:\n{}", offences.join("\n"));
}

#[test]
fn the_domain_knows_nothing_of_the_world() {
    let world = ["tokio", "axum", "sled", "crossbeam", "serde", "rkyv", "qucan_storage", "tracing"];
    let standard =
        ["std::fs", "std::net", "std::thread", "std::time", "SystemTime", "Instant::now", "HashMap", "HashSet"];
    let mut offences = Vec::new();
    for (path, text) in sources(&["src/domain"]) {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let imports_world = world.iter().any(|name| code.contains(&format!("{name}::")));
            let uses_standard = standard.iter().any(|name| code.contains(name));
            if (imports_world || uses_standard) && !path.ends_with("lookup.rs") {
                offences.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    assert!(offences.is_empty(), "the domain reaches out:\n{}", offences.join("\n"));
}

#[test]
fn sled_is_named_only_in_storage() {
    let offences: Vec<_> = sources(&["src", "replication"])
        .into_iter()
        .filter(|(_, text)| text.contains("sled::"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(offences.is_empty(), "sled outside storage/: {offences:?}");
}

#[test]
fn storage_and_replication_know_neither_each_other_nor_the_node() {
    for (manifest, strangers) in [
        ("storage/Cargo.toml", ["tokio", "axum", "qucan-replication", "serde_json"]),
        ("replication/Cargo.toml", ["axum", "sled", "qucan-storage", "serde_json"]),
    ] {
        let text = std::fs::read_to_string(root().join(manifest)).unwrap();
        for stranger in strangers {
            let named = text.lines().any(|line| line.starts_with(&format!("{stranger} ")));
            assert!(!named, "{manifest} depends on {stranger}");
        }
    }
}

#[test]
fn files_stay_readable_and_open_with_their_purpose() {
    let mut offences = Vec::new();
    for (path, text) in sources(&["src", "storage", "replication", "tests", "benches"]) {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            offences.push(format!("{}: {lines} lines, at most {LINES_MAX}", path.display()));
        }
        if !text.starts_with("//!") {
            offences.push(format!("{}: does not begin with what it is for (//!)", path.display()));
        }
    }
    for extension in ["js", "css"] {
        let mut paths = Vec::new();
        files_under(&root().join("src/web"), extension, &mut paths);
        for path in paths {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            if lines > LINES_MAX {
                offences.push(format!("{}: {lines} lines, at most {LINES_MAX}", path.display()));
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn nothing_forbidden_stands_in_shipped_code() {
    let mut offences = Vec::new();
    for (path, text) in sources(&["src", "storage", "replication"]) {
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for (word, why) in FORBIDDEN {
                if code.contains(word) {
                    offences.push(format!("{}:{}: {word}: {why}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn each_document_has_one_title_and_links_that_lead_somewhere() {
    let mut documents = Vec::new();
    for name in std::fs::read_dir(root()).unwrap().flatten() {
        if name.path().extension().is_some_and(|extension| extension == "md") {
            documents.push(name.path());
        }
    }
    files_under(&root().join("docs"), "md", &mut documents);
    let mut offences = Vec::new();
    for path in documents {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut fenced = false;
        let mut titles = 0;
        for line in text.lines() {
            if line.starts_with("```") {
                fenced = !fenced;
            } else if !fenced && line.starts_with("# ") {
                titles += 1;
            }
        }
        if titles != 1 {
            offences.push(format!("{}: {titles} titles", path.display()));
        }
        for (at, _) in text.match_indices("](") {
            let target: String = text[at + 2..].chars().take_while(|c| *c != ')' && *c != '#').collect();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let leads = path.parent().unwrap().join(&target);
            if !leads.try_exists().unwrap() {
                offences.push(format!("{}: broken link {target}", path.display()));
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

/// Tests that a document names, as `[`name`](../path)`: the name and the path from the top.
fn named_tests(text: &str) -> Vec<(String, String)> {
    let links = text.split("[`").skip(1).filter_map(|rest| rest.split_once("`](../"));
    let named = links.filter_map(|(name, rest)| Some((name, rest.split_once(')')?.0)));
    let tests = named.filter(|(name, path)| path.ends_with(".rs") && !name.contains(char::is_whitespace));
    tests.map(|(name, path)| (name.to_owned(), path.to_owned())).collect()
}

/// Whether a file has a test of that name: a function under an attribute, or inside of `proptest!`.
fn has_test(text: &str, name: &str) -> bool {
    text.match_indices(&format!("fn {name}(")).any(|(at, _)| {
        let before = text[..at].trim_end_matches("async ").trim_end();
        before.ends_with("test]") || text[..at].contains("proptest! {")
    })
}

/// A promise without its test is a hope: whatever the reliability document names must be there, under each of its promises.
#[test]
fn every_test_that_a_document_names_exists() {
    let mut documents = Vec::new();
    files_under(&root().join("docs"), "md", &mut documents);
    let mut offences = Vec::new();
    for path in &documents {
        for (name, file) in named_tests(&std::fs::read_to_string(path).unwrap()) {
            let there = std::fs::read_to_string(root().join(&file)).is_ok_and(|text| has_test(&text, &name));
            if !there {
                offences.push(format!("{}: no test {name} in {file}", path.display()));
            }
        }
    }
    let reliability = std::fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let promises = reliability.split_once("## What is promised").unwrap().1;
    let promises = promises.split_once("\n## ").unwrap().0;
    for promise in promises.split("\n### ").skip(1).flat_map(|section| section.split("\n- **")) {
        let first = promise.lines().next().unwrap_or_default();
        if named_tests(promise).is_empty() && !promise.trim().contains('\n') {
            continue; // a heading over promises of their own
        }
        if named_tests(promise).is_empty() {
            offences.push(format!("docs/reliability.md: nothing tests \"{first}\""));
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

/// What a translation can't change: the commands and files that are named, and the numbers of each table's row.
fn untranslatable(text: &str) -> Vec<String> {
    let quoted = |line: &str| -> Vec<String> { line.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let linked = |line: &str| -> Vec<String> {
        line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
    };
    let numbers = |line: &str| -> Vec<String> {
        let digits = line.split(|c: char| !c.is_ascii_digit() && c != '.' && c != ',');
        let mut found: Vec<String> = digits
            .map(|word| word.trim_matches(['.', ',']))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        found.sort();
        found
    };
    let mut found = Vec::new();
    let mut in_commands = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_commands = !in_commands;
        } else if in_commands {
            found.push(line.split(" #").next().unwrap_or_default().trim_end().to_owned());
        } else if line.starts_with('|') {
            found.extend(quoted(line).into_iter().chain(linked(line)).chain(numbers(line)));
        } else if line.starts_with("## ") || line.starts_with("- **") {
            found.push(line.chars().take_while(|c| !c.is_alphabetic()).collect());
        }
    }
    found
}

#[test]
fn both_readmes_say_the_same() {
    let read = |name: &str| untranslatable(&std::fs::read_to_string(root().join(name)).unwrap());
    let (english, chinese) = (read("README.md"), read("README.zh.md"));
    let differing = english.iter().zip(&chinese).find(|(one, other)| one != other);
    assert_eq!(differing, None);
    assert_eq!(english.len(), chinese.len());
}

#[test]
fn the_tidy_rules_can_fail() {
    let tests = named_tests("so: [`it_holds`](../tests/a.rs), [no](../b.rs) and [`qucan x`](../c.md)");
    assert_eq!(tests, [("it_holds".to_owned(), "tests/a.rs".to_owned())]);
    assert!(has_test("#[tokio::test]\nasync fn it_holds() {}", "it_holds"));
    assert!(!has_test("#[test]\nfn it_holds_not() {}\nfn it_holds() {}", "it_holds"));
    assert_eq!(imported_rooms("use crate::engine::Handle; // crate::api"), ["engine"]);
    assert_eq!(imported_rooms("let x = qucan::ops::demo();"), ["ops"]);
    assert!(imported_rooms("use mycrate::engine;").is_empty());
    assert_eq!(untranslatable("## 1 a\n| `x` 2, 1 |\n```\nrun # it\n```\n"), ["## 1 ", "x", "1", "2", "run"]);
}
