//! Runs a renter's executable, which is hostile, within limits and takes it away again.
//!
//! `bubblewrap` shows it nothing of the host but system libraries: no network, no processes, no files. `development` only
//! limits it: it is for machines without user namespaces, must be asked for and says so at every start. Both kill all of
//! a job's processes when its [`Job`] is dropped, whatever the reason. Invariant: a job has no variable, file descriptor
//! or working directory of the node.
mod census;
mod command;
mod job;
mod limits;

pub use census::Usage;
pub use command::Program;
pub(crate) use job::append;
pub use job::{Exit, Job, Streams};
pub use limits::{Limit, Limits};

use command::Tools;
use std::{os::fd::OwnedFd, path::PathBuf, process::Stdio, time::Duration};

/// Why a job cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program of the sandbox is missing.
    #[error("{0} is not installed; it is part of util-linux, coreutils or bubblewrap")]
    Tool(&'static str),
    /// Bubblewrap does not work on this machine and nothing else was allowed.
    #[error(
        "bubblewrap does not work here ({0}); --development allows the development sandbox, which isolates nothing"
    )]
    Bubblewrap(String),
    /// The development sandbox was asked for outside a development market.
    #[error("the development sandbox isolates nothing and needs --development")]
    DevelopmentOnly,
    /// The operating system refused.
    #[error("cannot start a job")]
    Start(#[from] std::io::Error),
    /// A path is not UTF-8.
    #[error("{0:?} is not UTF-8")]
    Path(PathBuf),
}

/// Which sandbox is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// Bubblewrap where it works, otherwise development if that is allowed.
    Auto,
    /// Bubblewrap or nothing.
    Bubblewrap,
    /// Limits without isolation.
    Development,
}

/// Which sandbox runs jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Namespaces, read-only system, no network.
    Bubblewrap,
    /// Limits without isolation.
    Development,
}

/// A sandbox that works on this machine.
#[derive(Debug, Clone)]
pub struct Sandbox {
    kind: Kind,
    tools: Tools,
}

/// How long the trial run of bubblewrap may take.
const TRIAL: Duration = Duration::from_secs(10);
/// The first file descriptor after the standard streams.
const FIRST_FD: i32 = 3;

impl Sandbox {
    /// Finds a sandbox that works, by running something in it. A process with a development sandbox must start no other
    /// children: what it did not start through the sandbox counts as a job's daemon and is killed.
    pub async fn find(choice: Choice, development: bool) -> Result<Self, Error> {
        let tools = Tools::find()?;
        // What the node has inherited itself (Rust's own descriptors are marked already) would be open in every job.
        close_fds::set_fds_cloexec_threadsafe(FIRST_FD, &[]);
        if choice == Choice::Development {
            return if development { Self::development(tools) } else { Err(Error::DevelopmentOnly) };
        }
        let sandbox = Self { kind: Kind::Bubblewrap, tools };
        match sandbox.trial().await {
            Ok(()) => Ok(sandbox),
            Err(reason) if choice == Choice::Auto && development => {
                tracing::warn!(%reason, "bubblewrap does not work here");
                Self::development(sandbox.tools)
            }
            Err(reason) => Err(Error::Bubblewrap(reason)),
        }
    }

    fn development(tools: Tools) -> Result<Self, Error> {
        // Daemons of a job become the node's children, which finds and kills them.
        nix::sys::prctl::set_child_subreaper(true).map_err(std::io::Error::from)?;
        tracing::warn!("DEVELOPMENT SANDBOX: jobs are limited but not isolated, they can read this machine's files");
        Ok(Self { kind: Kind::Development, tools })
    }

    async fn trial(&self) -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let script = folder.path().join("trial");
        std::os::unix::fs::symlink("/usr/bin/true", &script).map_err(|e| e.to_string())?;
        let program = Program { folder: folder.path(), executable: "trial", argv: &[], environment: &[] };
        let mut job =
            self.start(&program, &Limits::of_rental(1, 0), None).map_err(|e| format!("{e}: {}", chain(&e)))?;
        match tokio::time::timeout(TRIAL, job.wait()).await {
            Ok(Ok(Exit::Code(0))) => Ok(()),
            Ok(Ok(exit)) => Err(format!("a trial ended with {exit:?}: {}", job.complaint().await)),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("a trial took longer than {TRIAL:?}")),
        }
    }

    /// Which one it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Starts a program. A device, if there is one, is its file descriptor 3.
    pub fn start(&self, program: &Program<'_>, limits: &Limits, device: Option<OwnedFd>) -> Result<Job, Error> {
        let line = self.tools.command(self.kind, program, limits)?;
        let mut command = tokio::process::Command::new(&line[0]);
        command.args(&line[1..]).env_clear().current_dir(program.folder).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Job::spawn(command, self.kind, device)
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}
