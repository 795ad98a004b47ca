//! How much the market is used.
//!
//! Owns GetUsage and ListDailyUsage. Every sum is the store's; nothing is counted here.

use chrono::{DateTime, Utc};
use gpux_proto::oracle::{
    self, DailyUsage, GetUsageRequest, GetUsageResponse, ListDailyUsageRequest, ListDailyUsageResponse, ResourcePower,
};
use pbjson_types::Timestamp;

use super::{Query, claim, cut, evidence::probe, limit, page_size};
use crate::{
    api::{
        error::Error,
        page_token::{self, Cursor},
    },
    store::{DAY_SECS, Power, Usage, UsageDay},
};

impl Query {
    /// Returns the figures in all.
    pub async fn get_usage(&self, _: GetUsageRequest) -> Result<GetUsageResponse, Error> {
        let usage = self.store.usage().await?;
        let (power_epoch, power) = self.store.power(0..u64::MAX).await?.unwrap_or_default();
        let finalised = self.store.finalised().await?;
        let update_time = finalised.map(|block| Timestamp { seconds: block.timestamp.cast_signed(), nanos: 0 });
        Ok(GetUsageResponse { usage: Some(told(&usage)), power: powers(&power)?, power_epoch, update_time })
    }

    /// Lists the figures by day, newest first.
    pub async fn list_daily_usage(&self, request: ListDailyUsageRequest) -> Result<ListDailyUsageResponse, Error> {
        let size = page_size(request.page_size)?;
        let before = match Cursor::read(&request.page_token)? {
            None => None,
            Some(Cursor::Days { before }) => Some(before),
            Some(_) => return Err(page_token::refused()),
        };
        let mut rows = self.store.usage_days(before, limit(size)).await?;
        let more = cut(&mut rows, size);
        let next = rows.last().filter(|_| more).map(|row| Cursor::Days { before: row.day }.token());
        let mut days = Vec::with_capacity(rows.len());
        for row in rows {
            days.push(self.day(&row).await?);
        }
        Ok(ListDailyUsageResponse { days, next_page_token: next.unwrap_or_default() })
    }

    async fn day(&self, row: &UsageDay) -> Result<DailyUsage, Error> {
        // Epochs that ended on this day: the compute power of one stands at its end.
        let ended_by = |day: u64| day.saturating_mul(DAY_SECS) / self.view.epoch_secs.max(1);
        let power = self.store.power(ended_by(row.day)..ended_by(row.day.saturating_add(1))).await?;
        Ok(DailyUsage {
            date: date(row.day)?,
            usage: Some(told(&row.usage)),
            new_accounts: row.new_accounts,
            power: powers(&power.unwrap_or_default().1)?,
        })
    }
}

fn date(day: u64) -> Result<String, Error> {
    let moment = day.checked_mul(DAY_SECS).and_then(|seconds| i64::try_from(seconds).ok());
    let moment = moment.and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0));
    moment.map(|moment| moment.date_naive().to_string()).ok_or_else(|| {
        tracing::error!(day, "a stored day is no date");
        Error::new("INTERNAL", "a stored day is damaged")
    })
}

fn told(usage: &Usage) -> oracle::Usage {
    oracle::Usage {
        transactions: usage.transactions,
        rentals: usage.rentals,
        accounts: usage.accounts,
        deposited: usage.deposited.to_string(),
        refunded: usage.refunded.to_string(),
        collected: usage.collected.to_string(),
        slashed: usage.slashed.to_string(),
    }
}

fn powers(rows: &[Power]) -> Result<Vec<ResourcePower>, Error> {
    let told = |of: &Power| {
        let probe = probe(of.resource).ok_or_else(|| {
            tracing::error!(resource = of.resource, "a stored resource is unknown");
            Error::new("INTERNAL", "a stored resource is unknown")
        })?;
        Ok(ResourcePower {
            resource: probe.name().into(),
            unit: claim::unit(probe).into(),
            nodes: of.nodes,
            advertised: of.advertised.to_string(),
            probed_nodes: of.probed_nodes,
            probed: of.probed.to_string(),
            verified: of.verified.to_string(),
        })
    };
    rows.iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates_in_utc() {
        let dates = [0, 59, 20_784, 11_016].map(|day| date(day).unwrap());
        assert_eq!(dates, ["1970-01-01", "1970-03-01", "2026-11-27", "2000-02-29"]);
        assert!(date(u64::MAX).is_err());
    }
}
