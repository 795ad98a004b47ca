//! The reads, one function a message, shared by gRPC and HTTP.
//!
//! Owns what a name, a page size and a page token mean, and how answers are put together from the store. Never writes, never
//! speaks a protocol. Its invariant: what is not known is absent in the answer, never 0.

mod cases;
mod claim;
mod evidence;
mod explain;
mod finding;
mod log;
mod on_chain;
mod opening;
mod ranking;
mod registry;
mod reputation;
mod rewards;
mod samples;
mod usage;

pub(super) use reputation::{estimate, verdict};

use std::sync::Arc;

use gpux_contracts::Deployment;
use gpux_proto::bytes;

use super::error::Error;
use crate::{publish::Operators, score, store::Store};

/// The page size without a wish.
const PAGE_DEFAULT: u32 = 100;
/// The largest page.
const PAGE_MAX: u32 = 1_000;

/// What answers need to know beside the store.
#[derive(Debug, Clone)]
pub struct View {
    /// The market whose parameters are in force.
    pub market: score::Market,
    /// The chain and its contracts.
    pub deployment: Deployment,
    /// How long an epoch lasts, in seconds.
    pub epoch_secs: u64,
    /// For how many epochs a report stays sealed; with 0 none is.
    pub sealed_epochs: u64,
    /// Who may see what is sealed, and sign epochs.
    pub operators: Operators,
}

impl View {
    /// Whether every page and message has to say "development parameters".
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.market == score::Market::Development
    }

    fn plan(&self) -> gpux_kernels::plan::Market {
        match self.market {
            score::Market::Production => gpux_kernels::plan::Market::Production,
            score::Market::Development => gpux_kernels::plan::Market::Development,
        }
    }
}

/// The reads. Clones share everything.
#[derive(Debug, Clone)]
pub struct Query {
    store: Arc<dyn Store>,
    view: View,
    samples: Arc<samples::Cache>,
    published: Arc<on_chain::Cache>,
    claims: Arc<rewards::Cache>,
    explainer: explain::Explainer,
}

impl Query {
    /// Reads from this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, view: View) -> Self {
        Self {
            store,
            view,
            samples: Arc::default(),
            published: Arc::default(),
            claims: Arc::default(),
            explainer: explain::Explainer::default(),
        }
    }

    /// What the answers are made with.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> bool {
        self.store.ping().await.is_ok()
    }

    /// The log's size.
    pub async fn log_entries(&self) -> Result<u64, Error> {
        Ok(self.store.log_head().await?.0)
    }
}

/// Reads "collection/0x…" or the id alone.
fn id(field: &'static str, collection: &str, name: &str) -> Result<[u8; 32], Error> {
    let digits = name.strip_prefix(collection).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
    bytes::from_hex(field, digits).map_err(|error| Error::field("MALFORMED", field, error.to_string()))
}

fn name(collection: &str, id: &[u8]) -> String {
    format!("{collection}/{}", bytes::to_hex(id))
}

/// The number of rows to read for a page: one more than it holds, which tells whether another follows.
fn page_size(wish: i32) -> Result<usize, Error> {
    let size = match u32::try_from(wish) {
        Ok(0) => PAGE_DEFAULT,
        Ok(size) => size.min(PAGE_MAX),
        Err(_) => return Err(Error::field("MALFORMED", "page_size", format!("page_size {wish} is negative"))),
    };
    Ok(size as usize)
}

/// Cuts the row that was read beyond the page, and says whether it was there.
fn cut<T>(rows: &mut Vec<T>, size: usize) -> bool {
    let more = rows.len() > size;
    rows.truncate(size);
    more
}

fn limit(size: usize) -> u32 {
    u32::try_from(size + 1).unwrap_or(PAGE_MAX + 1)
}
