//! The stopped data of a region and of its copy at the centre: each verified, and both the same history.

use super::live::Screen;
use super::place::Directory;
use crate::ops::verify::{self, Report, VerifyOptions};

/// Verifies both and prints what was proved; answers whether every proof holds.
pub fn print(screen: &mut Screen, directory: &Directory, region: &str) -> bool {
    screen.line("");
    let copy = directory.centre().join("regions").join(region);
    let reports = [directory.region(region), copy].map(|path| verify::verify(&path, &VerifyOptions::default()));
    let (node, copy) = match reports {
        [Ok(node), Ok(copy)] => (node, copy),
        [Err(error), _] | [_, Err(error)] => {
            screen.line(&format!("FAIL verify {error}"));
            return false;
        }
    };
    screen.line(node.text().trim_end());
    let same = is_same_history(&node, &copy);
    let mark = if same && copy.ok { "ok  " } else { "FAIL" };
    screen.line(&format!(
        "{mark} copy at the centre: entry {} of {}, {} chain hash and state hash, {}",
        copy.last_sequence,
        node.last_sequence,
        if same { "equal" } else { "another" },
        if copy.ok { "every proof holds" } else { "not every proof holds:" },
    ));
    if !copy.ok {
        screen.line(copy.text().trim_end());
    }
    node.ok && copy.ok && same
}

fn is_same_history(node: &Report, copy: &Report) -> bool {
    (node.last_sequence, &node.chain_hash, &node.state_hash) == (copy.last_sequence, &copy.chain_hash, &copy.state_hash)
}
