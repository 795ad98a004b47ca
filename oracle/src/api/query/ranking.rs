//! Lists of reputations.
//!
//! Owns what they may be narrowed to and ordered by: what an index answers at the cost of the page, whatever the number of nodes.
//! Anything else is refused, since one request that reads a million rows would be a cheap attack.

use gpux_proto::{
    bytes,
    oracle::{ListReputationsRequest, ListReputationsResponse, Reputation, Verdict},
};

use super::{Query, cut, limit, page_size};
use crate::{
    api::{
        error::Error,
        page_token::{self, Cursor},
    },
    score,
    store::{RankingFilter, RankingOf, ScoreRow},
};

/// The longest model that is looked for, in bytes: no descriptor has a longer one.
const MODEL_BYTES_MAX: usize = 64;

impl Query {
    /// Lists reputations: by lower bound those that have a score, by key all.
    pub async fn list_reputations(&self, request: ListReputationsRequest) -> Result<ListReputationsResponse, Error> {
        let size = page_size(request.page_size)?;
        let cursor = Cursor::read(&request.page_token)?;
        let filter = filter(&request)?;
        let (reputations, next) = match request.order_by.as_str() {
            "" | "score desc" => self.by_score(filter, cursor, size).await?,
            "node" if filter == RankingFilter::default() => self.by_node(cursor, size).await?,
            "node" => {
                let message = "the order of nodes takes no filter: leave order_by out, or the filter";
                return Err(Error::field("FILTER_REFUSED", "order_by", message));
            }
            other => {
                let other: String = other.chars().take(32).collect();
                let message = format!("order_by {other:?} is neither \"score desc\" nor \"node\"");
                return Err(Error::field("MALFORMED", "order_by", message));
            }
        };
        Ok(ListReputationsResponse { reputations, next_page_token: next.map(|c| c.token()).unwrap_or_default() })
    }

    async fn by_score(
        &self,
        filter: RankingFilter,
        cursor: Option<Cursor>,
        size: usize,
    ) -> Result<(Vec<Reputation>, Option<Cursor>), Error> {
        let of = digest(&filter);
        let after = match cursor {
            None => None,
            Some(Cursor::ByScore { filter, low_bps, after }) if filter == of => Some((low_bps, after)),
            Some(_) => return Err(page_token::refused()),
        };
        let mut rows = self.store.ranking(filter, after, limit(size)).await?;
        let more = cut(&mut rows, size);
        let key = |row: &ScoreRow| Cursor::ByScore {
            filter: of,
            low_bps: row.score.estimate.low_bps,
            after: row.score.node.0,
        };
        let next = rows.last().filter(|_| more).map(key);
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(node) = self.store.node(row.score.node.0).await? {
                page.push(self.reputation(&node, Some(row)).await?);
            }
        }
        Ok((page, next))
    }

    async fn by_node(&self, cursor: Option<Cursor>, size: usize) -> Result<(Vec<Reputation>, Option<Cursor>), Error> {
        let after = match cursor {
            None => None,
            Some(Cursor::ByNode { after }) => Some(after),
            Some(_) => return Err(page_token::refused()),
        };
        let mut rows = self.store.nodes(after, limit(size)).await?;
        let more = cut(&mut rows, size);
        let next = rows.last().filter(|_| more).map(|row| Cursor::ByNode { after: row.node });
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            let score = self.store.score(row.node).await?;
            page.push(self.reputation(&row, score).await?);
        }
        Ok((page, next))
    }
}

fn filter(request: &ListReputationsRequest) -> Result<RankingFilter, Error> {
    let verdict = match Verdict::try_from(request.verdict) {
        Ok(Verdict::Unspecified) => None,
        Ok(Verdict::Unknown) => Some(score::Verdict::Unknown),
        Ok(Verdict::Honest) => Some(score::Verdict::Honest),
        Ok(Verdict::UnderDelivering) => Some(score::Verdict::UnderDelivering),
        Err(_) => return Err(malformed("verdict", format!("verdict {} does not exist", request.verdict))),
    };
    let mut of = Vec::new();
    if !request.model.is_empty() {
        if request.model.len() > MODEL_BYTES_MAX {
            return Err(malformed("model", format!("no model has more than {MODEL_BYTES_MAX} bytes")));
        }
        of.push(RankingOf::Model(request.model.clone()));
    }
    if !request.organisation.is_empty() {
        let key = bytes::from_hex("organisation", &request.organisation);
        of.push(RankingOf::Organisation(key.map_err(|error| malformed("organisation", error.to_string()))?));
    }
    if !request.provider.is_empty() {
        let address = bytes::from_hex("provider", &request.provider);
        of.push(RankingOf::Provider(address.map_err(|error| malformed("provider", error.to_string()))?));
    }
    if of.len() > 1 {
        let message = "at most one of model, organisation and provider is taken at a time";
        return Err(Error::new("FILTER_REFUSED", message));
    }
    let least_bps = u16::try_from(request.low_bps_min).ok().filter(|least| *least <= 10_000);
    let least_bps = least_bps
        .ok_or_else(|| malformed("low_bps_min", format!("low_bps_min {} is above 10000", request.low_bps_min)))?;
    Ok(RankingFilter { of: of.pop(), verdict, least_bps })
}

fn malformed(field: &'static str, message: String) -> Error {
    Error::field("MALFORMED", field, message)
}

/// Tells filters apart in page tokens.
fn digest(filter: &RankingFilter) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("gpux/ranking-filter/1");
    hasher.update(format!("{filter:?}").as_bytes());
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}
