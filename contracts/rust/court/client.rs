//! Every step of a case as one call: simulated first, so that a refusal costs nothing and says why.

use std::{future::IntoFuture, time::Duration};

use alloy::{
    contract::{CallBuilder, CallDecoder},
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, Bytes, Signature, U256},
    providers::{DynProvider, Provider},
    rpc::types::{Filter, TransactionReceipt},
    signers::local::PrivateKeySigner,
    sol_types::SolEvent as _,
    transports::http::reqwest::Url,
};

use super::{
    case::{Case, Kind, Outcome, Turn, Windows},
    holdings::{self, Holding},
    words,
};
use crate::{
    Deployment,
    bindings::{Court, Rentals, Scores},
    conviction_digest,
    rpc::{self, Said, cut},
};

/// The longest that one call may take.
const CALL: Duration = Duration::from_secs(15);
/// The longest that a transaction may take to be included.
const INCLUSION: Duration = Duration::from_secs(120);

/// How many of the newest blocks may be replaced by others.
const REPLACED: u64 = 64;

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Court said no, or a contract behind it.
    #[error("Court refuses: {0}")]
    Refused(String),
    /// The node did not answer, or with an error. Its own words may name a URL with a key, so they are cut.
    #[error("the chain's RPC failed: {0}")]
    Rpc(String),
    /// The node took too long.
    #[error("the chain's RPC did not answer within {} s", CALL.as_secs())]
    Slow,
    /// The transaction was not included in time; it may still be.
    #[error("the transaction was not included within {} s: look at the case before trying again", INCLUSION.as_secs())]
    Pending,
    /// The transaction was included and failed: something else came first.
    #[error("transaction {0} reverted: something else came first; look at the case")]
    Reverted(B256),
    /// The RPC serves another chain.
    #[error("the deployment is for chain {recorded}, the RPC serves {served}")]
    ForeignChain {
        /// As recorded.
        recorded: u64,
        /// As served.
        served: u64,
    },
    /// There is no such case.
    #[error("there is no case {0}")]
    Unknown(B256),
    /// A log of Rentals does not decode, or names terms that are not its rental's.
    #[error("the chain's RPC serves a false log of Rentals: ask another one")]
    Log,
    /// A signature is by nobody.
    #[error("a signature recovers to no account: it was cut or altered")]
    Signature,
    /// Nothing can be slashed.
    #[error("node {0} holds nothing that a case could reach")]
    NothingHeld(B256),
}

/// A party of cases, with a key or as an onlooker.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) provider: DynProvider,
    pub(super) deployment: Deployment,
    account: Option<Address>,
}

impl Client {
    /// Connects, and checks that the deployment is of this chain. Without a key nothing can be sent.
    pub async fn connect(url: Url, deployment: Deployment, key: Option<PrivateKeySigner>) -> Result<Self, Error> {
        let account = key.as_ref().map(PrivateKeySigner::address);
        let provider = rpc::connect(url, key);
        let served = limited(provider.get_chain_id()).await?;
        if served != deployment.chain_id {
            return Err(Error::ForeignChain { recorded: deployment.chain_id, served });
        }
        Ok(Self { provider, deployment, account })
    }

    /// Who sends.
    pub fn account(&self) -> Option<Address> {
        self.account
    }

    /// A case.
    pub async fn case(&self, id: B256) -> Result<Case, Error> {
        let stored = limited(self.court().caseOf(id).call()).await?;
        Case::of(id, &stored).ok_or(Error::Unknown(id))
    }

    /// The case about a node, or a rental, that has not ended.
    pub async fn open_case(&self, subject: B256) -> Result<Option<B256>, Error> {
        let id = limited(self.court().openCase(subject).call()).await?;
        Ok((!id.is_zero()).then_some(id))
    }

    /// The cases that were filed in a block or after it, in their order, and the block to ask from next: a little before the
    /// newest one, since that may be replaced, so that some cases come again.
    pub async fn filed_since(&self, block: u64) -> Result<(Vec<B256>, u64), Error> {
        let newest = limited(self.provider.get_block_number()).await?;
        let filter = Filter::new().address(self.deployment.court).event_signature(Court::Filed::SIGNATURE_HASH);
        let (mut found, mut from) = (Vec::new(), block.max(self.deployment.block));
        while from <= newest {
            let to = newest.min(from + rpc::RANGE - 1);
            let logs = limited(self.provider.get_logs(&filter.clone().from_block(from).to_block(to))).await?;
            found.extend(logs.iter().filter_map(|log| log.topics().get(1).copied()));
            from = to + 1;
        }
        Ok((found, newest.saturating_sub(REPLACED)))
    }

    /// The windows of all cases.
    pub async fn windows(&self) -> Result<Windows, Error> {
        let answer = limited(self.court().ANSWER().call()).await?.to();
        let appeal_ruling = limited(self.court().APPEAL_RULING().call()).await?.to();
        Ok(Windows { answer, appeal_ruling })
    }

    /// Who rules a case, and its fees.
    pub async fn rules(&self, case: &Case) -> Result<Court::Rules, Error> {
        limited(self.court().rulesOf(case.rules).call()).await
    }

    /// The newest block's time, in seconds since 1970.
    pub async fn now(&self) -> Result<u64, Error> {
        let block = limited(self.provider.get_block(BlockId::Number(BlockNumberOrTag::Latest)).into_future()).await?;
        block.map(|block| block.header.timestamp).ok_or_else(|| Error::Rpc("it has no newest block".into()))
    }

    /// Whether an earlier transaction of the account waits: whatever is sent now would wait behind it.
    pub async fn waits(&self) -> Result<bool, Error> {
        let Some(account) = self.account else { return Ok(false) };
        let latest = limited(self.provider.get_transaction_count(account).into_future()).await?;
        let pending = self.provider.get_transaction_count(account).block_id(BlockId::pending()).into_future();
        Ok(limited(pending).await? > latest)
    }

    /// What is held of a node's earnings now, by rental.
    pub async fn holdings(&self, node: B256) -> Result<Vec<Holding>, Error> {
        let rentals = Rentals::new(self.deployment.rentals, &self.provider);
        let hold: u64 = limited(rentals.HOLD().call()).await?.to();
        let stored = limited(rentals.nodeOf(node).call()).await?;
        let now = self.now().await?;
        let frozen = now < stored.frozenUntil.to::<u64>();
        let horizon = if frozen { stored.frozenHorizon.to() } else { now.saturating_sub(hold) };
        holdings::held(&self.provider, &self.deployment, node, (horizon, now)).await
    }

    /// Files with a leaf that says `under_delivering`, about all that the node holds. Returns the case.
    pub async fn file_statistical(&self, leaf: Scores::Leaf, proof: Vec<B256>) -> Result<B256, Error> {
        let node = leaf.node;
        let terms = terms(holdings::reaching(self.holdings(node).await?, u128::MAX));
        if terms.is_empty() {
            return Err(Error::NothingHeld(node));
        }
        let receipt = self.send(self.court().fileStatistical(terms, leaf.into(), proof)).await?;
        filed(&receipt)
    }

    /// Files about one's own rental under a bond, by the digest of a statement. Returns the case.
    pub async fn file_bare(&self, rental: Rentals::Terms, salt: B256, statement: B256) -> Result<B256, Error> {
        let receipt = self.send(self.court().fileBare(rental.into(), salt, statement)).await?;
        filed(&receipt)
    }

    /// Files with operators' signatures over the bundle's id, the node and one's own rental. Returns the case. Signatures may come
    /// in any order.
    pub async fn file_proof(
        &self,
        own: Rentals::Terms,
        salt: B256,
        evidence: B256,
        signatures: Vec<Signature>,
    ) -> Result<B256, Error> {
        let (chain_id, court) = (self.deployment.chain_id, self.deployment.court);
        let (node, rental) = (own.offer.node, holdings::id(chain_id, self.deployment.rentals, &own));
        let digest = conviction_digest(evidence, node, rental, chain_id, court);
        let mut signed = Vec::new();
        for signature in signatures {
            let signer = signature.recover_address_from_prehash(&digest).map_err(|_| Error::Signature)?;
            signed.push((signer, Bytes::from(signature.as_bytes().to_vec())));
        }
        // Court takes them in rising order of their signers, each once.
        signed.sort_unstable();
        signed.dedup_by_key(|(signer, _)| *signer);
        let taken = holdings::with_own(self.holdings(node).await?, Holding { rental, terms: own, held: 0 });
        let place = taken.iter().position(|holding| holding.rental == rental).unwrap_or_default();
        let signatures = signed.into_iter().map(|(_, signature)| signature).collect();
        let court = self.court();
        let call = court.fileProof(terms(taken), U256::from(place), salt, evidence, signatures);
        filed(&self.send(call).await?)
    }

    /// Names more of what the node holds.
    pub async fn extend(&self, case: &Case) -> Result<(), Error> {
        let held = (case.horizon, case.filed_at);
        let all = holdings::held(&self.provider, &self.deployment, case.subject, held).await?;
        self.send(self.court().extend(case.id, terms(holdings::reaching(all, u128::MAX)))).await.map(drop)
    }

    /// The provider's answer, by the digest of a statement.
    pub async fn answer(&self, id: B256, statement: B256) -> Result<(), Error> {
        self.send(self.court().answer(id, statement)).await.map(drop)
    }

    /// Rules, as the arbiter or the appeal court.
    pub async fn rule(&self, id: B256, outcome: Outcome, amount: u128, levy_bps: u16) -> Result<(), Error> {
        self.send(self.court().rule(id, outcome as u8, amount, levy_bps)).await.map(drop)
    }

    /// Brings a case before the appeal court after the arbiter's silence.
    pub async fn escalate(&self, id: B256) -> Result<(), Error> {
        self.send(self.court().escalate(id)).await.map(drop)
    }

    /// Appeals a ruling, under a counter-bond of one's stake in Bonds.
    pub async fn appeal(&self, id: B256) -> Result<(), Error> {
        self.send(self.court().appeal(id)).await.map(drop)
    }

    /// Takes a bare case back.
    pub async fn withdraw(&self, id: B256) -> Result<(), Error> {
        self.send(self.court().withdraw(id)).await.map(drop)
    }

    /// Ends a case whose last window is over. The rentals to slash are found here.
    pub async fn finalise(&self, case: &Case) -> Result<(), Error> {
        let upheld = case.outcome == Outcome::Upheld && case.amount > 0;
        let expires = matches!(case.turn(self.now().await?, &self.windows().await?), Turn::Anybody { expires: true });
        let terms = match case.kind {
            _ if !upheld || expires => Vec::new(),
            Kind::Bare => vec![holdings::terms_of(&self.provider, &self.deployment, case.subject).await?.into()],
            Kind::Proof | Kind::Statistical => {
                let held = (case.horizon, case.filed_at);
                let all = holdings::held(&self.provider, &self.deployment, case.subject, held).await?;
                terms(holdings::reaching(all, case.amount))
            }
        };
        self.send(self.court().finalise(case.id, terms)).await.map(drop)
    }

    pub(super) fn court(&self) -> Court::CourtInstance<&DynProvider> {
        Court::new(self.deployment.court, &self.provider)
    }

    /// Simulates, sends, and waits for the block.
    pub(super) async fn send<P: Provider, D: CallDecoder>(
        &self,
        call: CallBuilder<P, D>,
    ) -> Result<TransactionReceipt, Error> {
        let call = match self.account {
            Some(account) => call.from(account),
            None => call,
        };
        limited(call.call_raw()).await?;
        let pending = limited(call.send()).await?;
        let hash = *pending.tx_hash();
        match tokio::time::timeout(INCLUSION, pending.get_receipt()).await {
            Ok(Ok(receipt)) if receipt.status() => Ok(receipt),
            Ok(Ok(_)) => Err(Error::Reverted(hash)),
            Ok(Err(error)) => Err(Error::Rpc(cut(&error.to_string()))),
            Err(_) => Err(Error::Pending),
        }
    }
}

fn terms(holdings: Vec<Holding>) -> Vec<Court::Terms> {
    holdings.into_iter().map(|holding| holding.terms.into()).collect()
}

fn filed(receipt: &TransactionReceipt) -> Result<B256, Error> {
    let filed = receipt.decoded_log::<Court::Filed>();
    filed.map(|event| event.data.id).ok_or_else(|| Error::Rpc("the receipt lacks the case".into()))
}

pub(super) async fn limited<T, E: Said>(call: impl IntoFuture<Output = Result<T, E>>) -> Result<T, Error> {
    let answer = rpc::within(CALL, call).await.ok_or(Error::Slow)?;
    answer.map_err(|error| match error.data().as_ref().and_then(words::explain) {
        Some(words) => Error::Refused(words),
        None => Error::Rpc(error.words()),
    })
}
