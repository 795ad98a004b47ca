//! A running job: its streams, its end, and that nothing of it is left.
//!
//! Owns the process and everything that descends from it. Invariant: when a [`Job`] is dropped, all of its processes have
//! been sent SIGKILL. Never reads the job's streams, except for what it complains about on standard error.
use super::{Error, Kind, Usage, census};
use command_fds::{CommandFdExt, FdMapping};
use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::{
        fd::OwnedFd,
        unix::{fs::OpenOptionsExt as _, process::ExitStatusExt as _},
    },
    path::Path,
    process::ExitStatus,
    sync::{PoisonError, RwLock},
};
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
};

/// The file descriptor on which a job finds a simulated device.
const DEVICE_FD: i32 = 3;
/// How much of standard error is kept for the node's log.
const COMPLAINT_BYTES_MAX: usize = 2_048;
/// bubblewrap ends with this plus the signal's number, as shells do.
const SIGNALLED: i32 = 128;
const SIGNAL_MAX: i32 = 64;

/// Shared by whoever writes an executable, exclusive while a process is started: a fork would otherwise inherit the open
/// file for a moment, and executing a file that somebody has open for writing fails (ETXTBSY).
static START: RwLock<()> = RwLock::new(());

/// Appends to a file, which is created as an executable of the node's user alone.
pub(crate) fn append(path: &Path, data: &[u8]) -> io::Result<()> {
    let _no_start = START.read().unwrap_or_else(PoisonError::into_inner);
    let mut file: File = OpenOptions::new().append(true).create(true).mode(0o700).open(path)?;
    file.write_all(data)
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this status.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Exit {
    fn new(status: ExitStatus, kind: Kind) -> Self {
        match (status.code(), kind) {
            (Some(code), Kind::Bubblewrap) if code > SIGNALLED && code <= SIGNALLED + SIGNAL_MAX => {
                Self::Signal(code - SIGNALLED)
            }
            (Some(code), _) => Self::Code(code),
            (None, _) => Self::Signal(status.signal().unwrap_or(0)),
        }
    }
}

/// The ends of a job's standard input and output.
#[derive(Debug)]
pub struct Streams {
    /// What it reads.
    pub input: ChildStdin,
    /// What it writes.
    pub output: ChildStdout,
}

/// A running job.
#[derive(Debug)]
pub struct Job {
    child: Child,
    leader: i32,
    kind: Kind,
    streams: Option<Streams>,
    complaint: Option<JoinHandle<String>>,
    ended: Option<Exit>,
}

impl Job {
    pub(super) fn spawn(mut command: Command, kind: Kind, device: Option<OwnedFd>) -> Result<Self, Error> {
        let mappings = device.map(|parent_fd| FdMapping { parent_fd, child_fd: DEVICE_FD }).into_iter().collect();
        command.fd_mappings(mappings).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        let (mut child, leader) = {
            let _no_writer = START.write().unwrap_or_else(PoisonError::into_inner);
            let mut leaders = census::leaders();
            let child = command.spawn()?;
            let leader = child.id().map(|id| id as i32).ok_or_else(|| io::Error::other("the job ended at once"))?;
            leaders.insert(leader);
            (child, leader)
        };
        let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let streams = input.zip(output).map(|(input, output)| Streams { input, output });
        let complaint = errors.map(|errors| tokio::spawn(listen(errors)));
        Ok(Self { child, leader, kind, streams, complaint, ended: None })
    }

    /// Takes standard input and output; they are there once.
    pub fn streams(&mut self) -> Option<Streams> {
        self.streams.take()
    }

    /// Waits for the end; what the job left behind is killed then.
    pub async fn wait(&mut self) -> io::Result<Exit> {
        if let Some(exit) = self.ended {
            return Ok(exit);
        }
        let exit = Exit::new(self.child.wait().await?, self.kind);
        self.kill();
        self.ended = Some(exit);
        Ok(exit)
    }

    /// Kills all of its processes. Once it has ended that is done, and its number may be another process's.
    pub fn kill(&self) {
        if self.ended.is_some() {
            return;
        }
        census::kill_family(self.leader);
        if self.kind == Kind::Development {
            census::kill_strays();
        }
    }

    /// What it uses now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        if self.ended.is_some() {
            return Usage::default();
        }
        if self.kind == Kind::Development {
            census::kill_strays();
        }
        census::usage(self.leader)
    }

    /// What it wrote to standard error, cut; for the node's log.
    pub async fn complaint(&mut self) -> String {
        match self.complaint.take() {
            Some(listener) => listener.await.unwrap_or_default(),
            None => String::new(),
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.kill();
        census::leaders().remove(&self.leader);
    }
}

/// Reads standard error to its end, so that the job never waits for it, and keeps the beginning, without control
/// characters, which could forge lines of the log.
async fn listen(mut errors: ChildStderr) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(count @ 1..) = errors.read(&mut buffer).await {
        let room = COMPLAINT_BYTES_MAX - kept.len();
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
    String::from_utf8_lossy(&kept).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
