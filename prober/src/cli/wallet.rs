//! The flags that name a market and a wallet: all of them where money moves, any of them where something is looked at.
use alloy::transports::http::reqwest::Url;
use clap::Args;
use std::path::PathBuf;

const RPC: &str = "The chain's JSON-RPC";
const DEPLOYMENT: &str = "The deployment's record";
const KEY_FILE: &str = "The fisher's key: a Web3 keystore, or hexadecimal digits readable by the owner only";
const PASSWORD_FILE: &str = "The keystore's password";

/// The market and the fisher.
#[derive(Debug, Args)]
pub(super) struct Party {
    #[arg(long, value_name = "URL", value_parser = http, help = RPC)]
    pub(super) rpc: Url,
    #[arg(long, value_name = "FILE", help = DEPLOYMENT)]
    pub(super) deployment: PathBuf,
    #[arg(long, value_name = "FILE", help = KEY_FILE)]
    pub(super) key_file: PathBuf,
    #[arg(long, value_name = "FILE", help = PASSWORD_FILE)]
    pub(super) password_file: Option<PathBuf>,
}

/// The same, where rentals are paid.
#[derive(Debug, Args)]
pub(super) struct Wallet {
    #[command(flatten)]
    pub(super) party: Party,
    /// The most token units of one rental's deposit; what is not used comes back.
    #[arg(long, value_name = "UNITS", default_value_t = DEPOSIT_MAX)]
    pub(super) deposit_max: u128,
}

/// The most token units of a deposit, if nothing else is said.
const DEPOSIT_MAX: u128 = 20_000_000;

/// As much of them as is named.
#[derive(Debug, Default, Args)]
pub(super) struct Named {
    #[arg(long, value_name = "URL", value_parser = http, help = RPC)]
    pub(super) rpc: Option<Url>,
    #[arg(long, value_name = "FILE", help = DEPLOYMENT)]
    pub(super) deployment: Option<PathBuf>,
    #[arg(long, value_name = "FILE", help = KEY_FILE)]
    pub(super) key_file: Option<PathBuf>,
    #[arg(long, value_name = "FILE", help = PASSWORD_FILE, requires = "key_file")]
    pub(super) password_file: Option<PathBuf>,
}

impl Named {
    /// Whether anything is named.
    pub(super) fn is_any(&self) -> bool {
        self.rpc.is_some() || self.deployment.is_some() || self.key_file.is_some()
    }

    /// The wallet, if everything that it needs is named.
    pub(super) fn wallet(self, deposit_max: Option<u128>) -> Option<Wallet> {
        let party = Party {
            rpc: self.rpc?,
            deployment: self.deployment?,
            key_file: self.key_file?,
            password_file: self.password_file,
        };
        Some(Wallet { party, deposit_max: deposit_max.unwrap_or(DEPOSIT_MAX) })
    }
}

pub(super) fn http(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|e| format!("{e}"))?;
    let plain = matches!(url.scheme(), "http" | "https") && url.has_host();
    if plain { Ok(url) } else { Err("not an http or https URL".into()) }
}
