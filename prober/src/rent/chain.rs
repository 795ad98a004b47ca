//! The chain as a fisher uses it: pays throw-away accounts, opens, stops, withdraws, and sends what is left back. The only place
//! in this crate that builds transactions. Gas limits are fixed, so that transactions which depend on each other can be sent
//! in one go; every wait has a limit.
mod beacon;
mod rewards;

pub use beacon::Beacon;

use super::Error;
use crate::clock;
use alloy::{
    eips::BlockId,
    network::{EthereumWallet, NetworkTransactionBuilder as _, TransactionBuilder as _},
    primitives::{Address, B256, TxHash, U256, aliases::U40, keccak256},
    providers::{DynProvider, Provider as _, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::{SignerSync as _, local::PrivateKeySigner},
    sol,
    sol_types::SolStruct as _,
    transports::{RpcError, TransportErrorKind, http::reqwest::Url},
};
use gpux_contracts::{Deployment, Rentals, TestToken};
use gpux_proto::{evidence::Terms, signing};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long a transaction may take to be included.
const INCLUSION_MAX: Duration = Duration::from_secs(90);
/// How often is asked for a receipt; a fraction of any chain's block time.
const POLL: Duration = Duration::from_millis(200);
/// How long an RPC call may take.
const CALL_MAX: Duration = Duration::from_secs(15);
/// Until when a permit holds: longer than a transaction may take.
const PERMIT_VALID: Duration = Duration::from_secs(3_600);

// Gas: about twice what each call was measured to take with one rental (design/contracts.md gives 135,361 for open without
// offer and permit, 76,108 for stop), since what is not used costs nothing.
const GAS_TRANSFER: u64 = 21_000;
const GAS_TOKEN: u64 = 120_000;
const GAS_OPEN: u64 = 500_000;
const GAS_STOP: u64 = 250_000;
const GAS_WITHDRAW: u64 = 200_000;
/// All gas that one rental's account may need, with the way back and a second try.
pub(crate) const GAS_RENTAL: u64 = GAS_OPEN + 2 * (GAS_STOP + GAS_WITHDRAW + GAS_TOKEN) + 4 * GAS_TRANSFER;

sol! {
    /// ERC-2612.
    struct Permit { address owner; address spender; uint256 value; uint256 nonce; uint256 deadline; }
}

/// What stands on an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its rental is open and not stopped.
    pub rented: bool,
    /// Its credit in Rentals.
    pub credit: u128,
    /// Its tokens.
    pub tokens: U256,
    /// Its ether, in wei.
    pub wei: U256,
}

/// The fisher's wallet on a chain.
#[derive(Debug)]
pub struct Chain {
    provider: DynProvider,
    deployment: Deployment,
    wallet: PrivateKeySigner,
    /// Orders the wallet's transactions: parallel sessions must not use a nonce twice.
    turn: Mutex<()>,
    separator: B256,
    /// What transactions cost since somebody asked, in wei.
    fees: std::sync::Mutex<U256>,
}

/// What a receipt says of an included transaction.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    status: U256,
    gas_used: U256,
    effective_gas_price: U256,
    /// Of an OP chain: what the data cost on L1.
    #[serde(default)]
    l1_fee: Option<U256>,
}

impl Receipt {
    /// All that the sender paid, in wei.
    fn cost(&self) -> U256 {
        self.gas_used.saturating_mul(self.effective_gas_price).saturating_add(self.l1_fee.unwrap_or_default())
    }
}

/// A call that the RPC did not answer, in words that name no URL.
pub(crate) fn refused(what: &'static str) -> impl FnOnce(RpcError<TransportErrorKind>) -> Error {
    move |error| {
        // A transport error names the URL, which may carry a key; the RPC's own words do not.
        let reason = match error.as_error_resp() {
            Some(response) => crate::session::bounded(&response.message, 200),
            None => "no answer".to_owned(),
        };
        Error::Chain { what, reason }
    }
}

fn called(what: &'static str) -> impl FnOnce(alloy::contract::Error) -> Error {
    move |error| match error {
        alloy::contract::Error::TransportError(error) => refused(what)(error),
        other => Error::Chain { what, reason: crate::session::bounded(&other.to_string(), 200) },
    }
}

/// Names a chain's RPC; nothing is sent before it is asked.
#[must_use]
pub fn provider(rpc: Url) -> DynProvider {
    let client = gpux_contracts::rpc::client(rpc, CALL_MAX);
    ProviderBuilder::new().disable_recommended_fillers().connect_client(client).erased()
}

impl Chain {
    /// Connects, and checks that the deployment is of this chain.
    pub async fn connect(rpc: Url, deployment: Deployment, wallet: PrivateKeySigner) -> Result<Self, Error> {
        let provider = provider(rpc);
        let served = provider.get_chain_id().await.map_err(refused("its id"))?;
        if served != deployment.chain_id {
            return Err(Error::ForeignChain { recorded: deployment.chain_id, served });
        }
        let token = TestToken::new(deployment.token, &provider);
        let separator = token.DOMAIN_SEPARATOR().call().await.map_err(called("the token's domain"))?;
        Ok(Self { provider, deployment, wallet, turn: Mutex::new(()), separator, fees: std::sync::Mutex::default() })
    }

    /// The market's contracts.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The fisher.
    pub fn fisher(&self) -> &PrivateKeySigner {
        &self.wallet
    }

    /// Pays ether for a rental's gas and `tokens` to each account, in transactions that follow each other without waiting.
    pub async fn fund(&self, accounts: &[Address], tokens: u128) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        let fee = self.fee().await?;
        let wei = U256::from(fee) * U256::from(GAS_RENTAL);
        let count = U256::from(accounts.len());
        let own_gas = U256::from(fee) * U256::from(GAS_TRANSFER + GAS_TOKEN) * count;
        let standing = self.standing(self.wallet.address(), None).await?;
        self.affords(accounts.len(), "wei", standing.wei, wei * count + own_gas)?;
        self.affords(accounts.len(), "token units", standing.tokens, U256::from(tokens) * count)?;
        let mut nonce = self.nonce(self.wallet.address()).await?;
        let mut sent = Vec::new();
        for account in accounts {
            let ether = TransactionRequest::default().with_to(*account).with_value(wei);
            sent.push(self.send("ether", &self.wallet, ether, (nonce, GAS_TRANSFER, fee)).await?);
            if tokens > 0 {
                let transfer = self.transfer(*account, U256::from(tokens));
                sent.push(self.send("tokens", &self.wallet, transfer, (nonce + 1, GAS_TOKEN, fee)).await?);
                nonce += 1;
            }
            nonce += 1;
        }
        for hash in sent {
            self.included("funding", hash).await?;
        }
        Ok(())
    }

    /// Opens a rental with `deposit`, allowed by a permit: one transaction.
    pub async fn open(
        &self,
        account: &PrivateKeySigner,
        terms: &Terms,
        deposit: u128,
        provider_signature: &[u8],
    ) -> Result<(), Error> {
        let deadline = U256::from((clock::now() + PERMIT_VALID).as_secs());
        let permit = Permit {
            owner: account.address(),
            spender: self.deployment.rentals,
            value: U256::from(deposit),
            // The account is new: it has signed no permit.
            nonce: U256::ZERO,
            deadline,
        };
        let digest =
            keccak256([&[0x19, 0x01], self.separator.as_slice(), permit.eip712_hash_struct().as_slice()].concat());
        let signature = account
            .sign_hash_sync(&digest)
            .map_err(|e| Error::Chain { what: "a permit's signature", reason: e.to_string() })?;
        let rentals = self.rentals();
        let call = rentals.openWithPermit(
            vec![terms.try_into()?],
            vec![deposit],
            vec![provider_signature.to_vec().into()],
            permit.value,
            deadline,
            27 + u8::from(signature.v()),
            signature.r().into(),
            signature.s().into(),
        );
        let request = call.into_transaction_request();
        let (nonce, fee) = (self.nonce(account.address()).await?, self.fee().await?);
        let hash = self.send("open", account, request, (nonce, GAS_OPEN, fee)).await?;
        self.included("open", hash).await
    }

    /// What stands on an account.
    pub async fn standing(&self, account: Address, terms: Option<&Terms>) -> Result<Standing, Error> {
        let token = TestToken::new(self.deployment.token, &self.provider);
        let rented = match terms {
            None => false,
            Some(terms) => {
                let id = signing::rental_id(terms)?;
                let rental = self.rentals().rentalOf(id.into()).call().await.map_err(called("a rental"))?;
                rental.start != U40::ZERO && rental.stop == U40::ZERO
            }
        };
        Ok(Standing {
            rented,
            credit: self.rentals().credit(account).call().await.map_err(called("a credit"))?,
            tokens: token.balanceOf(account).call().await.map_err(called("a balance"))?,
            wei: self.provider.get_balance(account).await.map_err(refused("a balance"))?,
        })
    }

    /// Stops the rental, withdraws, and sends tokens and ether to the fisher, as far as they are there.
    pub async fn take_back(&self, account: &PrivateKeySigner, terms: Option<&Terms>) -> Result<Standing, Error> {
        let (address, fisher) = (account.address(), self.wallet.address());
        self.settled(address).await?;
        let standing = self.standing(address, terms).await?;
        let fee = self.fee().await?;
        let moves = standing.rented || standing.credit > 0 || standing.tokens > U256::ZERO;
        let gas = U256::from(GAS_STOP + GAS_WITHDRAW + GAS_TOKEN) * U256::from(fee);
        if moves && standing.wei < gas {
            self.fund(&[address], 0).await?;
        }
        let mut nonce = self.nonce(address).await?;
        let mut sent = Vec::new();
        if let Some(terms) = terms.filter(|_| standing.rented) {
            let stop = self.rentals().stop(vec![terms.try_into()?]).into_transaction_request();
            sent.push(("stop", self.send("stop", account, stop, (nonce, GAS_STOP, fee)).await?));
            nonce += 1;
        }
        if standing.rented || standing.credit > 0 {
            let withdraw = self.rentals().withdraw(fisher).into_transaction_request();
            sent.push(("withdraw", self.send("withdraw", account, withdraw, (nonce, GAS_WITHDRAW, fee)).await?));
            nonce += 1;
        }
        if standing.tokens > U256::ZERO {
            let transfer = self.transfer(fisher, standing.tokens);
            sent.push(("tokens", self.send("tokens", account, transfer, (nonce, GAS_TOKEN, fee)).await?));
        }
        for (what, hash) in sent {
            self.included(what, hash).await?;
        }
        self.return_ether(account).await?;
        self.standing(address, terms).await
    }

    /// Whether what is left is worth less than the gas to move it.
    pub async fn is_empty(&self, standing: &Standing) -> Result<bool, Error> {
        let dust = U256::from(self.fee().await?) * U256::from(4 * GAS_TRANSFER);
        Ok(!standing.rented && standing.credit == 0 && standing.tokens.is_zero() && standing.wei <= dust)
    }

    async fn return_ether(&self, account: &PrivateKeySigner) -> Result<(), Error> {
        let fee = self.fee().await?;
        let wei = self.provider.get_balance(account.address()).await.map_err(refused("a balance"))?;
        // As much again stays for a roll-up's data fee.
        let keep = U256::from(fee) * U256::from(2 * GAS_TRANSFER);
        if wei <= keep {
            return Ok(());
        }
        let nonce = self.nonce(account.address()).await?;
        let request = TransactionRequest::default().with_to(self.wallet.address()).with_value(wei - keep);
        let hash = self.send("the rest", account, request, (nonce, GAS_TRANSFER, fee)).await?;
        self.included("the rest", hash).await
    }

    /// What a rental that was stopped has cost, in token units; none if it was never opened.
    pub async fn spent(&self, terms: &Terms) -> Result<Option<u128>, Error> {
        let id = signing::rental_id(terms)?;
        let rental = self.rentals().rentalOf(id.into()).call().await.map_err(called("a rental"))?;
        // Stopping leaves in the deposit what was earned.
        Ok((rental.start != U40::ZERO).then_some(rental.deposit))
    }

    /// What transactions cost since this was asked last, in wei.
    pub(super) fn take_fees(&self) -> U256 {
        self.fees.lock().map(|mut fees| std::mem::take(&mut *fees)).unwrap_or_default()
    }

    fn rentals(&self) -> Rentals::RentalsInstance<&DynProvider> {
        Rentals::new(self.deployment.rentals, &self.provider)
    }

    fn transfer(&self, to: Address, amount: U256) -> TransactionRequest {
        TestToken::new(self.deployment.token, &self.provider).transfer(to, amount).into_transaction_request()
    }

    fn affords(&self, accounts: usize, unit: &'static str, has: U256, needs: U256) -> Result<(), Error> {
        if has >= needs {
            return Ok(());
        }
        let wallet = self.wallet.address();
        Err(Error::Funds { wallet, has: has.to_string(), needs: needs.to_string(), unit, accounts })
    }

    /// The most that is paid for a unit of gas, in wei: twice the base fee and the tip, as alloy estimates them.
    async fn fee(&self) -> Result<u128, Error> {
        let fees = self.provider.estimate_eip1559_fees().await.map_err(refused("its fees"))?;
        Ok(fees.max_fee_per_gas.max(1))
    }

    async fn nonce(&self, account: Address) -> Result<u64, Error> {
        self.provider.get_transaction_count(account).block_id(BlockId::pending()).await.map_err(refused("a nonce"))
    }

    /// Waits until no transaction of the account is pending: one that a crash left behind may still move money.
    async fn settled(&self, account: Address) -> Result<(), Error> {
        let start = Instant::now();
        loop {
            let latest = self.provider.get_transaction_count(account).await.map_err(refused("a nonce"))?;
            if latest >= self.nonce(account).await? {
                return Ok(());
            }
            if start.elapsed() > INCLUSION_MAX {
                return Err(Error::Pending { what: "an earlier one", hash: B256::ZERO, waited: INCLUSION_MAX });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn send(
        &self,
        what: &'static str,
        from: &PrivateKeySigner,
        request: TransactionRequest,
        (nonce, gas, fee): (u64, u64, u128),
    ) -> Result<TxHash, Error> {
        let request = request
            .with_from(from.address())
            .with_chain_id(self.deployment.chain_id)
            .with_nonce(nonce)
            .with_gas_limit(gas)
            .with_max_fee_per_gas(fee)
            // The tip is bounded by the fee; 1 gwei is what wallets offer.
            .with_max_priority_fee_per_gas(fee.min(1_000_000_000));
        let envelope = request
            .build(&EthereumWallet::from(from.clone()))
            .await
            .map_err(|e| Error::Chain { what, reason: crate::session::bounded(&e.to_string(), 200) })?;
        let pending = self.provider.send_tx_envelope(envelope).await.map_err(refused(what))?;
        Ok(*pending.tx_hash())
    }

    async fn included(&self, what: &'static str, hash: TxHash) -> Result<(), Error> {
        let start = Instant::now();
        while start.elapsed() < INCLUSION_MAX {
            // An RPC that fails once may answer the next time; the limit holds all the same.
            let asked =
                self.provider.raw_request::<_, Option<Receipt>>("eth_getTransactionReceipt".into(), (hash,)).await;
            if let Ok(Some(receipt)) = asked {
                if let Ok(mut fees) = self.fees.lock() {
                    *fees = fees.saturating_add(receipt.cost());
                }
                return if receipt.status.is_zero() { Err(Error::Reverted { what, hash }) } else { Ok(()) };
            }
            tokio::time::sleep(POLL).await;
        }
        Err(Error::Pending { what, hash, waited: INCLUSION_MAX })
    }
}
