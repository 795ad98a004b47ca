//! Looks again and again at all cases, or at those against one provider, and tells whose turn it has become.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256};

use super::{Case, Client, Error, Turn};

/// What a watch knows.
#[derive(Debug, Default)]
pub struct Watch {
    /// Whose cases are watched; everybody's without.
    provider: Option<Address>,
    /// The cases, each with whose turn it was; none before the first look at it.
    turns: BTreeMap<B256, Option<Turn>>,
    /// From which block on cases are looked for.
    block: u64,
}

/// A case that has not ended, or has since the last look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    pub case: Case,
    /// Whose turn it is.
    pub turn: Turn,
    /// Whether it was somebody else's at the last look, or there was none.
    pub changed: bool,
    /// The case in lines for people.
    pub told: String,
}

impl Watch {
    /// Watches the cases against a provider alone.
    #[must_use]
    pub fn of(provider: Address) -> Self {
        Self { provider: Some(provider), ..Self::default() }
    }

    /// Looks once. What a failed look has not seen, the next one sees.
    pub async fn look(&mut self, client: &Client) -> Result<Vec<Sight>, Error> {
        let windows = client.windows().await?;
        let (filed, next) = client.filed_since(self.block).await?;
        for id in filed {
            self.turns.entry(id).or_default();
        }
        self.block = next;
        let mut seen = Vec::new();
        // What has ended stays so.
        for (id, before) in self.turns.iter_mut().filter(|(_, turn)| **turn != Some(Turn::Nobody)) {
            let case = match client.case(*id).await {
                // Its block was replaced.
                Err(Error::Unknown(_)) => continue,
                case => case?,
            };
            if self.provider.is_some_and(|provider| provider != case.provider) {
                *before = Some(Turn::Nobody);
                continue;
            }
            let now = client.now().await?;
            let turn = case.turn(now, &windows);
            let changed = before.replace(turn) != Some(turn);
            seen.push(Sight { told: case.told(now, &windows), case, turn, changed });
        }
        Ok(seen)
    }
}
