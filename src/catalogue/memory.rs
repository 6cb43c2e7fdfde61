//! How much memory this process may still take: `/proc/meminfo`, and the limits of the control groups it lives in.

use std::path::{Path, PathBuf};

/// What there is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Of the machine.
    pub total: u64,
    /// Of the machine, without swapping.
    pub machine_available: u64,
    /// What the tightest control group still allows; `None` = no limit.
    pub group_available: Option<u64>,
}

impl Memory {
    /// What this process may count on.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.group_available.map_or(self.machine_available, |group| group.min(self.machine_available))
    }

    /// The same, with so many bytes taken.
    #[must_use]
    pub fn less(self, bytes: u64) -> Self {
        Self {
            machine_available: self.machine_available.saturating_sub(bytes),
            group_available: self.group_available.map(|available| available.saturating_sub(bytes)),
            ..self
        }
    }

    /// Measures this machine. Where the system tells nothing (no `/proc`), there is no limit: the load itself then
    /// reports what is missing.
    #[must_use]
    pub fn now() -> Self {
        Self::under(Path::new("/"))
    }

    /// As [`Memory::now`], with the files under another root.
    fn under(root: &Path) -> Self {
        let info = std::fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
        let field = |name: &str| meminfo(&info, name).unwrap_or(u64::MAX);
        Self {
            total: field("MemTotal"),
            machine_available: field("MemAvailable"),
            group_available: group_available(root),
        }
    }
}

/// A line `Name:  123 kB`, in bytes.
fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Limit less use of the tightest group on the way from this process's own group up to the root.
fn group_available(root: &Path) -> Option<u64> {
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    groups
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
            let path = path.trim_start_matches('/');
            if controllers.is_empty() {
                // Version 2: either the whole tree or beside version 1 under `unified`.
                let mounts = [root.join("sys/fs/cgroup"), root.join("sys/fs/cgroup/unified")];
                mounts
                    .iter()
                    .filter_map(|mount| tightest(mount, path, "memory.max", "memory.current", "inactive_file"))
                    .min()
            } else if controllers.split(',').any(|name| name == "memory") {
                let mount = root.join("sys/fs/cgroup/memory");
                tightest(&mount, path, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            } else {
                None
            }
        })
        .min()
}

/// The least room of the groups from `mount/path` up to `mount`.
fn tightest(mount: &Path, path: &str, limit: &str, usage: &str, reclaimable: &str) -> Option<u64> {
    // A path with `..` in it names a group outside this namespace: what can be seen is the mount itself.
    let path = if path.split('/').any(|part| part == "..") { "" } else { path };
    let deepest: PathBuf = mount.join(path);
    deepest
        .ancestors()
        .take_while(|group| group.starts_with(mount))
        .filter_map(|group| {
            let number = |file: &str| std::fs::read_to_string(group.join(file)).ok()?.trim().parse::<u64>().ok();
            // "max" does not parse; version 1 writes a number near 2^63 for "no limit".
            let limit = number(limit).filter(|limit| *limit < 1 << 62)?;
            let stat = std::fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
            let cached =
                stat.lines().find_map(|line| line.strip_prefix(reclaimable)?.trim().parse::<u64>().ok()).unwrap_or(0);
            Some(limit.saturating_sub(number(usage).unwrap_or(0).saturating_sub(cached)))
        })
        .min()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> Memory {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Memory::under(root.path())
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   800 kB\n");

    #[test]
    fn without_groups_the_machine_decides() {
        let memory = machine(&[MEMINFO]);
        assert_eq!((memory.total, memory.available()), (1_024_000, 819_200));
    }

    #[test]
    fn version_2_counts_the_tightest_ancestor_and_reclaimable_cache() {
        let memory = machine(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("sys/fs/cgroup/a/memory.max", "500000\n"),
            ("sys/fs/cgroup/a/memory.current", "300000\n"),
            ("sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file 100000\nactive_file 7\n"),
        ]);
        assert_eq!(memory.group_available, Some(300_000));
        assert_eq!(memory.available(), 300_000);
    }

    #[test]
    fn version_1_knows_its_way_of_saying_no_limit() {
        let unlimited = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        let group = ("proc/self/cgroup", "9:name=systemd:/\n4:memory:/job\n");
        assert_eq!(machine(&[MEMINFO, group, unlimited]).group_available, None);
        let limited = [
            ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "400000"),
            ("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "100000"),
        ];
        assert_eq!(machine(&[MEMINFO, group, unlimited, limited[0], limited[1]]).available(), 300_000);
    }

    #[test]
    fn a_system_that_tells_nothing_sets_no_limit() {
        assert_eq!(machine(&[]).available(), u64::MAX);
        let nonsense = machine(&[("proc/meminfo", "MemAvailable: lots\n"), ("proc/self/cgroup", "x\n0::/../../..\n")]);
        assert_eq!(nonsense.available(), u64::MAX);
    }
}
