//! The machine lock: on a machine that hosts nodes and fishers of a whole market, a probe of the machine's own cores or memory is
//! timed alone. Sessions on simulated devices share the lock, sessions on the real host exclude everybody. A second file,
//! the turnstile, keeps a waiting exclusive session from being starved by a stream of shared ones. Locks are advisory and
//! end with the process, so a crash leaves none behind.
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// How often a taken lock is looked at again. Polling keeps waiting cancellable, which a blocking lock is not.
const POLL: Duration = Duration::from_millis(10);

/// How a session holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Beside others that share.
    Shared,
    /// Alone.
    Exclusive,
}

/// The two files of the lock.
#[derive(Debug, Clone)]
pub struct MachineLock {
    path: PathBuf,
    turnstile: PathBuf,
}

/// A held lock; dropping it gives it back.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

impl MachineLock {
    /// Names the lock's files.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        let mut turnstile = path.as_os_str().to_owned();
        turnstile.push(".turn");
        Self { path: path.to_owned(), turnstile: turnstile.into() }
    }

    /// Waits for the lock. Whoever waits for it in exclusive mode holds the turnstile meanwhile, so that nobody comes between.
    pub async fn acquire(&self, mode: Mode) -> io::Result<Held> {
        let turn = take(&self.turnstile, Mode::Exclusive).await?;
        let file = take(&self.path, mode).await?;
        drop(turn);
        Ok(Held { _file: file })
    }
}

async fn take(path: &Path, mode: Mode) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
    loop {
        let result = match mode {
            Mode::Shared => file.try_lock_shared(),
            Mode::Exclusive => file.try_lock(),
        };
        match result {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(POLL).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    const SHORT: Duration = Duration::from_millis(60);
    const LONG: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn shared_sessions_run_together_and_an_exclusive_one_alone() {
        let dir = tempfile::tempdir().unwrap();
        let lock = MachineLock::new(&dir.path().join("machine"));
        let first = lock.acquire(Mode::Shared).await.unwrap();
        let second = lock.acquire(Mode::Shared).await.unwrap();
        assert!(timeout(SHORT, lock.acquire(Mode::Exclusive)).await.is_err());
        drop((first, second));
        let alone = lock.acquire(Mode::Exclusive).await.unwrap();
        assert!(timeout(SHORT, lock.acquire(Mode::Shared)).await.is_err());
        drop(alone);
        timeout(LONG, lock.acquire(Mode::Shared)).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_waiting_exclusive_session_goes_before_later_shared_ones() {
        let dir = tempfile::tempdir().unwrap();
        let lock = MachineLock::new(&dir.path().join("machine"));
        let running = lock.acquire(Mode::Shared).await.unwrap();
        let waiting = tokio::spawn({
            let lock = lock.clone();
            async move { lock.acquire(Mode::Exclusive).await }
        });
        tokio::time::sleep(SHORT).await;
        assert!(timeout(SHORT, lock.acquire(Mode::Shared)).await.is_err(), "a newcomer overtook");
        drop(running);
        timeout(LONG, waiting).await.unwrap().unwrap().unwrap();
    }
}
