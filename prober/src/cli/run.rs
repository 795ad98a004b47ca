//! `gpux-prober run`: registers, then serves what it is assigned and reports, as many sessions at a time as asked; with `--node`
//! it chooses at random among those. Ends in order: rentals are given back, accounts emptied, reports delivered or kept in the
//! outbox.
mod assigned;

use super::{
    Run,
    output::{Line, Progress},
    route::Route,
    setup,
};
use crate::{
    assignment::{Desk, Secret},
    choose::{self, Board, Candidate, Dice},
    clock,
    fisher::{Error, Fisher},
    lock::MachineLock,
    offered::Offered,
    relay::Relays,
    report::{Author, Oracle, OracleError, Outbox, Parcel},
};
use alloy::signers::{SignerSync as _, local::PrivateKeySigner};
use anyhow::Context as _;
use gpux_contracts::{Deployment, keys};
use gpux_kernels::{plan::Market, probe::ProbeId};
use gpux_proto::{
    bytes::to_hex,
    evidence::{Assignment, Registration},
    signing::{self, SigningKey},
};
use std::{
    collections::HashSet,
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

/// How often a hash chain is made anew at a start, before the clocks must be wrong.
const RENEWALS_MAX: u32 = 3;
/// How long a registration of the report key holds.
const REGISTRATION_VALID: Duration = Duration::from_secs(365 * 86_400);
/// Pause while there is nothing to probe, or the oracle does not answer.
const IDLE: Duration = Duration::from_secs(1);
/// How long the list of nodes is used before it is asked for again.
const LIST_VALID: Duration = Duration::from_secs(5);
/// How long reports may still be delivered when all sessions have ended.
const DELIVERY_MAX: Duration = Duration::from_secs(120);
/// How long they may still be delivered after an interruption.
const GRACE: Duration = Duration::from_secs(10);

struct Work {
    fisher: Arc<Fisher>,
    oracle: Oracle,
    route: Route,
    outbox: Outbox,
    key: SigningKey,
    /// Hands out assignments; none where the fisher chooses himself.
    desk: Option<Desk>,
    board: Mutex<Board>,
    dice: Mutex<Dice>,
    only: HashSet<[u8; 32]>,
    listed: tokio::sync::Mutex<Option<(std::time::Instant, Arc<Vec<Candidate>>)>>,
    deliveries: TaskTracker,
    halt: CancellationToken,
    progress: Progress,
}

/// Runs the command.
pub(super) async fn run(arguments: Run, stop: CancellationToken) -> anyhow::Result<ExitCode> {
    let release = setup::release(&arguments.job)?;
    let outbox = Outbox::open(&arguments.data).with_context(|| format!("data {}", arguments.data.display()))?;
    let key = SigningKey::from_bytes(&keys::ed25519_or_create(&arguments.data.join("report.key"))?);
    let purse = setup::purse(&arguments.wallet, &arguments.data, 2 * arguments.parallel as usize).await?;
    let deployment = purse.chain().deployment().clone();
    setup::agrees(&deployment, arguments.development)?;
    let (empty, left) = purse.sweep().await?;
    if empty + left > 0 {
        info!(empty, left, "took back what an earlier run left on throw-away accounts");
    }
    let oracle = Oracle::new(arguments.oracle.clone());
    let mut secret = Secret::open(&arguments.data, setup::market(&deployment), epoch_now(&deployment))?;
    register(&oracle, (purse.chain().fisher(), &deployment, &key), &mut secret, &stop).await?;
    let desk = if arguments.node.is_empty() {
        let epoch_secs = u32::try_from(deployment.epoch_length_seconds).context("epochs are too long")?;
        Some(Desk::new(secret.preimages().clone(), purse.chain().fisher().address().into_array(), epoch_secs))
    } else {
        warn!("nodes are chosen by --node and not assigned: these reports carry no weight");
        None
    };
    let fisher = Fisher {
        purse,
        market: setup::market(&deployment),
        release,
        lock: arguments.machine_lock.as_deref().map(MachineLock::new),
        lie: arguments.lie,
        returns: TaskTracker::new(),
        stop: stop.clone(),
    };
    let relays = Relays::new(oracle.clone(), deployment, fisher.purse.chain().fisher().address());
    let market = Arc::new(Work {
        fisher: Arc::new(fisher),
        oracle,
        route: Route::new((!arguments.direct).then_some(relays)),
        outbox,
        key,
        desk,
        board: Mutex::default(),
        dice: Mutex::new(Dice::new(arguments.seed)?),
        only: arguments.node.iter().copied().collect(),
        listed: tokio::sync::Mutex::default(),
        deliveries: TaskTracker::new(),
        halt: CancellationToken::new(),
        progress: Progress::start(arguments.sessions, arguments.json),
    });
    for parcel in market.outbox.pending()? {
        market.deliver(parcel);
    }
    let left = Arc::new(AtomicU64::new(if arguments.sessions == 0 { u64::MAX } else { arguments.sessions }));
    let workers: Vec<_> =
        (0..arguments.parallel).map(|_| tokio::spawn(Arc::clone(&market).work(Arc::clone(&left)))).collect();
    for worker in workers {
        worker.await.context("a session's task ended")?;
    }
    market.end(&stop).await
}

/// The epoch by this machine's clock.
fn epoch_now(deployment: &Deployment) -> u64 {
    clock::now().as_secs() / deployment.epoch_length_seconds.max(1)
}

fn registration(
    (fisher, deployment, key): (&PrivateKeySigner, &Deployment, &SigningKey),
    secret: &Secret,
) -> anyhow::Result<Registration> {
    let mut registration = Registration {
        chain_id: deployment.chain_id,
        bonds: deployment.bonds.to_vec(),
        fisher: fisher.address().to_vec(),
        report_key: key.verifying_key().to_bytes().to_vec(),
        valid_until: (clock::now() + REGISTRATION_VALID).as_secs(),
        fisher_signature: vec![],
        chain: secret.preimages().end().to_vec(),
        chain_epoch: secret.preimages().end_epoch(),
    };
    let digest = signing::registration_digest(&registration)?;
    registration.fisher_signature = fisher.sign_hash_sync(&digest.into())?.as_bytes().to_vec();
    Ok(registration)
}

/// Registers; an oracle that starts up or has not seen the bond yet is asked again. A chain that began before the oracle took it
/// is replaced: beacons of its first epochs are known by now.
async fn register(
    oracle: &Oracle,
    who: (&PrivateKeySigner, &Deployment, &SigningKey),
    secret: &mut Secret,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let mut renewals = 0;
    loop {
        match oracle.register(registration(who, secret)?).await {
            Ok(()) => return Ok(()),
            Err(OracleError::Refused { refusal, .. }) if refusal.reason == "CHAIN_VOID" && renewals < RENEWALS_MAX => {
                info!(message = refusal.message, "a new hash chain is made");
                renewals += 1;
                secret.renew(epoch_now(who.1))?;
            }
            Err(OracleError::Refused { refusal, .. }) if refusal.retryable && !stop.is_cancelled() => {
                info!(reason = refusal.reason, message = refusal.message, "not registered yet");
            }
            Err(error) => return Err(error.into()),
        }
        pause(IDLE, stop).await;
    }
}

async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stop.cancelled() => {}
    }
}

impl Work {
    /// Runs sessions until enough were run or the program is asked to end.
    async fn work(self: Arc<Self>, left: Arc<AtomicU64>) {
        let stop = &self.fisher.stop;
        let take = |n: u64| n.checked_sub(1);
        while !stop.is_cancelled() && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            while !stop.is_cancelled() && !self.session().await {
                pause(IDLE, stop).await;
            }
        }
    }

    /// Runs one session; false if there was nothing to do or nothing could be paid.
    async fn session(&self) -> bool {
        match &self.desk {
            Some(desk) => self.assigned(desk).await,
            None => self.chosen().await,
        }
    }

    /// Runs a session with one of the nodes that were named.
    async fn chosen(&self) -> bool {
        let candidates = match self.candidates().await {
            Ok(candidates) => candidates,
            Err(error) => {
                warn!(%error, "no list of nodes");
                return false;
            }
        };
        let chosen = match (self.board.lock(), self.dice.lock()) {
            (Ok(mut board), Ok(mut dice)) => board.choose(&candidates, &mut dice),
            _ => None,
        };
        let Some((listed, probe)) = chosen else { return false };
        let node = listed.node;
        let (done, reachable) = self.probe(listed, probe, None).await;
        if let Ok(mut board) = self.board.lock() {
            board.release(node, reachable);
        }
        done
    }

    async fn probe(&self, listed: Offered, probe: ProbeId, assignment: Option<&Assignment>) -> (bool, bool) {
        let (reached, offered) = match self.route.reach(&self.fisher, listed).await {
            Ok(reached) => reached,
            Err(error) => {
                warn!(%error, "no relay");
                return (false, true);
            }
        };
        let reachable = reached.channel.is_ok();
        if !choose::probes(&offered, self.fisher.market).contains(&probe) {
            return (false, reachable);
        }
        let watch = self.progress.watch(format!("{}… {probe}", to_hex(&offered.node[..4])));
        match self.fisher.probe(reached, &offered, probe, &*watch).await {
            Ok(probed) => {
                self.report(&offered, probed, assignment);
                self.pay_ahead(&offered);
                (true, reachable)
            }
            Err(Error::Interrupted) => (false, true),
            Err(error) => {
                warn!(node = to_hex(&offered.node), %probe, %error, "no session");
                (false, reachable)
            }
        }
    }

    /// Pays the next accounts while other sessions run.
    fn pay_ahead(&self, offered: &Offered) {
        let (fisher, rate) = (Arc::clone(&self.fisher), offered.rate);
        let Some(plan) = gpux_kernels::plan::plan(ProbeId::Imma, fisher.market) else { return };
        if !fisher.stop.is_cancelled() {
            self.fisher.returns.spawn(async move { fisher.purse.prepare(rate, fisher.seconds(&plan)).await });
        }
    }

    fn report(&self, offered: &Offered, probed: crate::fisher::Probed, assignment: Option<&Assignment>) {
        let chain = self.fisher.purse.chain();
        let development = self.fisher.market == Market::Development;
        let mut line = Line::new(&offered.node, &probed.finding, &probed.expectation, development);
        let (deployment, fisher) = (chain.deployment(), chain.fisher().address());
        let author = Author { deployment, fisher, key: &self.key, assignment };
        let parcel = author.write(offered, &probed.rental, &probed.ended, probed.finding, &probed.expectation.model);
        line.rental = Some(to_hex(&probed.rental.id));
        line.report = Some(to_hex(&parcel.id()));
        if let Err(error) = self.outbox.store(&parcel) {
            warn!(%error, "the report is not stored; it is lost if this process ends now");
        }
        self.deliver(parcel);
        self.progress.line(&line);
    }

    /// Delivers in the background: an oracle waits for the rental's block to be final, and the next session need not.
    fn deliver(&self, parcel: Parcel) {
        let (outbox, oracle, halt) = (self.outbox.clone(), self.oracle.clone(), self.halt.clone());
        self.deliveries.spawn(async move {
            // Refusals are logged where they are met.
            let _ = outbox.deliver(&oracle, &parcel, &halt).await;
        });
    }

    async fn candidates(&self) -> Result<Arc<Vec<Candidate>>, OracleError> {
        let mut listed = self.listed.lock().await;
        if let Some((at, candidates)) = &*listed
            && at.elapsed() < LIST_VALID
        {
            return Ok(Arc::clone(candidates));
        }
        let descriptions = self.oracle.nodes().await?;
        let (place, now) = (self.fisher.place(), clock::now());
        let found = choose::candidates(&descriptions, place, self.fisher.market, &self.only, now);
        let candidates = Arc::new(found);
        *listed = Some((std::time::Instant::now(), Arc::clone(&candidates)));
        Ok(candidates)
    }

    /// Ends in order: money first, then reports.
    async fn end(&self, stop: &CancellationToken) -> anyhow::Result<ExitCode> {
        self.fisher.returns.close();
        self.fisher.returns.wait().await;
        let (_, left) = self.fisher.purse.sweep().await?;
        self.deliveries.close();
        let grace = if stop.is_cancelled() { GRACE } else { DELIVERY_MAX };
        if tokio::time::timeout(grace, self.deliveries.wait()).await.is_err() {
            self.halt.cancel();
            self.deliveries.wait().await;
        }
        self.progress.finish();
        if left > 0 {
            self.progress.note("some throw-away accounts still hold money: run `gpux-prober sweep`");
        }
        Ok(ExitCode::from(u8::from(left > 0)))
    }
}
