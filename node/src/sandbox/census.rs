//! Who belongs to a job: reads `/proc`, adds up what the job's processes use, and kills them all.
//!
//! A job's family is its first process with all descendants, and its process group. A process that leaves both (a daemon)
//! is adopted: by the sandbox's first process under bubblewrap, which keeps it in the family, and otherwise by the node
//! itself, which kills every adopted process ([`kill_strays`]). Invariant: a process that the node did not start itself
//! never outlives the job that started it by more than one census.
use nix::{
    sys::signal::{Signal, kill, killpg},
    sys::wait::{WaitPidFlag, waitpid},
    unistd::Pid,
};
use std::{
    collections::BTreeSet,
    fs,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The kernel counts CPU time for user space in hundredths of a second on every architecture (USER_HZ).
const TICKS_PER_SECOND: u64 = 100;
/// Rounds of killing; a fork that raced with one round is seen by the next.
const KILL_ROUNDS: u32 = 16;

/// Every process that the node has started itself and not seen end.
static LEADERS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// Holds off [`kill_strays`] while a process is started and entered.
pub(super) fn leaders() -> MutexGuard<'static, BTreeSet<i32>> {
    LEADERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What all processes of a job use together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time, with children that have ended and were waited for.
    pub cpu: Duration,
    /// Resident memory; pages that are shared count for each process.
    pub memory_bytes: u64,
    /// Processes and threads.
    pub tasks: u32,
}

#[derive(Debug, Clone, Copy)]
struct Process {
    pid: i32,
    parent: i32,
    group: i32,
    dead: bool,
    ticks: u64,
    tasks: u32,
}

impl Process {
    /// Reads `/proc/PID/stat` (proc(5)). The name in brackets may itself contain brackets and blanks, so the fields are
    /// counted from the last closing one.
    fn parse(pid: i32, stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        // Field 3 of the manual's numbering is the first after the name.
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        Some(Self {
            pid,
            parent: number(4)? as i32,
            group: number(5)? as i32,
            dead: matches!(*fields.first()?, "Z" | "X"),
            ticks: number(14)?.saturating_add(number(15)?),
            tasks: number(20)? as u32,
        })
    }
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    // A process that ends in between has no file any more.
    pids.filter_map(|pid| Process::parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)).collect()
}

/// The living family of a first process, without the process itself when it is gone.
fn family(leader: i32) -> Vec<Process> {
    let all = processes();
    let mut known = BTreeSet::from([leader]);
    loop {
        let before = known.len();
        known.extend(
            all.iter().filter(|p| known.contains(&p.parent) || p.group == leader).map(|p| p.pid).collect::<Vec<_>>(),
        );
        if known.len() == before {
            return all.into_iter().filter(|p| known.contains(&p.pid) && !p.dead).collect();
        }
    }
}

fn resident_bytes(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|l| l.split_ascii_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0);
    kibibytes.saturating_mul(1_024)
}

/// Adds up what the family of a first process uses.
pub(super) fn usage(leader: i32) -> Usage {
    family(leader).iter().fold(Usage::default(), |sum, p| Usage {
        cpu: sum.cpu + Duration::from_millis(p.ticks.saturating_mul(1_000 / TICKS_PER_SECOND)),
        memory_bytes: sum.memory_bytes.saturating_add(resident_bytes(p.pid)),
        tasks: sum.tasks.saturating_add(p.tasks),
    })
}

/// Kills the family of a first process.
pub(super) fn kill_family(leader: i32) {
    for _ in 0..KILL_ROUNDS {
        // The family is read first: when its first process dies, the others are adopted and no longer told apart. The group
        // dies at once, which a fork cannot outrun. Errors mean that a process is gone already.
        let alive = family(leader);
        let _gone = killpg(Pid::from_raw(leader), Signal::SIGKILL);
        for process in &alive {
            let _gone = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
        if alive.is_empty() {
            return;
        }
        // Gives the kernel the moment in which a killed process passes away.
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Kills and reaps every process that was adopted by the node (which made itself a subreaper), that is, whose parent is
/// the node and that the node did not start.
pub(super) fn kill_strays() {
    let own = std::process::id() as i32;
    for _ in 0..KILL_ROUNDS {
        let leaders = leaders();
        let strays: Vec<_> = processes().into_iter().filter(|p| p.parent == own && !leaders.contains(&p.pid)).collect();
        for stray in &strays {
            let pid = Pid::from_raw(stray.pid);
            let _gone = kill(pid, Signal::SIGKILL);
            let _gone = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        }
        drop(leaders);
        if strays.is_empty() {
            return;
        }
        // A stray's children are adopted in their turn when it dies.
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_move_the_fields() {
        let stat = "7 (a) R 1 (x) S 3 5 5 0 -1 0 0 0 0 0 11 22 0 0 20 0 4 0 99 1 2";
        let process = Process::parse(7, stat).unwrap();
        assert_eq!((process.parent, process.group, process.ticks, process.tasks), (3, 5, 33, 4));
        assert!(!process.dead);
        assert!(Process::parse(7, "7 (a) S").is_none());
        assert!(Process::parse(7, "garbage").is_none());
    }

    #[test]
    fn this_process_is_in_its_own_family() {
        let own = usage(std::process::id() as i32);
        assert!(own.tasks >= 1 && own.memory_bytes > 1 << 16, "{own:?}");
    }
}
