//! File systems of a test's own: an ext4 in a file, whose power can be cut, and a small one in memory that fills up.
//! They go when the test goes, however it ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A mounted file system. Whatever runs on it must be dropped before.
pub struct Volume {
    home: tempfile::TempDir,
    mount: Vec<String>,
    is_mounted: bool,
}

/// `EXT4_IOC_SHUTDOWN` without flushing its journal: what a power cut leaves on the disk. Waits for the word, so that nothing
/// is between the moment that a test has chosen and the cut.
const CUT: &str = r#"open(my $d, "<", $ARGV[0]) or die "$!\n"; my $how = pack("L", 2); $| = 1; print "ready\n"; <STDIN>;
    ioctl($d, 0x8004587d, $how) or die "$!\n""#;

/// Runs a program; what it complained of when it failed.
pub fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

impl Volume {
    /// An ext4 of so many MiB; or why there can't be one here.
    pub fn ext4(mebibytes: u64) -> Result<Self, String> {
        let home = tempfile::tempdir().unwrap();
        let image = home.path().join("disk");
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(mebibytes << 20).unwrap();
        let image = image.to_str().unwrap().to_owned();
        run("mkfs.ext4", &["-q", "-F", &image])?;
        Self::mounted(home, vec!["-o".into(), "loop".into(), image])
    }

    /// A file system in memory of so many MiB; or why there can't be one here.
    pub fn tmpfs(mebibytes: u64) -> Result<Self, String> {
        let size = format!("size={mebibytes}m");
        Self::mounted(tempfile::tempdir().unwrap(), ["-t", "tmpfs", "-o", &size, "tmpfs"].map(str::to_owned).into())
    }

    fn mounted(home: tempfile::TempDir, mount: Vec<String>) -> Result<Self, String> {
        std::fs::create_dir(home.path().join("mount")).unwrap();
        let mut volume = Self { home, mount, is_mounted: false };
        volume.mount()?;
        Ok(volume)
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.home.path().join("mount")
    }

    /// Mounts it again.
    pub fn mount(&mut self) -> Result<(), String> {
        let point = self.path();
        let arguments: Vec<&str> = self.mount.iter().map(String::as_str).chain([point.to_str().unwrap()]).collect();
        run("mount", &arguments)?;
        self.is_mounted = true;
        Ok(())
    }

    /// Unmounts it; nobody may use it any more.
    pub fn unmount(&mut self) {
        run("umount", &[self.path().to_str().unwrap()]).unwrap();
        self.is_mounted = false;
    }

    /// From here on nothing reaches the disk, and every write or sync on it fails.
    pub fn cut_power(&self) {
        self.switch().off();
    }

    /// A hand on the switch.
    pub fn switch(&self) -> Switch {
        let mut command = Command::new("perl");
        command.args(["-e", CUT]).arg(self.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut perl = command.spawn().unwrap();
        let mut said = String::new();
        BufReader::new(perl.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n");
        Switch(perl)
    }
}

/// Cuts the power at once.
pub struct Switch(Child);

impl Switch {
    /// Off.
    pub fn off(mut self) {
        self.0.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert!(self.0.wait().unwrap().success(), "the power could not be cut");
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if self.is_mounted && run("umount", &[self.path().to_str().unwrap()]).is_err() {
            // Somebody is still there: it goes with them.
            let _leaked = run("umount", &["-l", self.path().to_str().unwrap()]);
        }
    }
}

/// Fills a file system to its last byte; the room comes back when the file is removed.
pub fn fill(ballast: &Path) {
    let mut file = std::fs::File::create(ballast).unwrap();
    for size in [1 << 20, 4096, 64, 1] {
        let piece = vec![7; size];
        while file.write_all(&piece).is_ok() {}
    }
}
