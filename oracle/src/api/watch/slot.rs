//! A queue of one page between who reads the store and who writes to the network.
//!
//! Owns the bound: what waits for a reader is one page, and nothing but an error once it was given up. So a reader that stops
//! reading costs no memory, however many streams it opens.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::sync::Notify;
use tokio_stream::Stream;

use crate::api::error::Error;

#[derive(Debug)]
struct Shared<T> {
    slot: Mutex<Slot<T>>,
    /// There is room again, or nobody reads any more.
    taken: Notify,
}

#[derive(Debug)]
struct Slot<T> {
    item: Option<Result<T, Error>>,
    reader: Option<Waker>,
    /// Nothing follows what is there.
    done: bool,
    /// Nobody reads.
    gone: bool,
}

impl<T> Shared<T> {
    fn slot(&self) -> MutexGuard<'_, Slot<T>> {
        // Every change of a slot is whole, so a panic elsewhere leaves nothing half done.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why an item was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsent {
    /// The reader has left.
    Gone,
    /// It did not read for as long as it may.
    Slow,
}

/// The end that fills.
#[derive(Debug)]
pub(super) struct Sender<T>(Arc<Shared<T>>);

/// The end that is read.
#[derive(Debug)]
pub(in crate::api) struct Receiver<T>(Arc<Shared<T>>);

/// Both ends.
pub(super) fn pair<T>() -> (Sender<T>, Receiver<T>) {
    let slot = Mutex::new(Slot { item: None, reader: None, done: false, gone: false });
    let shared = Arc::new(Shared { slot, taken: Notify::new() });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl<T> Sender<T> {
    /// Waits for room, but not longer than `patience`.
    pub(super) async fn send(&self, item: T, patience: Duration) -> Result<(), Unsent> {
        let room = async {
            loop {
                let taken = self.0.taken.notified();
                {
                    let slot = self.0.slot();
                    if slot.gone {
                        return Err(Unsent::Gone);
                    }
                    if slot.item.is_none() {
                        return Ok(());
                    }
                }
                taken.await;
            }
        };
        tokio::time::timeout(patience, room).await.unwrap_or(Err(Unsent::Slow))?;
        self.put(Ok(item), false);
        Ok(())
    }

    /// Says why nothing follows, in the place of what was not read.
    pub(super) fn end(self, error: Error) {
        self.put(Err(error), true);
    }

    fn put(&self, item: Result<T, Error>, done: bool) {
        let reader = {
            let mut slot = self.0.slot();
            (slot.item, slot.done) = (Some(item), done);
            slot.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let reader = {
            let mut slot = self.0.slot();
            slot.done = true;
            slot.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl<T> Stream for Receiver<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut slot = self.0.slot();
        if let Some(item) = slot.item.take() {
            self.0.taken.notify_one();
            return Poll::Ready(Some(item));
        }
        if slot.done {
            return Poll::Ready(None);
        }
        slot.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut slot = self.0.slot();
        slot.gone = true;
        slot.item = None;
        self.0.taken.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt as _;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn items_come_in_order_and_wait_for_their_reader() {
        let (sender, mut receiver) = pair();
        let sent = tokio::spawn(async move {
            for item in 0..100 {
                sender.send(item, Duration::from_secs(9)).await.unwrap();
            }
        });
        let mut seen = Vec::new();
        while let Some(item) = receiver.next().await {
            seen.push(item.unwrap());
        }
        sent.await.unwrap();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_reader_that_does_not_read_finds_only_why_it_was_cut() {
        let (sender, mut receiver) = pair();
        let held = Arc::new(());
        sender.send(Arc::clone(&held), PATIENCE).await.unwrap();
        assert_eq!(sender.send(Arc::clone(&held), PATIENCE).await, Err(Unsent::Slow));
        sender.end(Error::new("SLOW_READER", "too slow"));
        assert_eq!(Arc::strong_count(&held), 1, "nothing is kept for it");
        assert_eq!(receiver.next().await.unwrap().unwrap_err().reason.code, "SLOW_READER");
        assert!(receiver.next().await.is_none());
    }

    #[tokio::test]
    async fn a_reader_that_leaves_ends_the_wait() {
        let (sender, receiver) = pair();
        sender.send(1, PATIENCE).await.unwrap();
        let waiting = tokio::spawn(async move { sender.send(2, Duration::from_secs(60)).await });
        tokio::task::yield_now().await;
        drop(receiver);
        let ended = tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
        assert_eq!(ended, Err(Unsent::Gone));
    }
}
