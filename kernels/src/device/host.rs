//! What the operating system says of this machine: shown, and used as a limit, never scored.
//!
//! In a container the machine's free memory is not what a process may take: the container's own limit ends a process that
//! fills more, so the smaller of both counts. Never fails: what is not said is absent.

use std::fs;
use std::path::Path;

/// Where Linux states free memory and processors.
const MEMORY_FILE: &str = "/proc/meminfo";
const PROCESSOR_FILE: &str = "/proc/cpuinfo";

/// The memory controller of a container.
struct Container {
    folder: &'static str,
    limit: &'static str,
    used: &'static str,
    /// The line of `memory.stat` with cached bytes that are given up when memory is short.
    given_up: &'static str,
}

/// Versions 2 and 1 of cgroups.
const CONTAINERS: [Container; 2] = [
    Container { folder: "/sys/fs/cgroup", limit: "memory.max", used: "memory.current", given_up: "inactive_file" },
    Container {
        folder: "/sys/fs/cgroup/memory",
        limit: "memory.limit_in_bytes",
        used: "memory.usage_in_bytes",
        given_up: "total_inactive_file",
    },
];

/// The longest name of a processor that is passed on, in characters.
const NAME_MAX: usize = 64;

/// Returns the bytes of memory that this process can fill without pushing the machine into swap or hitting its
/// container's limit.
pub fn available_memory_bytes() -> Option<u64> {
    let free = stated(&fs::read_to_string(MEMORY_FILE).ok()?, "MemAvailable:")?;
    let of_containers = CONTAINERS.iter().filter_map(|container| left(container, container.folder.as_ref()));
    Some(of_containers.fold(free, u64::min))
}

/// Returns the bytes of memory of the machine.
pub fn memory_bytes() -> Option<u64> {
    stated(&fs::read_to_string(MEMORY_FILE).ok()?, "MemTotal:")
}

/// Returns the name of the first processor, cut to a size.
pub fn processor_name() -> Option<String> {
    let text = fs::read_to_string(PROCESSOR_FILE).ok()?;
    let (_, name) = text.lines().find(|line| line.starts_with("model name"))?.split_once(':')?;
    Some(name.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(NAME_MAX).collect())
}

/// Returns the threads that this process may use at once.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Reads a line "NAME 123 kB".
fn stated(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Reads a container's limit less its use; none where there is no limit ("max").
fn left(container: &Container, folder: &Path) -> Option<u64> {
    let number = |file| fs::read_to_string(folder.join(file)).ok()?.trim().parse::<u64>().ok();
    let (limit, used) = (number(container.limit)?, number(container.used)?);
    let statistics = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let line = statistics.lines().find_map(|line| line.strip_prefix(container.given_up)?.strip_prefix(' '));
    let given_up = line.and_then(|bytes| bytes.parse::<u64>().ok()).unwrap_or(0);
    Some(limit.saturating_sub(used.saturating_sub(given_up)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_kibibytes_and_by_its_whole_name() {
        let text = "MemTotal:       24000 kB\nMemFree:        1 kB\nMemAvailable:   23000 kB\n";
        assert_eq!(stated(text, "MemAvailable:"), Some(23_000 * 1024));
        assert_eq!(stated(text, "SwapFree:"), None);
        assert_eq!(stated("MemAvailable: many kB", "MemAvailable:"), None);
    }

    #[test]
    fn a_container_leaves_its_limit_less_what_it_cannot_give_up() {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| fs::write(folder.path().join(file), text).unwrap();
        let [container, _] = &CONTAINERS;
        assert_eq!(left(container, folder.path()), None);
        write("memory.current", "400\n");
        for (said, expected) in [("max\n", None), ("1000\n", Some(600)), ("100\n", Some(0))] {
            write("memory.max", said);
            assert_eq!(left(container, folder.path()), expected, "{said}");
        }
        write("memory.stat", "inactive_file_other 7\ninactive_file 350\n");
        assert_eq!(left(container, folder.path()), Some(50));
    }

    #[test]
    fn this_machine_has_memory_and_threads() {
        let (free, all) = (available_memory_bytes().unwrap(), memory_bytes().unwrap());
        assert!(0 < free && free <= all && threads() > 0);
    }
}
