//! An oracle as anybody sees it: its HTTP API, read with a limit on every wait and every answer.

use anyhow::{Context as _, bail, ensure};
use gpux_proto::oracle::{
    GetReputationResponse, GetUsageResponse, ListNodesResponse, ListReportsResponse, ListReputationsResponse, Node,
    ReportSummary, Reputation,
};
use serde::de::DeserializeOwned;
use std::time::Duration;

const WAIT_MAX: Duration = Duration::from_secs(10);
/// The largest answer that is read: a page of 1,000 reports is below it.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// The most pages that are followed.
const PAGES_MAX: usize = 200;

/// A refusal as HTTP carries it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Refusal {
    /// The HTTP status.
    pub code: u16,
    /// The reason code.
    pub reason: String,
    /// What was wrong.
    pub message: String,
    /// Whether asking again can help.
    pub retryable: bool,
}

/// An oracle's HTTP API.
#[derive(Debug, Clone)]
pub struct Oracle {
    base: String,
    client: reqwest::Client,
}

impl Oracle {
    /// Of the oracle at a base URL.
    pub fn at(base: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(WAIT_MAX).no_proxy().build()?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), client })
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.base
    }

    /// A case as JSON.
    pub async fn case(&self, id: &str) -> anyhow::Result<serde_json::Value> {
        let answer: serde_json::Value = serde_json::from_slice(&self.bytes(&format!("/v1/cases/{id}")).await?)?;
        Ok(answer["case"].clone())
    }

    async fn bytes(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let url = format!("{}{path}", self.base);
        let mut answer = self.client.get(&url).send().await.with_context(|| format!("cannot ask {url}"))?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            ensure!((body.len() + chunk.len()) as u64 <= ANSWER_BYTES_MAX, "the answer of {url} is too large");
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            bail!("{url} answered {status}: {}", String::from_utf8_lossy(&body[..body.len().min(512)]));
        }
        Ok(body)
    }

    async fn json<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        serde_json::from_slice(&self.bytes(path).await?)
            .with_context(|| format!("the answer of {}{path} is not what it should be", self.base))
    }

    /// Every node's reputation.
    pub async fn reputations(&self) -> anyhow::Result<Vec<Reputation>> {
        let (mut all, mut token) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let page: ListReputationsResponse = self.json(&paged("/v1/reputations?pageSize=1000", &token)).await?;
            all.extend(page.reputations);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        Ok(all)
    }

    /// One node's reputation.
    pub async fn reputation(&self, node: &str) -> anyhow::Result<Reputation> {
        let answer: GetReputationResponse = self.json(&format!("/v1/nodes/{node}/reputation")).await?;
        answer.reputation.context("an answer without a reputation")
    }

    /// Every announced node.
    pub async fn nodes(&self) -> anyhow::Result<Vec<Node>> {
        let (mut all, mut token) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let page: ListNodesResponse = self.json(&paged("/v1/nodes?pageSize=1000", &token)).await?;
            all.extend(page.nodes);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        Ok(all)
    }

    /// All reports, newest first; of one node unless `node` is empty.
    pub async fn reports(&self, node: &str) -> anyhow::Result<Vec<ReportSummary>> {
        let (mut all, mut token) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let path = format!("/v1/reports?node={node}&pageSize=1000");
            let page: ListReportsResponse = self.json(&paged(&path, &token)).await?;
            all.extend(page.reports);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        Ok(all)
    }

    /// How much the market is used.
    pub async fn usage(&self) -> anyhow::Result<GetUsageResponse> {
        self.json("/v1/usage").await
    }

    /// A session's bundle, encoded.
    pub async fn bundle(&self, digest: &str) -> anyhow::Result<Vec<u8>> {
        self.bytes(&format!("/v1/bundles/{digest}")).await
    }

    /// Posts a JSON body; `Err(Refusal)` inside is the oracle's own no.
    pub async fn post(
        &self,
        path: &str,
        body: &impl serde::Serialize,
    ) -> anyhow::Result<Result<serde_json::Value, Refusal>> {
        self.post_bytes(path, serde_json::to_vec(body)?).await
    }

    /// Posts any bytes as if they were JSON.
    pub async fn post_bytes(&self, path: &str, body: Vec<u8>) -> anyhow::Result<Result<serde_json::Value, Refusal>> {
        let url = format!("{}{path}", self.base);
        let request = self.client.post(&url).header("content-type", "application/json").body(body);
        let answer = request.send().await.with_context(|| format!("cannot post to {url}"))?;
        let status = answer.status();
        let text = answer.bytes().await?;
        if status.is_success() {
            return Ok(Ok(serde_json::from_slice(&text)?));
        }
        let refusal = serde_json::from_slice(&text).with_context(|| {
            let shown = String::from_utf8_lossy(&text[..text.len().min(512)]).into_owned();
            format!("{url} answered {status} without a reason: {shown}")
        })?;
        Ok(Err(refusal))
    }
}

fn paged(path: &str, token: &str) -> String {
    if token.is_empty() { path.to_owned() } else { format!("{path}&pageToken={token}") }
}
