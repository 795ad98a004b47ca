//! A child process: started in its own process group, its output in a log file, ended by its id.
//!
//! Ctrl-C reaches only the program in front; it decides in which order its children end. A child is asked first
//! (SIGTERM), then its whole group is killed; dropping a child kills it, so that no path leaves one behind.

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};

/// How many lines of standard output wait to be read; later ones are in the log only.
const LINES_MAX: usize = 256;
/// How much of a log is shown when a child dies.
const TAIL_BYTES: u64 = 4 << 10;

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
    log: PathBuf,
    lines: mpsc::Receiver<String>,
}

impl Process {
    /// Starts a program; standard output goes to `<logs>/<name>.out`, standard error to `<logs>/<name>.log`.
    pub async fn start(name: &str, program: &Path, arguments: &[String], logs: &Path) -> anyhow::Result<Self> {
        let log = logs.join(format!("{name}.log"));
        let open = |path: &Path| {
            File::options()
                .create(true)
                .append(true)
                .open(path)
                .with_context(|| format!("cannot write {}", path.display()))
        };
        let errors = open(&log)?;
        let written = tokio::fs::File::from_std(open(&logs.join(format!("{name}.out")))?);
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).context("a started process has an id")?;
        let output = child.stdout.take().context("standard output is piped")?;
        let (sender, lines) = mpsc::channel(LINES_MAX);
        tokio::spawn(copy_lines(output, written, sender));
        Ok(Self { name: name.to_owned(), child, pid: Pid::from_raw(pid), log, lines })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> i32 {
        self.pid.as_raw()
    }

    /// Waits for the first line that starts with `prefix` and returns what follows.
    pub async fn line_after(&mut self, prefix: &str, limit: Duration) -> anyhow::Result<String> {
        let wanted = async {
            while let Some(line) = self.lines.recv().await {
                if let Some(rest) = line.strip_prefix(prefix) {
                    return Some(rest.to_owned());
                }
            }
            None
        };
        match timeout(limit, wanted).await {
            Ok(Some(rest)) => Ok(rest),
            Ok(None) => bail!("{} ended before it printed {prefix:?}\n{}", self.name, self.tail()),
            Err(_) => bail!("{} did not print {prefix:?} within {limit:?}\n{}", self.name, self.tail()),
        }
    }

    /// The next line of standard output; `None` once the program has closed it.
    pub async fn next_line(&mut self) -> Option<String> {
        self.lines.recv().await
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("cannot ask for the status of {}", self.name))
    }

    /// Waits until it ends by itself.
    pub async fn wait(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        match timeout(limit, self.child.wait()).await {
            Ok(status) => Ok(status?),
            Err(_) => bail!("{} still runs after {limit:?}\n{}", self.name, self.tail()),
        }
    }

    /// The last lines of its log.
    #[must_use]
    pub fn tail(&self) -> String {
        let read = || -> std::io::Result<String> {
            let mut file = File::open(&self.log)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        match read() {
            Ok(text) => format!("last lines of {}:\n{}", self.log.display(), text.trim_end()),
            Err(error) => format!("{} cannot be read: {error}", self.log.display()),
        }
    }

    /// Asks it to end.
    pub fn ask_to_end(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Kills it without warning, as a power failure would.
    pub async fn kill_now(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::SIGKILL);
        self.child.wait().await.map(drop).with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Waits for it to end after [`Self::ask_to_end`]; then its whole group is killed. Says whether it went by itself.
    pub async fn finish(&mut self, grace: Duration) -> bool {
        let went = timeout(grace, self.child.wait()).await.is_ok();
        // Also when it went: a group outlives its leader if the leader left a child behind.
        let _ = killpg(self.pid, Signal::SIGKILL);
        let _ = self.child.wait().await;
        went
    }

    /// The id is the child's own until it is waited for, so a signal never reaches a stranger.
    fn signal(&self, signal: Signal) {
        if self.child.id().is_some() {
            let _ = kill(self.pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.id().is_some() {
            let _ = killpg(self.pid, Signal::SIGKILL);
        }
    }
}

async fn copy_lines(output: ChildStdout, mut file: tokio::fs::File, sender: mpsc::Sender<String>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // A log that cannot be written costs the log, not the market.
        let _ = file.write_all(format!("{line}\n").as_bytes()).await;
        let _ = file.flush().await;
        let _ = sender.try_send(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, folder: &Path) -> Process {
        let arguments = ["-c".to_owned(), script.to_owned()];
        Process::start("child", Path::new("/bin/sh"), &arguments, folder).await.unwrap()
    }

    fn alive(id: i32) -> bool {
        // A process that nobody waited for is a zombie: state Z after the name in parentheses.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{id}/stat")) else { return false };
        !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z')
    }

    #[tokio::test]
    async fn a_line_is_found_and_a_missing_one_shows_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = shell("echo noise; echo ready at 7; echo trouble >&2", folder.path()).await;
        assert_eq!(child.line_after("ready at ", Duration::from_secs(5)).await.unwrap(), "7");
        let error = child.line_after("never", Duration::from_secs(5)).await.unwrap_err().to_string();
        assert!(error.contains("ended before") && error.contains("trouble"), "{error}");
    }

    #[tokio::test]
    async fn a_child_that_ignores_the_request_is_killed_with_its_own_children() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = shell("trap '' TERM; sleep 600 & echo $!; wait; sleep 600", folder.path()).await;
        let grandchild: i32 = child.next_line().await.unwrap().parse().unwrap();
        child.ask_to_end();
        assert!(!child.finish(Duration::from_millis(200)).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!alive(grandchild) && !alive(child.id()));
    }
}
