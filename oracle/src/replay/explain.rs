//! How one node's score and verdict came about, from the log alone.
//!
//! Owns the reading of the log for it; what is explained is what the fold itself recorded.

use super::{Source, described};
use crate::{
    publish::Folder,
    score::{Explanation, NodeId, Parameters, Step},
};

/// A node's history and where it stands at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The last closed epoch.
    pub epoch: u64,
    pub explanation: Explanation,
    /// Every epoch and resource in which reports counted, in order.
    pub steps: Vec<Step>,
}

/// Folds a log to the end of an epoch, or to its own end, and explains a node; none that was never probed.
pub async fn explain(
    log: &str,
    parameters: Parameters,
    node: NodeId,
    epoch: Option<u64>,
) -> anyhow::Result<Option<History>> {
    let mut source = Source::open(log).await?;
    let mut folder = Folder::tracing(parameters, node);
    while folder.epoch().is_none_or(|closed| epoch.is_none_or(|epoch| closed < epoch)) {
        let Some(entry) = source.next().await? else { break };
        if let Err(error) = folder.apply(&entry) {
            anyhow::bail!(described(&error));
        }
    }
    Ok(History::of(&folder, &node))
}

impl History {
    /// What a folder that traces the node knows of it.
    #[must_use]
    pub fn of(folder: &Folder, node: &NodeId) -> Option<Self> {
        let state = folder.state();
        let explanation = state.explain(node)?;
        Some(Self { epoch: state.epoch().unwrap_or_default(), explanation, steps: state.steps().to_vec() })
    }
}
