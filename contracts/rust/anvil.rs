//! Starts the development chain that `npm ci` installs, for tests and the development market.
//!
//! The native program is started, not npm's wrapper: killing the wrapper would leave the chain behind. The chain listens
//! on loopback only, on a port that the system chooses, and ends with its handle.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{io, thread};

use alloy::primitives::{B256, b256};

/// Keys of the accounts that every anvil funds; published in its documentation, worth nothing.
pub const KEYS: [B256; 10] = [
    b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    b256!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    b256!("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    b256!("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    b256!("47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
    b256!("8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"),
    b256!("92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e"),
    b256!("4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356"),
    b256!("dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"),
    b256!("2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
];

/// A chain that says nothing within this time will not.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Why the chain did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not installed.
    #[error("anvil is not installed at {0}: run `npm ci` in contracts/")]
    Missing(PathBuf),
    /// npm has no program for this system.
    #[error("anvil is not available for {os} on {arch}")]
    Platform {
        /// Operating system.
        os: &'static str,
        /// Processor.
        arch: &'static str,
    },
    /// The system did not start it.
    #[error("cannot start anvil: {0}")]
    Start(#[source] io::Error),
    /// It ended or stayed silent before it listened.
    #[error("anvil did not start to listen within {START_TIMEOUT:?}")]
    Silent,
}

/// How the chain runs.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A block this often; `None`: one for each transaction.
    pub block_time: Option<Duration>,
    /// More arguments of anvil's own.
    pub arguments: Vec<String>,
}

/// A running chain; dropping it ends it.
#[derive(Debug)]
pub struct Anvil {
    child: Child,
    port: u16,
}

impl Anvil {
    /// Starts the chain of the npm packages in `contracts` (this crate's folder), and waits until it listens.
    pub fn start(contracts: &Path, options: &Options) -> Result<Self, Error> {
        let program = program(contracts)?;
        if !program.exists() {
            return Err(Error::Missing(program));
        }
        let mut command = Command::new(program);
        // One slot an epoch: a block is final as soon as its successor exists.
        command.args(["--host", "127.0.0.1", "--port", "0", "--slots-in-an-epoch", "1"]);
        if let Some(block_time) = options.block_time {
            command.args(["--block-time", &block_time.as_secs_f64().to_string()]);
        }
        command.args(&options.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A Ctrl-C in the terminal is for its owner, who still needs the chain to end in order.
        command.process_group(0);
        let child = command.spawn().map_err(Error::Start)?;
        let mut anvil = Self { child, port: 0 };
        anvil.port = anvil.listening_port().ok_or(Error::Silent)?;
        Ok(anvil)
    }

    /// Where it answers.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The process.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Reads the port that the program prints, and keeps reading, so that it never blocks on a full pipe.
    fn listening_port(&mut self) -> Option<u16> {
        let output = BufReader::new(self.child.stdout.take()?);
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let port = line.strip_prefix("Listening on 127.0.0.1:").and_then(|port| port.trim().parse().ok());
                if let Some(port) = port {
                    // The receiver is gone once the start has failed; the pipe is drained all the same.
                    let _ = sender.send(port);
                }
            }
        });
        receiver.recv_timeout(START_TIMEOUT).ok()
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(contracts: &Path) -> Result<PathBuf, Error> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let system = match os {
        "linux" => "linux",
        "macos" => "darwin",
        _ => return Err(Error::Platform { os, arch }),
    };
    let processor = match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        _ => return Err(Error::Platform { os, arch }),
    };
    Ok(contracts.join(format!("node_modules/@foundry-rs/anvil-{system}-{processor}/bin/anvil")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_chain_says_what_to_run() {
        let folder = tempfile::tempdir().unwrap();
        let error = Anvil::start(folder.path(), &Options::default()).unwrap_err();
        assert!(error.to_string().ends_with("run `npm ci` in contracts/"), "{error}");
    }
}
