//! A node of the chain that answers whatever it likes: the indexer goes on or fails in words.

use super::oracle::deployment;
use alloy::{
    primitives::{B256, LogData},
    providers::{Provider as _, ProviderBuilder},
    rpc::types::{Block, Log},
    sol_types::SolEvent as _,
    transports::mock::Asserter,
};
use gpux_contracts::Bonds;
use gpux_oracle::{
    chain::{Indexer, Rpc},
    store::{Sqlite, Store},
};
use std::sync::{Arc, OnceLock};

/// The most answers of an input.
const ANSWERS_MAX: usize = 40;
/// How often the indexer asks.
const STEPS: usize = 3;

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts"))
}

/// Each line is the JSON of one answer, in the order in which they are asked for.
pub(super) fn run(input: &[u8]) {
    let answers = Asserter::new();
    for line in input.split(|byte| *byte == b'\n').take(ANSWERS_MAX) {
        match serde_json::from_slice::<serde_json::Value>(line) {
            Ok(answer) => answers.push_success(&answer),
            Err(_) => answers.push_failure_msg("no answer"),
        }
    }
    runtime().block_on(async {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(folder.path()).await.expect("a new store opens"));
        let provider = ProviderBuilder::new().disable_recommended_fillers().connect_mocked_client(answers).erased();
        let mut indexer = Indexer::new(Rpc::new(provider), store.clone(), deployment(), 5);
        for _ in 0..STEPS {
            let Ok(progress) = indexer.step().await else { continue };
            let final_block = progress.finalised.map_or(0, |block| block.number);
            assert!(final_block <= progress.indexed, "what is final is indexed");
        }
        store.ping().await.expect("the store answers");
    });
}

/// Two blocks with a bond.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let block = |number: u64| {
        let mut block: Block = Block::default();
        block.header.inner.number = number;
        block.header.inner.timestamp = 100 + number;
        block.header.hash = B256::repeat_byte(number as u8);
        block.header.inner.parent_hash = B256::repeat_byte(number as u8 - 1);
        serde_json::to_string(&block).unwrap_or_default()
    };
    let fisher = alloy::primitives::Address::repeat_byte(1);
    let deposited: LogData = Bonds::Deposited { fisher, from: fisher, amount: 5, newAmount: 12 }.encode_log_data();
    let log = Log {
        inner: alloy::primitives::Log { address: deployment().bonds, data: deposited },
        block_hash: Some(B256::repeat_byte(1)),
        block_number: Some(1),
        log_index: Some(2),
        ..Log::default()
    };
    let logs = serde_json::to_string(&[log]).unwrap_or_default();
    let lines = [block(2), block(1), logs, block(1), block(2), block(2), block(2), block(2)];
    vec![lines.join("\n").into_bytes(), b"null\nnull\n[]".to_vec()]
}
