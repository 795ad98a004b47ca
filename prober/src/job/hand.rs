//! One device and the thread that drives it: computes rounds of a window one after another and looks for orders between two
//! rounds, so that a Ping is answered right after the round that is being computed. Keeps 64 bytes a round, key and root,
//! and nothing of the results: what is drawn is computed again.
use super::Error;
use gpux_kernels::{
    Digest, Key, Parameters,
    device::{Device, DeviceInfo, OpenedUnit, Prepared},
    session::ROUNDS_MAX,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, TryRecvError, channel},
    },
    thread,
};

/// What a hand is told to do.
enum Order {
    Prepare(Parameters, [u8; 32]),
    Window([u8; 32]),
    Ping { last: bool },
    Roots,
    Open(Place),
}

/// Units of one round.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) window: usize,
    pub(super) round: usize,
    pub(super) units: Vec<u32>,
}

enum Answer {
    Prepared(DeviceInfo, Prepared),
    Progress(Progress),
    Roots(Vec<Vec<Digest>>),
    Opened(Vec<OpenedUnit>),
}

/// How far a device is in a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) rounds: u32,
    pub(super) key: Key,
}

/// The other end of a device's thread.
pub(super) struct Hand {
    orders: Sender<Order>,
    answers: Receiver<Result<Answer, Error>>,
}

impl Hand {
    /// Starts a device's thread; `rounds` counts the rounds of all devices of the session.
    pub(super) fn start(index: u32, device: Box<dyn Device>, rounds: Arc<AtomicUsize>) -> Self {
        let (orders, received) = channel();
        let (sender, answers) = channel();
        thread::spawn(move || {
            let mut driver = Driver { index, device, windows: Vec::new(), total: rounds, answers: sender };
            while let Ok(order) = received.recv() {
                if let Err(error) = driver.obey(order, &received) {
                    driver.answer(Err(error));
                }
            }
        });
        Self { orders, answers }
    }

    /// Asks to get ready without waiting: all devices compile kernels and fill memory at the same time.
    pub(super) fn prepare(&self, parameters: Parameters, seed: [u8; 32]) -> Result<(), Error> {
        self.orders.send(Order::Prepare(parameters, seed)).map_err(|_| Error::DeviceStopped)
    }

    pub(super) fn prepared(&self) -> Result<(DeviceInfo, Prepared), Error> {
        match self.answer()? {
            Answer::Prepared(info, prepared) => Ok((info, prepared)),
            _ => Err(Error::OutOfOrder("device")),
        }
    }

    pub(super) fn window(&self, seed: [u8; 32]) -> Result<(), Error> {
        self.orders.send(Order::Window(seed)).map_err(|_| Error::DeviceStopped)
    }

    /// Asks for progress without waiting: all devices finish their rounds at the same time.
    pub(super) fn ping(&self, last: bool) -> Result<(), Error> {
        self.orders.send(Order::Ping { last }).map_err(|_| Error::DeviceStopped)
    }

    pub(super) fn pong(&self) -> Result<Progress, Error> {
        match self.answer()? {
            Answer::Progress(progress) => Ok(progress),
            _ => Err(Error::OutOfOrder("device")),
        }
    }

    pub(super) fn roots(&self) -> Result<Vec<Vec<Digest>>, Error> {
        match self.ask(Order::Roots)? {
            Answer::Roots(roots) => Ok(roots),
            _ => Err(Error::OutOfOrder("device")),
        }
    }

    pub(super) fn open(&self, place: Place) -> Result<Vec<OpenedUnit>, Error> {
        match self.ask(Order::Open(place))? {
            Answer::Opened(units) => Ok(units),
            _ => Err(Error::OutOfOrder("device")),
        }
    }

    fn ask(&self, order: Order) -> Result<Answer, Error> {
        self.orders.send(order).map_err(|_| Error::DeviceStopped)?;
        self.answer()
    }

    fn answer(&self) -> Result<Answer, Error> {
        self.answers.recv().map_err(|_| Error::DeviceStopped)?
    }
}

struct Driver {
    index: u32,
    device: Box<dyn Device>,
    windows: Vec<Vec<(Key, Digest)>>,
    total: Arc<AtomicUsize>,
    answers: Sender<Result<Answer, Error>>,
}

impl Driver {
    /// Answers; nobody listens any more when the job is ending, and then the order channel closes as well.
    fn answer(&self, answer: Result<Answer, Error>) {
        let _ = self.answers.send(answer);
    }

    fn obey(&mut self, order: Order, orders: &Receiver<Order>) -> Result<(), Error> {
        let answer = match order {
            Order::Prepare(parameters, seed) => {
                let prepared = self.device.prepare(&parameters, &Key::fill(&seed, self.index))?;
                // One round that nobody sees: caches, clocks and code are warm before the timed part.
                self.device.round(&Key::warm_up(&seed, self.index))?;
                Answer::Prepared(self.device.info(), prepared)
            }
            Order::Window(seed) => return self.window(&seed, orders),
            Order::Ping { .. } => return Err(Error::OutOfOrder("Ping")),
            Order::Roots => {
                let roots = self.windows.iter().map(|w| w.iter().map(|(_, root)| *root).collect());
                Answer::Roots(roots.collect())
            }
            Order::Open(place) => {
                let key = self.windows.get(place.window).and_then(|w| w.get(place.round));
                let (key, _) = *key.ok_or(Error::OutOfOrder("opening"))?;
                Answer::Opened(self.device.open(&key, &place.units)?)
            }
        };
        self.answer(Ok(answer));
        Ok(())
    }

    /// Computes rounds until the last Ping.
    fn window(&mut self, seed: &[u8; 32], orders: &Receiver<Order>) -> Result<(), Error> {
        let mut key = Key::first(seed, self.index);
        let mut rounds = Vec::new();
        loop {
            match orders.try_recv() {
                Ok(Order::Ping { last }) => {
                    self.answer(Ok(Answer::Progress(Progress { rounds: rounds.len() as u32, key })));
                    if last {
                        self.windows.push(rounds);
                        return Ok(());
                    }
                }
                Ok(_) => return Err(Error::OutOfOrder("Challenge")),
                Err(TryRecvError::Disconnected) => return Ok(()),
                Err(TryRecvError::Empty) => {
                    if self.total.fetch_add(1, Ordering::Relaxed) >= ROUNDS_MAX {
                        return Err(Error::TooManyRounds);
                    }
                    let root = self.device.round(&key)?;
                    rounds.push((key, root));
                    key = key.next(&root);
                }
            }
        }
    }
}
