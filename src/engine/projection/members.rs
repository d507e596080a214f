//! Who has orders on a day, in four bytes a member: so that a list of a member's orders does not open days in which there
//! are none. Kept in memory and beside the day's tables; a wrong yes costs a look, a wrong no is not possible.

use std::io;
use std::path::{Path, PathBuf};

use qucan_storage::fs::{FileSystem, read_small, write_all_at};

use crate::domain::id::MemberId;

/// Fingerprints of the members of a day, sorted.
#[derive(Debug, Default)]
pub struct Members(Vec<u32>);

const CHECK: usize = 32;

fn fingerprint(member: &[u8]) -> u32 {
    u32::from_le_bytes(blake3::hash(member).as_bytes().first_chunk().copied().unwrap_or_default())
}

impl Members {
    /// Where the members of a day stand: beside its tables.
    pub fn file_of(day: &Path) -> PathBuf {
        day.with_extension("members")
    }

    /// The members that `each` names, by their bytes; more than once does no harm.
    pub fn of(members: impl Iterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut found = MembersFound::default();
        members.for_each(|member| found.add(member.as_ref()));
        found.sorted()
    }

    /// Whether the member may have an order on the day.
    pub(super) fn may_hold(&self, member: &MemberId) -> bool {
        self.may_hold_name(member.as_str().as_bytes())
    }

    /// The same for a member's bytes in a key.
    pub fn may_hold_name(&self, member: &[u8]) -> bool {
        self.0.binary_search(&fingerprint(member)).is_ok()
    }

    /// Reads them back; nothing where the file is missing or not whole.
    pub fn load(fs: &dyn FileSystem, path: &Path) -> Option<Self> {
        let bytes = read_small(fs, path, u64::MAX).ok()??;
        let (check, body) = bytes.split_at_checked(CHECK)?;
        let (numbers, rest) = body.as_chunks::<4>();
        let whole = rest.is_empty() && blake3::hash(body).as_bytes() == check;
        whole.then(|| Self(numbers.iter().map(|number| u32::from_le_bytes(*number)).collect()))
    }

    /// Writes them down. Not synced: what is not whole is made anew.
    pub fn store(&self, fs: &dyn FileSystem, path: &Path) -> io::Result<()> {
        let body: Vec<u8> = self.0.iter().flat_map(|number| number.to_le_bytes()).collect();
        match fs.remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        write_all_at(&*fs.create(path)?, &[blake3::hash(&body).as_bytes().as_slice(), &body].concat(), 0)
    }
}

/// Members that are found one by one. Holds no more of a name than is kept: a busy day has a million.
#[derive(Debug, Default)]
pub(super) struct MembersFound {
    fingerprints: Vec<u32>,
}

impl MembersFound {
    /// One that is found, by its bytes; the same one again and again takes no room.
    pub(super) fn add(&mut self, member: &[u8]) {
        let fingerprint = fingerprint(member);
        if self.fingerprints.last() != Some(&fingerprint) {
            self.fingerprints.push(fingerprint);
        }
    }

    /// All of them.
    pub(super) fn sorted(self) -> Members {
        let mut sorted = self.fingerprints;
        sorted.sort_unstable();
        sorted.dedup();
        sorted.shrink_to_fit();
        Members(sorted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qucan_storage::fs::SimFs;

    #[test]
    fn members_are_found_again_and_a_damaged_file_is_not_believed() {
        let (fs, path) = (SimFs::new(1), Path::new("/20261123.members"));
        assert!(Members::load(&fs, path).is_none());
        let names: Vec<String> = (0..1_000).map(|number| format!("member-{number}")).collect();
        Members::of(names.iter().take(1)).store(&fs, path).unwrap();
        Members::of(names.iter()).store(&fs, path).unwrap();
        let found = Members::load(&fs, path).unwrap();
        assert!(names.iter().all(|name| found.may_hold(&name.parse().unwrap())));
        let strangers = (0..1_000).filter(|number| found.may_hold(&format!("stranger-{number}").parse().unwrap()));
        assert_eq!(strangers.count(), 0);
        fs.corrupt(path, |bytes| bytes[100] ^= 1).unwrap();
        assert!(Members::load(&fs, path).is_none());
    }
}
