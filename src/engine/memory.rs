//! How much memory this process may still take: the machine's, or its container's if that is less.

use std::fs;

/// Bytes available; `None` where the system does not say.
#[must_use]
pub fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(of_machine);
    let container = [
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
            "/sys/fs/cgroup/memory/memory.stat",
        ),
    ]
    .iter()
    .filter_map(|(limit, used, stat)| {
        let read = |path: &str| fs::read_to_string(path).ok();
        of_container(&read(limit)?, &read(used)?, read(stat).as_deref().unwrap_or(""))
    })
    .min();
    machine.into_iter().chain(container).min()
}

/// `MemAvailable` of `/proc/meminfo`, which counts file caches that can be dropped.
fn of_machine(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// What a control group leaves: its limit less what is used, not counting file caches that can be dropped.
fn of_container(limit: &str, used: &str, stat: &str) -> Option<u64> {
    // "max" is no number: no limit.
    let limit: u64 = limit.trim().parse().ok()?;
    let used: u64 = used.trim().parse().ok()?;
    let field = |name: &str| stat.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    let droppable = field("inactive_file ").unwrap_or(0) + field("active_file ").unwrap_or(0);
    Some(limit.saturating_sub(used.saturating_sub(droppable)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_and_the_container_are_read() {
        assert_eq!(of_machine("MemTotal: 100 kB\nMemAvailable:   2048 kB\n"), Some(2048 * 1024));
        assert_eq!(of_machine("MemTotal: 100 kB\n"), None);
        assert_eq!(of_container("max\n", "5\n", ""), None);
        assert_eq!(of_container("1000\n", "900\n", "anon 1\ninactive_file 300\nactive_file 100\n"), Some(500));
        assert_eq!(of_container("1000\n", "2000\n", ""), Some(0));
    }
}
