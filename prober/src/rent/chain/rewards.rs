//! The fisher's rewards on his own chain.
use super::{Chain, Error, called};
use alloy::primitives::{Address, B256};
use gpux_contracts::{Rewards, Scores, TestToken};

/// Gas of a claim: about twice what it was measured to take with a proof of depth 20 (docs/contracts.md: 111,067).
const GAS_CLAIM: u64 = 250_000;

impl Chain {
    /// The rewards root that claims are paid by, and its epoch; none before the first.
    pub async fn active_rewards_root(&self) -> Result<Option<(u64, B256)>, Error> {
        let scores = Scores::new(self.deployment.scores, &self.provider);
        let active = scores.activeRewardsRoot().call().await.map_err(called("the active rewards root"))?;
        Ok((!active.rewardsRoot.is_zero()).then_some((active.epoch, active.rewardsRoot)))
    }

    /// What a fisher has claimed in all, in token units.
    pub async fn claimed(&self, fisher: Address) -> Result<u128, Error> {
        let rewards = Rewards::new(self.deployment.rewards, &self.provider);
        rewards.claimed(fisher).call().await.map_err(called("what was claimed"))
    }

    /// What Rewards can pay, in token units.
    pub async fn rewards_balance(&self) -> Result<u128, Error> {
        let token = TestToken::new(self.deployment.token, &self.provider);
        let balance = token.balanceOf(self.deployment.rewards).call().await.map_err(called("the rewards' balance"))?;
        Ok(balance.saturating_to())
    }

    /// Claims for the fisher; what Rewards does not hold stays claimable.
    pub async fn claim(&self, cumulative: u128, proof: Vec<B256>) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let rewards = Rewards::new(self.deployment.rewards, &self.provider);
        let claim = rewards.claim(self.wallet.address(), cumulative, proof).into_transaction_request();
        let (nonce, fee) = (self.nonce(self.wallet.address()).await?, self.fee().await?);
        let hash = self.send("claim", &self.wallet, claim, (nonce, GAS_CLAIM, fee)).await?;
        self.included("claim", hash).await
    }
}
