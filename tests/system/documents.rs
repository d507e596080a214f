//! Every command in the documents is tried: a document that lies fails here.

use std::path::Path;
use std::process::Command;

use crate::common::Node;
use crate::common::node::qucan;

fn read(document: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap()
}

/// The lines of a document's blocks of one language, in order.
fn blocks(document: &str, language: &str) -> String {
    let (mut lines, mut inside) = (String::new(), false);
    for line in read(document).lines() {
        if line.starts_with("```") {
            inside = line.strip_prefix("```") == Some(language);
        } else if inside {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    lines
}

#[test]
fn the_integrators_walk_works_as_written() {
    let node = Node::empty("");
    let script = format!("set -euo pipefail\n{}", blocks("docs/integrating.md", "sh"));
    assert!(script.lines().count() > 20, "the walk has commands");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("NODE", node.url())
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(stdout.ends_with("collected\n"), "{stdout}");
}

#[test]
fn every_command_line_in_the_documents_is_one_that_the_program_knows() {
    let mut tried = 0;
    for document in [
        "README.md",
        "README.zh.md",
        "docs/integrating.md",
        "docs/operating.md",
        "docs/reliability.md",
        "CONTRIBUTING.md",
    ] {
        let text = read(document);
        let code = text.lines().flat_map(|line| line.split('`'));
        for words in code.map(|piece| piece.split_whitespace().collect::<Vec<_>>()) {
            let Some(at) = words.iter().position(|word| *word == "qucan" || word.ends_with("/qucan")) else { continue };
            let Some(command) = words.get(at + 1).filter(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()))
            else {
                continue;
            };
            if words[..at].contains(&"-p") {
                continue; // cargo's own
            }
            let help = qucan(&[command, "--help"]);
            if !help.status.success() && !words.iter().any(|word| word.starts_with("--")) {
                continue; // prose that begins with the program's name
            }
            assert!(help.status.success(), "{document}: `qucan {command}` is unknown");
            let help = String::from_utf8(help.stdout).unwrap();
            for flag in words.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(flag), "{document}: `qucan {command}` knows no {flag}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 10, "only {tried} commands found");
}

#[test]
fn the_shipped_configuration_and_catalogues_are_accepted() {
    let node = Node::empty("");
    for catalog in ["examples/catalog-east.json", "examples/catalog-south.json"] {
        let output = qucan(&["import", "--config", node.config().to_str().unwrap(), "--catalog", catalog]);
        assert!(output.status.success(), "{catalog}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
