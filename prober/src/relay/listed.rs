//! Relays as an oracle lists them, and the choice of one. A registration is checked before it is used, since an oracle is not
//! trusted with who owns a relay: a fisher never takes one of his own, whose stamps would be his own word.
use crate::{
    choose::Dice,
    offered,
    report::{Oracle, OracleError},
};
use alloy::primitives::Address;
use gpux_contracts::Deployment;
use gpux_proto::{
    bytes::{self, array},
    evidence::RelayRegistration,
    signing,
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tonic::transport::Uri;
use tracing::debug;

/// How long a list is used before it is asked for again.
const LIST_VALID: Duration = Duration::from_secs(30);
/// An empty list is asked for again soon: while there is none, sessions go directly and carry no weight.
const EMPTY_VALID: Duration = Duration::from_secs(2);
/// A list that cannot be renewed is used for so long: its relays' registrations are checked anew at every choice.
const STALE_MAX: Duration = Duration::from_secs(3_600);

/// A registration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field has the wrong size or form.
    #[error(transparent)]
    Field(#[from] bytes::Error),
    /// It is not signed by the owner, or binds no usable key.
    #[error(transparent)]
    Signature(#[from] signing::Error),
    /// The endpoint is no usable URI.
    #[error(transparent)]
    Endpoint(#[from] offered::Error),
    /// It is for another market.
    #[error("the registration is for chain {0} or another Bonds contract")]
    Foreign(u64),
    /// It does not hold any more.
    #[error("the registration held until {until}, and it is {now}")]
    Expired {
        /// Its end in seconds since 1970.
        until: u64,
        /// This machine's time.
        now: u64,
    },
}

/// A relay whose registration holds.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its key.
    pub relay: [u8; 32],
    /// Who owns it.
    pub owner: Address,
    /// Where it answers.
    pub endpoint: Uri,
    until: u64,
}

/// Verifies a registration at wall time `now`.
pub fn verify(registration: &RelayRegistration, deployment: &Deployment, now: Duration) -> Result<Listed, Error> {
    if registration.chain_id != deployment.chain_id || registration.bonds != deployment.bonds.as_slice() {
        return Err(Error::Foreign(registration.chain_id));
    }
    let relay = array("relay.relay", &registration.relay)?;
    signing::public_key("relay.relay", &relay)?;
    let owner = Address::from(array::<20>("relay.owner", &registration.owner)?);
    let endpoint = offered::endpoint(&registration.endpoint)?;
    let digest = signing::relay_digest(registration)?;
    signing::verify_ecdsa("relay", &digest, &registration.owner_signature, owner)?;
    let (until, now) = (registration.valid_until, now.as_secs());
    if until <= now {
        return Err(Error::Expired { until, now });
    }
    Ok(Listed { relay, owner, endpoint, until })
}

/// The relays among which a fisher chooses.
#[derive(Debug)]
pub struct Relays {
    oracle: Oracle,
    deployment: Deployment,
    own: Address,
    list: tokio::sync::Mutex<Option<(Instant, Arc<[Listed]>)>>,
}

impl Relays {
    /// The relays of an oracle that are not this owner's.
    #[must_use]
    pub fn new(oracle: Oracle, deployment: Deployment, own: Address) -> Self {
        Self { oracle, deployment, own, list: tokio::sync::Mutex::default() }
    }

    /// A relay for one session: an owner uniformly at random, then one of his relays, whatever the seed of other choices is,
    /// since nobody may foresee it. By owner, or whoever runs most relays would carry most sessions: the method bears a fifth
    /// of the owners being corrupt, and counts no relays. `None` if there is none of another owner.
    pub async fn choose(&self, now: Duration) -> Result<Option<Listed>, OracleError> {
        let list = self.list(now).await?;
        let mut owners: BTreeMap<Address, Vec<&Listed>> = BTreeMap::new();
        for relay in list.iter().filter(|relay| relay.until > now.as_secs()) {
            owners.entry(relay.owner).or_default().push(relay);
        }
        // Without randomness a choice could be foreseen; the first relay is still better than none.
        let mut dice = Dice::new(None).ok();
        let mut below = |n| dice.as_mut().map_or(0, |dice| dice.below(n));
        let relays = owners.values().nth(below(owners.len()));
        Ok(relays.and_then(|relays| relays.get(below(relays.len()))).map(|relay| (*relay).clone()))
    }

    async fn list(&self, now: Duration) -> Result<Arc<[Listed]>, OracleError> {
        let mut list = self.list.lock().await;
        if let Some((at, relays)) = &*list
            && at.elapsed() < if relays.is_empty() { EMPTY_VALID } else { LIST_VALID }
        {
            return Ok(Arc::clone(relays));
        }
        let relays: Arc<[Listed]> = match (self.oracle.relays().await, &*list) {
            (Ok(registrations), _) => registrations.iter().filter_map(|r| self.usable(r, now)).collect(),
            (Err(error), Some((at, relays))) if at.elapsed() < STALE_MAX => {
                debug!(%error, "the list of relays is not renewed");
                return Ok(Arc::clone(relays));
            }
            (Err(error), _) => return Err(error),
        };
        *list = Some((Instant::now(), Arc::clone(&relays)));
        Ok(relays)
    }

    fn usable(&self, registration: &RelayRegistration, now: Duration) -> Option<Listed> {
        match verify(registration, &self.deployment, now) {
            Ok(listed) => (listed.owner != self.own).then_some(listed),
            Err(error) => {
                debug!(%error, "a listed relay is left out");
                None
            }
        }
    }
}
