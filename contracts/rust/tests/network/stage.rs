//! A chain, a coin and a network file, and everybody who has a part.

use std::path::Path;

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, Bytes};
use alloy::providers::{DynProvider, Provider as _, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use gpux_contracts::TestToken;
use gpux_contracts::anvil::{Anvil, KEYS, Options};
use gpux_contracts::network::{Client, Defaults, Error, Network};
use tempfile::TempDir;

const DEFAULTS: Defaults = Defaults { parameters: B256::repeat_byte(0x77), epoch_length: 3_600 };
// Accounts by their number.
pub(crate) const DEPLOYER: usize = 0;
pub(crate) const SAFE: usize = 1;
pub(crate) const GUARDIAN: usize = 2;
pub(crate) const TREASURY: usize = 3;
pub(crate) const OPERATORS: [usize; 3] = [4, 5, 6];
pub(crate) const STRANGER: usize = 9;

pub(crate) fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&KEYS[index]).unwrap()
}

pub(crate) fn address(index: usize) -> Address {
    signer(index).address()
}

/// A chain with a coin, and an empty folder for what is written.
pub(crate) struct Stage {
    pub(crate) anvil: Anvil,
    pub(crate) token: Address,
    pub(crate) folder: TempDir,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let anvil = start(&[]);
        let token = *TestToken::deploy(provider(&anvil, STRANGER)).await.unwrap().address();
        Self { anvil, token, folder: tempfile::tempdir().unwrap() }
    }

    /// A chain on which money is worth something; its coin knows its decimals and nothing else.
    pub(crate) async fn of_money() -> Self {
        let anvil = start(&["--chain-id", "10"]);
        let token = Address::repeat_byte(0xc0);
        put_constant(&provider(&anvil, STRANGER), token, B256::with_last_byte(6)).await;
        Self { anvil, token, folder: tempfile::tempdir().unwrap() }
    }

    /// The file of this network, with another chain's id or more lines.
    pub(crate) fn network(&self, chain_id: u64, more: &str) -> Network {
        let operators = OPERATORS.map(|index| format!("\"{}\"", address(index))).join(", ");
        let text = format!(
            "chain_id = {chain_id}\ntoken = \"{}\"\nadmin = \"{}\"\nguardian = \"{}\"\ntreasury = \"{}\"\n\
             operators = [{operators}]\nthreshold = 2\n{more}",
            self.token,
            address(SAFE),
            address(GUARDIAN),
            address(TREASURY),
        );
        let path = self.folder.path().join("network.toml");
        std::fs::write(&path, text).unwrap();
        Network::read(&path, DEFAULTS).unwrap()
    }

    pub(crate) async fn connect(&self, network: Network, key: usize) -> Result<Client, Error> {
        Client::connect(network, self.anvil.endpoint().parse().unwrap(), Some(signer(key))).await
    }

    pub(crate) async fn client(&self) -> Client {
        self.connect(self.network(31_337, ""), DEPLOYER).await.unwrap()
    }

    pub(crate) fn out(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn sent_by(&self, index: usize) -> u64 {
        provider(&self.anvil, index).get_transaction_count(address(index)).await.unwrap()
    }
}

fn start(arguments: &[&str]) -> Anvil {
    let arguments = arguments.iter().map(ToString::to_string).collect();
    let options = Options { arguments, ..Options::default() };
    Anvil::start(Path::new(env!("CARGO_MANIFEST_DIR")), &options).unwrap_or_else(|error| panic!("{error}"))
}

/// A contract that answers every call with one word: PUSH32 word, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN.
pub(crate) async fn put_constant(chain: &DynProvider, at: Address, word: B256) {
    let code = [&[0x7f][..], word.as_slice(), &[0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]].concat();
    let _: serde_json::Value = chain.raw_request("anvil_setCode".into(), (at, Bytes::from(code))).await.unwrap();
}

pub(crate) fn provider(anvil: &Anvil, index: usize) -> DynProvider {
    let wallet = EthereumWallet::from(signer(index));
    ProviderBuilder::new().wallet(wallet).connect_http(anvil.endpoint().parse().unwrap()).erased()
}

/// Moves the chain's clock, and makes a block that has it.
pub(crate) async fn skip(chain: &DynProvider, seconds: u64) {
    let _: serde_json::Value = chain.raw_request("evm_increaseTime".into(), (seconds,)).await.unwrap();
    let _: serde_json::Value = chain.raw_request("evm_mine".into(), ()).await.unwrap();
}
