//! Many small sources become one file a page: modules in the order in which they need each other, styles with what they import.
//!
//! The sources are plain modules that a browser could load one by one; over HTTP/1.1 with six connections and a phone's
//! round trip, twenty of them cost half a second more than one. This file knows just enough of the language for that: imports of
//! names from `./file.js`, and exports that stand before a declaration at the beginning of a line. Whatever else there may be is an
//! error that a test meets. It shortens and renames nothing: what a browser shows is what stands in the source.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The sources by their file names.
pub(super) type Sources<'a> = BTreeMap<&'a str, &'a str>;

/// Why sources can't be put together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BundleError {
    #[error("{by} imports {name}, which is not embedded")]
    Missing { by: String, name: String },
    #[error("{name} is needed by what it needs")]
    Circle { name: String },
    #[error("{name}: can't read `{line}`")]
    Unreadable { name: String, line: String },
}

/// One script from `entry` and everything that it imports.
pub(super) fn script(sources: &Sources<'_>, entry: &str) -> Result<String, BundleError> {
    let mut modules = Modules { sources, open: Vec::new(), done: Vec::new(), text: String::new() };
    modules.add(entry, "", true)?;
    Ok(modules.text)
}

struct Modules<'a> {
    sources: &'a Sources<'a>,
    open: Vec<String>,
    done: Vec<String>,
    text: String,
}

impl Modules<'_> {
    fn add(&mut self, name: &str, by: &str, entry: bool) -> Result<(), BundleError> {
        if self.done.iter().any(|done| done == name) {
            return Ok(());
        }
        if self.open.iter().any(|open| open == name) {
            return Err(BundleError::Circle { name: name.to_owned() });
        }
        let source =
            self.sources.get(name).ok_or_else(|| BundleError::Missing { by: by.to_owned(), name: name.to_owned() })?;
        self.open.push(name.to_owned());
        let module = read(name, source)?;
        for (_, from) in &module.imports {
            self.add(from, name, false)?;
        }
        // Writing to a string can't fail.
        let _ = writeln!(self.text, "// {name}");
        if !entry {
            let _ = writeln!(self.text, "const {} = (() => {{", variable(name));
        }
        for (names, from) in &module.imports {
            let _ = writeln!(self.text, "const {{ {} }} = {};", names.replace(" as ", ": "), variable(from));
        }
        self.text.push_str(&module.body);
        if !entry {
            let _ = writeln!(self.text, "return {{ {} }};\n}})();", module.exports.join(", "));
        }
        self.open.pop();
        self.done.push(name.to_owned());
        Ok(())
    }
}

/// The variable that holds what a module exports. `$` begins no name of the sources.
fn variable(name: &str) -> String {
    format!("${}", name.trim_end_matches(".js").replace('-', "_"))
}

struct Module {
    /// `(names, file)` of every import.
    imports: Vec<(String, String)>,
    exports: Vec<String>,
    /// The source without its imports and without the word `export`.
    body: String,
}

fn read(name: &str, source: &str) -> Result<Module, BundleError> {
    let mut module = Module { imports: Vec::new(), exports: Vec::new(), body: String::new() };
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let unreadable = || BundleError::Unreadable { name: name.to_owned(), line: line.to_owned() };
        if line.starts_with("import ") {
            let mut whole = line.to_owned();
            while !whole.ends_with(';') {
                whole.push(' ');
                whole.push_str(lines.next().ok_or_else(unreadable)?.trim());
            }
            module.imports.push(import(&whole).ok_or_else(unreadable)?);
        } else if let Some(declaration) = line.strip_prefix("export ") {
            module.exports.push(declared(declaration).ok_or_else(unreadable)?);
            module.body.push_str(declaration);
            module.body.push('\n');
        } else if is_remark_begun(line) {
            while lines.next().is_some_and(|line| !line.contains("*/")) {}
        } else if !is_remark(line) {
            module.body.push_str(line);
            module.body.push('\n');
        }
    }
    Ok(module)
}

/// A line that holds a remark alone. A browser has no use for it.
fn is_remark(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with("// ") || line.starts_with("/** ") && line.ends_with("*/")
}

/// The first line of a remark over several lines.
fn is_remark_begun(line: &str) -> bool {
    line.trim_start().starts_with("/**") && !line.contains("*/")
}

/// `import { a, b as c } from "./file.js";`
fn import(line: &str) -> Option<(String, String)> {
    let (names, from) = line.strip_prefix("import {")?.split_once("} from \"./")?;
    let names = names.trim().trim_end_matches(',');
    Some((names.to_owned(), from.strip_suffix("\";")?.to_owned()))
}

/// The name that a declaration gives; `let` may change after the module has run, which a copy would not follow.
fn declared(declaration: &str) -> Option<String> {
    let rest =
        ["async function ", "function ", "class ", "const "].iter().find_map(|kind| declaration.strip_prefix(kind))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')?;
    rest.get(..end).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// One style sheet: `@import "file.css";` lines are replaced by that file.
pub(super) fn style(sources: &Sources<'_>, entry: &str) -> Result<String, BundleError> {
    let mut text = String::new();
    let source =
        sources.get(entry).ok_or_else(|| BundleError::Missing { by: String::new(), name: entry.to_owned() })?;
    for line in source.lines() {
        if let Some(name) = line.strip_prefix("@import \"").and_then(|rest| rest.strip_suffix("\";")) {
            let part = sources
                .get(name)
                .ok_or_else(|| BundleError::Missing { by: entry.to_owned(), name: name.to_owned() })?;
            text.push_str(part);
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{BundleError, Sources, script, style};

    fn check(sources: &[(&'static str, &'static str)], expected: Result<&str, BundleError>) {
        let sources: Sources<'_> = sources.iter().copied().collect();
        assert_eq!(script(&sources, "page.js"), expected.map(str::to_owned));
    }

    #[test]
    fn modules_stand_before_who_needs_them_and_once() {
        check(
            &[
                ("page.js", "import { b } from \"./b-c.js\";\nimport {\n  a as z,\n} from \"./a.js\";\nawait b(z);\n"),
                (
                    "b-c.js",
                    "// what it is for\n/**\n * @param {string} x\n */\nimport { a } from \"./a.js\";\nexport async function b(x) {}\n",
                ),
                ("a.js", "export const a = 1;\n\nlet hidden = 2;\nexport class C {\n}\n"),
            ],
            Ok("// a.js\nconst $a = (() => {\nconst a = 1;\nlet hidden = 2;\nclass C {\n}\nreturn { a, C };\n})();\n\
                // b-c.js\nconst $b_c = (() => {\nconst { a } = $a;\nasync function b(x) {}\nreturn { b };\n})();\n\
                // page.js\nconst { b } = $b_c;\nconst { a: z } = $a;\nawait b(z);\n"),
        );
    }

    #[test]
    fn what_it_cannot_read_is_an_error() {
        check(
            &[("page.js", "import { a } from \"./a.js\";\n")],
            Err(BundleError::Missing { by: "page.js".into(), name: "a.js".into() }),
        );
        check(
            &[("page.js", "import { a } from \"./a.js\";"), ("a.js", "import { p } from \"./page.js\";")],
            Err(BundleError::Circle { name: "page.js".into() }),
        );
        for line in ["export let a = 1;", "export default f;", "export { a };", "import * as a from \"./a.js\";"] {
            let sources: Sources<'_> = [("page.js", line)].into_iter().collect();
            let expected = BundleError::Unreadable { name: "page.js".into(), line: line.into() };
            assert_eq!(script(&sources, "page.js"), Err(expected));
        }
    }

    #[test]
    fn styles_are_put_where_they_are_imported() {
        let sources: Sources<'_> =
            [("page.css", "@import \"base.css\";\np {}\n"), ("base.css", "a {}\n")].into_iter().collect();
        assert_eq!(style(&sources, "page.css"), Ok("a {}\np {}\n".to_owned()));
    }
}
