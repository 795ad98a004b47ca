//! Logs that are as published, and logs that are not: altered, cut, reordered, and published with other scores.

use std::{net::SocketAddr, path::PathBuf};

use gpux_proto::{
    bytes::to_hex,
    evidence::log_entry::Fact,
    oracle::{
        CountersignRequest, CountersignResponse, Epoch, GetCheckpointRequest, GetCheckpointResponse,
        GetConsistencyProofRequest, GetConsistencyProofResponse, GetEpochRequest, GetEpochResponse,
        GetInclusionProofRequest, GetInclusionProofResponse, ListEntriesRequest, ListEntriesResponse,
        log_service_server::{LogService, LogServiceServer},
    },
};
use tonic::{Request, Response, Status, async_trait};

use super::*;
use crate::audit::fixture::{self, FISHER, audit_of, committed, entry, market, owner, relay, revealed};

/// An oracle that serves these entries and says that it published these epochs.
#[derive(Clone, Default)]
struct Served {
    entries: Vec<Vec<u8>>,
    epochs: Vec<Epoch>,
    skips: bool,
}

#[async_trait]
impl LogService for Served {
    async fn get_checkpoint(
        &self,
        _: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn list_entries(&self, asked: Request<ListEntriesRequest>) -> Result<Response<ListEntriesResponse>, Status> {
        // Pages are short, so that more than one is needed.
        let start = asked.into_inner().start + u64::from(self.skips);
        let entries = self.entries.iter().skip(start as usize).take(3).cloned().collect();
        Ok(Response::new(ListEntriesResponse { start, entries }))
    }

    async fn get_inclusion_proof(
        &self,
        _: Request<GetInclusionProofRequest>,
    ) -> Result<Response<GetInclusionProofResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn get_consistency_proof(
        &self,
        _: Request<GetConsistencyProofRequest>,
    ) -> Result<Response<GetConsistencyProofResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }

    async fn get_epoch(&self, asked: Request<GetEpochRequest>) -> Result<Response<GetEpochResponse>, Status> {
        let found = match asked.into_inner().epoch {
            0 => self.epochs.last(),
            epoch => self.epochs.iter().find(|held| held.epoch == epoch),
        };
        let epoch = found.cloned().ok_or_else(|| Status::not_found("no such epoch"))?;
        Ok(Response::new(GetEpochResponse { epoch: Some(epoch) }))
    }

    async fn countersign(&self, _: Request<CountersignRequest>) -> Result<Response<CountersignResponse>, Status> {
        Err(Status::unimplemented("not asked for"))
    }
}

async fn serve(served: Served) -> String {
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let server = tonic::transport::Server::builder().add_service(LogServiceServer::new(served));
    tokio::spawn(server.serve_with_incoming(incoming));
    url
}

const NODE: [u8; 32] = [1; 32];
/// Entries of each epoch of the log, and where its first folded report stands.
const OF_EPOCH: usize = 10;
const FOLDED: usize = 5;

fn id(epoch: u64, number: u8) -> [u8; 32] {
    [vec![number], vec![epoch as u8; 31]].concat().try_into().unwrap()
}

fn folded(epoch: u64, number: u8, x: u32) -> Vec<u8> {
    entry(Fact::ReportFolded(fixture::folded(NODE, id(epoch, number), x, 64, epoch)))
}

/// How a fisher came to weigh something, until the end of epoch 9.
fn before() -> Vec<Vec<u8>> {
    let market = market(&Parameters::development(), FISHER, 9);
    [fixture::announced(NODE, [0xaa; 20])].into_iter().chain(market).map(entry).collect()
}

/// The place of an entry of an epoch.
fn place(epoch: u64, at: usize) -> usize {
    before().len() + (epoch - 10) as usize * OF_EPOCH + at
}

/// Six epochs with two audited reports each.
fn log() -> Vec<Vec<u8>> {
    let of_epoch = |epoch| {
        let committed =
            |number| [committed(id(epoch, number), FISHER), revealed(id(epoch, number), FISHER, Some(relay(0)), epoch)];
        let counted = |number, x| {
            let report = fixture::folded(NODE, id(epoch, number), x, 64, epoch);
            let audit = audit_of(&report, owner(0));
            [Fact::ReportFolded(report), Fact::AuditFolded(audit)]
        };
        let entries = [committed(1), committed(2)].concat().into_iter().chain([fixture::beacon(epoch + 1)]);
        entries.chain(counted(1, 64)).chain(counted(2, 60)).chain([fixture::closed(epoch)])
    };
    before().into_iter().chain((10..16).flat_map(of_epoch).map(entry)).collect()
}

/// What an honest operator publishes for a log.
fn published(entries: &[Vec<u8>]) -> Vec<Epoch> {
    let parameters = Parameters::development();
    let (mut folder, mut frontier) = (Folder::new(parameters.clone()), Frontier::new());
    let mut epochs = Vec::new();
    for entry in entries {
        frontier.append(leaf_hash(entry));
        let Some(epoch) = folder.apply(entry).unwrap().filter(|_| folder.has_scores()) else { continue };
        let file = folder.leaf_file().unwrap();
        epochs.push(Epoch {
            epoch,
            log_size: folder.size(),
            log_root: to_hex(&frontier.root()),
            root: to_hex(file.tree().unwrap().root().as_slice()),
            data_hash: to_hex(publish::data_hash(&file.bytes()).as_slice()),
            rewards_root: to_hex(folder.reward_file().root().as_slice()),
            parameters: to_hex(&parameters.digest()),
            leaves: file.leaves().len() as u64,
            ..Epoch::default()
        });
    }
    epochs
}

fn honest() -> Served {
    Served { entries: log(), epochs: published(&log()), skips: false }
}

async fn replayed(log: &str, oracle: &str, epoch: Option<u64>, save: Option<&Path>) -> anyhow::Result<Outcome> {
    let replay = Replay { log, against: Some(oracle), epoch, parameters: Parameters::development(), save };
    replay.run(&mut Authority::oracle(oracle).await?).await
}

/// A log file of these entries.
fn file(folder: &tempfile::TempDir, entries: &[Vec<u8>]) -> PathBuf {
    let path = folder.path().join(format!("{}.log", blake3::hash(&entries.concat()).to_hex()));
    let mut writer = Writer::create(&path).unwrap();
    for entry in entries {
        writer.entry(entry).unwrap();
    }
    writer.finish().unwrap();
    path
}

#[tokio::test]
async fn an_honest_log_is_equal_at_every_epoch_and_so_is_the_file_of_it() {
    let (url, folder) = (serve(honest()).await, tempfile::tempdir().unwrap());
    for epoch in 10..16 {
        assert!(matches!(replayed(&url, &url, Some(epoch), None).await.unwrap(), Outcome::Equal(_)));
    }
    let saved = folder.path().join("saved.log");
    let Outcome::Equal(found) = replayed(&url, &url, None, Some(&saved)).await.unwrap() else { panic!("differs") };
    assert_eq!((found.epoch, found.log_size, found.leaves), (15, log().len() as u64, 1));
    let saved = saved.to_str().unwrap();
    assert_eq!(replayed(saved, &url, None, None).await.unwrap(), Outcome::Equal(found));
}

#[tokio::test]
async fn the_first_altered_entry_is_named() {
    let (url, folder) = (serve(honest()).await, tempfile::tempdir().unwrap());
    for (epoch, number) in [(10, 1), (10, 2), (11, 1), (12, 2), (14, 1), (15, 1)] {
        let at = place(epoch, FOLDED + 2 * usize::from(number - 1));
        let mut altered = log();
        // A later change must not hide the first one.
        altered[place(15, FOLDED + 2)] = folded(15, 2, 1);
        altered[at] = folded(epoch, number, 20);
        let path = file(&folder, &altered);
        let expected = Outcome::Differs(Difference::Entry { epoch, index: at as u64 });
        assert_eq!(replayed(path.to_str().unwrap(), &url, None, None).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn without_the_other_log_the_epoch_is_named() {
    let (url, folder) = (serve(honest()).await, tempfile::tempdir().unwrap());
    let mut altered = log();
    altered[place(12, FOLDED)] = folded(12, 1, 20);
    let path = file(&folder, &altered);
    let replay = Replay {
        log: path.to_str().unwrap(),
        against: None,
        epoch: None,
        parameters: Parameters::development(),
        save: None,
    };
    let outcome = replay.run(&mut Authority::oracle(&url).await.unwrap()).await.unwrap();
    assert_eq!(
        outcome,
        Outcome::Differs(Difference::Entries { epoch: 12, from: place(12, 0) as u64, to: place(13, 0) as u64 - 1 })
    );
}

#[tokio::test]
async fn other_scores_rewards_and_parameters_are_told_apart() {
    let mut liar = honest();
    liar.epochs[5].root = to_hex(&[7; 32]);
    let url = serve(liar).await;
    let outcome = replayed(&url, &url, None, None).await.unwrap();
    assert!(matches!(outcome, Outcome::Differs(Difference::Scores { epoch: 15, .. })));
    assert!(matches!(replayed(&url, &url, Some(14), None).await.unwrap(), Outcome::Equal(_)));
    let mut stingy = honest();
    assert_ne!(stingy.epochs[5].rewards_root, stingy.epochs[4].rewards_root, "every epoch pays for work");
    stingy.epochs[5].rewards_root = stingy.epochs[4].rewards_root.clone();
    let url = serve(stingy).await;
    let outcome = replayed(&url, &url, None, None).await.unwrap();
    assert!(matches!(outcome, Outcome::Differs(Difference::Rewards { epoch: 15, .. })));
    let mut foreign = honest();
    foreign.epochs[5].parameters = to_hex(&[7; 32]);
    let url = serve(foreign).await;
    let outcome = replayed(&url, &url, None, None).await.unwrap();
    assert!(matches!(outcome, Outcome::Differs(Difference::Parameters { epoch: 15, .. })));
}

#[tokio::test]
async fn short_reordered_and_foreign_logs_each_have_their_own_word() {
    let (url, folder) = (serve(honest()).await, tempfile::tempdir().unwrap());
    let found = async |entries: &[Vec<u8>]| {
        let path = file(&folder, entries);
        match replayed(path.to_str().unwrap(), &url, None, None).await.unwrap() {
            Outcome::Differs(difference) => difference,
            Outcome::Equal(_) => panic!("equal"),
        }
    };
    let short = place(14, FOLDED);
    assert_eq!(found(&log()[..short]).await, Difference::Short { epoch: 15, entries: short as u64 });
    let mut reordered = log();
    reordered.swap(place(12, 0) - 1, place(13, 0) - 1);
    let Difference::Unreadable(words) = found(&reordered).await else { panic!("read") };
    assert_eq!(words, format!("entry {} of the log: epoch 11 is closed after epoch 12", place(13, 0) - 1));
    let mut foreign = log();
    foreign[4] = vec![0xff; 9];
    let Difference::Unreadable(words) = found(&foreign).await else { panic!("read") };
    assert!(words.starts_with("entry 4 of the log"), "{words}");
    assert_eq!(replayed(&url, &url, Some(99), None).await.unwrap(), Outcome::Differs(Difference::Unpublished(99)));
}

#[tokio::test]
async fn files_that_are_no_logs_and_logs_with_gaps_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let url = serve(honest()).await;
    let path = file(&folder, &log());
    let whole = std::fs::read(&path).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let words = async |log: &str| format!("{:#}", replayed(log, &url, None, None).await.unwrap_err());
    let cut = write("cut", &whole[..whole.len() - 1]);
    assert!(words(&cut).await.contains(&format!("cut off inside entry {}", log().len() - 1)));
    let header = write("header", b"gpux-log/2\n");
    assert!(words(&header).await.contains("is no log file"));
    let large = write("large", &[b"gpux-log/1\n".as_slice(), &u32::MAX.to_le_bytes()].concat());
    assert!(words(&large).await.contains("entry 0 has 4294967295 bytes"));
    assert!(words("/nonexistent").await.contains("cannot read log"));
    let gap = serve(Served { skips: true, ..honest() }).await;
    let words = format!("{:#}", replayed(&gap, &gap, None, None).await.unwrap_err());
    assert!(words.contains("its log has a gap"), "{words}");
}

#[tokio::test]
async fn an_explanation_ends_where_it_is_told_to() {
    let url = serve(honest()).await;
    let node = crate::score::NodeId([1; 32]);
    let history = explain(&url, Parameters::development(), node, Some(12)).await.unwrap().unwrap();
    assert_eq!((history.epoch, history.steps.len()), (12, 3));
    let history = explain(&url, Parameters::development(), node, None).await.unwrap().unwrap();
    assert_eq!((history.epoch, history.steps.len(), history.explanation.score.probes), (15, 6, 12));
    let stranger = crate::score::NodeId([2; 32]);
    assert_eq!(explain(&url, Parameters::development(), stranger, None).await.unwrap(), None);
}

#[tokio::test]
async fn an_operator_who_weighs_or_audits_otherwise_is_caught() {
    let (url, folder) = (serve(honest()).await, tempfile::tempdir().unwrap());
    let found = async |entries: &[Vec<u8>]| {
        let path = file(&folder, entries);
        match replayed(path.to_str().unwrap(), &url, None, None).await.unwrap() {
            Outcome::Differs(Difference::Unreadable(words)) => words,
            other => panic!("{other:?}"),
        }
    };
    let mut favoured = log();
    let at = place(13, FOLDED);
    favoured[at] = entry(Fact::ReportFolded(fixture::folded(NODE, id(13, 1), 64, 32, 13)));
    let words = found(&favoured).await;
    assert!(words.ends_with("is folded with weight 32/64, by the log before it is 64/64"), "{words}");
    let mut hidden = log();
    hidden.remove(at + 1);
    let words = found(&hidden).await;
    assert!(words.ends_with("was drawn, and epoch 13 closes without it"), "{words}");
}
