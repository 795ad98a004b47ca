//! The market: the oracle, the chain and its contracts, the key and what stands on its account.
use super::{Finding, clock::Told};
use crate::{
    cli::{setup, wallet::Named},
    rent::{self, GAS_RENTAL, provider, refused},
};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, U256, utils::format_ether},
    providers::{DynProvider, Provider as _},
    transports::http::reqwest::{Client, header::DATE},
};
use gpux_contracts::{Deployment, TestToken, keys};
use gpux_kernels::plan::Market;
use std::time::{Duration, UNIX_EPOCH};
use tonic::transport::Uri;

/// How long the oracle may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// How much of its answer is read; the first line is all that matters.
const ANSWER_BYTES_MAX: usize = 1_024;
/// What an oracle's front page begins with, before its version.
const ORACLE: &str = "gpux-oracle ";

/// Asks the oracle for its front page: its version, its market and its time.
pub(super) async fn oracle(uri: Option<&Uri>) -> (Finding, Option<Told>) {
    const NAME: &str = "oracle";
    let Some(uri) = uri else { return (Finding::skipped(NAME, "name --oracle"), None) };
    match front_page(uri).await {
        Err(error) => {
            let remedy = "see whether the URL is right, the oracle runs, and no firewall is between";
            (Finding::fail(NAME, format!("{uri}: {error}"), remedy), None)
        }
        Ok((page, told)) => (introduced(uri, &page), told),
    }
}

fn introduced(uri: &Uri, page: &str) -> Finding {
    const NAME: &str = "oracle";
    let Some(said) = page.strip_prefix(ORACLE) else {
        return Finding::fail(NAME, format!("something else than an oracle answers at {uri}"), "name the oracle's URL");
    };
    let said = said.split_once(": ").map_or(said, |(said, _)| said);
    let version = said.split(',').next().unwrap_or_default();
    let own = env!("CARGO_PKG_VERSION");
    if version == own {
        Finding::ok(NAME, format!("version {said}"))
    } else {
        let remedy = format!("use the prober of the oracle's release: this is {own}");
        Finding::warn(NAME, format!("version {said}"), remedy)
    }
}

/// The beginning of the page, and the time of its answer.
async fn front_page(uri: &Uri) -> Result<(String, Option<Told>), &'static str> {
    // As the prober's own calls to it, which know no proxy.
    let client = Client::builder().timeout(ANSWER_MAX).no_proxy().build().map_err(|_| "no TLS")?;
    let mut answer = client.get(uri.to_string()).send().await.map_err(|error| match error {
        error if error.is_timeout() => "no answer in time",
        error if error.is_connect() => "no connection",
        _ => "no answer",
    })?;
    let date = answer.headers().get(DATE).and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    let theirs = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok());
    let told = theirs.map(|theirs| Told { theirs, ours: crate::clock::now() });
    let mut page = Vec::new();
    while let Ok(Some(piece)) = answer.chunk().await {
        page.extend_from_slice(&piece[..piece.len().min(ANSWER_BYTES_MAX - page.len())]);
        if page.len() == ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok((String::from_utf8_lossy(&page).into_owned(), told))
}

/// Looks at chain, contracts, key and balance, as far as they are named.
pub(super) async fn chain(named: &Named) -> (Vec<Finding>, Option<Told>) {
    let deployment = named.deployment.as_deref().map(Deployment::read).transpose();
    let (mut findings, mut told, mut connected) = (Vec::new(), None, None);
    match &named.rpc {
        None => findings.push(Finding::skipped("chain", "name --rpc")),
        Some(rpc) => match reached(rpc.clone()).await {
            Ok((provider, id, block)) => {
                told = Some(block);
                findings.push(Finding::ok("chain", format!("chain {id}")));
                connected = Some((provider, id));
            }
            // The URL is left out: it may carry a key.
            Err(error) => findings.push(Finding::fail(
                "chain",
                error,
                "see whether the URL of --rpc is right, the node runs, and no firewall is between",
            )),
        },
    }
    let connected = connected.as_ref().map(|(provider, id)| (provider, *id));
    findings.push(match (&deployment, connected) {
        (Err(error), _) => Finding::fail("contracts", error, "name the record of the market's deployment"),
        (Ok(None), _) => Finding::skipped("contracts", "name --deployment"),
        (Ok(Some(_)), None) => Finding::skipped("contracts", "they need a chain that answers"),
        (Ok(Some(deployment)), Some(chain)) => contracts(deployment, chain).await,
    });
    let key = named.key_file.as_deref().map(|file| keys::wallet(file, named.password_file.as_deref()));
    let account = match key {
        None => Err(Finding::skipped("key", "name --key-file")),
        Some(Err(error)) => Err(Finding::fail("key", error, "make one with `cast wallet new DIR`, or mend this one")),
        Some(Ok(signer)) => Ok(signer.address()),
    };
    findings.push(account.clone().map_or_else(|finding| finding, |account| Finding::ok("key", account)));
    findings.push(match (account, deployment, connected) {
        (Ok(account), Ok(Some(deployment)), Some((provider, _))) => balance(account, &deployment, provider).await,
        _ => Finding::skipped("balance", "it needs key, deployment and a chain that answers"),
    });
    (findings, told)
}

async fn reached(rpc: alloy::transports::http::reqwest::Url) -> Result<(DynProvider, u64, Told), rent::Error> {
    let provider = provider(rpc);
    let id = provider.get_chain_id().await.map_err(refused("its id"))?;
    let block = provider.get_block_by_number(BlockNumberOrTag::Latest).await.map_err(refused("its newest block"))?;
    let theirs = Duration::from_secs(block.map_or(0, |block| block.header.timestamp));
    Ok((provider, id, Told { theirs, ours: crate::clock::now() }))
}

/// Whether there is code where the record says.
async fn contracts(deployment: &Deployment, (provider, id): (&DynProvider, u64)) -> Finding {
    const NAME: &str = "contracts";
    let remedy = "name the record and the RPC of the same market";
    if let Err(error) = deployment.require_chain(id) {
        return Finding::fail(NAME, error, remedy);
    }
    let Deployment { token, access_manager, rentals, bonds, scores, .. } = deployment;
    let named =
        [("token", token), ("manager", access_manager), ("Rentals", rentals), ("Bonds", bonds), ("Scores", scores)];
    for (name, address) in named {
        match provider.get_code_at(*address).await.map_err(refused("a contract's code")) {
            Err(error) => return Finding::fail(NAME, error, "ask again; if it stays so, use another RPC"),
            Ok(code) if code.is_empty() => {
                return Finding::fail(NAME, format!("no contract at {address} ({name})"), remedy);
            }
            Ok(_) => {}
        }
    }
    let development = setup::market(deployment) == Market::Development;
    Finding::ok(NAME, format!("all there{}", if development { " (development parameters)" } else { "" }))
}

/// What a rental needs of both coins.
async fn balance(account: Address, deployment: &Deployment, provider: &DynProvider) -> Finding {
    const NAME: &str = "balance";
    let looked = async {
        let wei = provider.get_balance(account).await.map_err(refused("a balance"))?;
        let fees = provider.estimate_eip1559_fees().await.map_err(refused("its fees"))?;
        let needed = U256::from(fees.max_fee_per_gas.max(1)) * U256::from(GAS_RENTAL);
        Ok::<_, rent::Error>((wei, needed))
    };
    let token = TestToken::new(deployment.token, provider);
    let ((wei, needed), tokens) = match (looked.await, token.balanceOf(account).call().await) {
        (Ok(looked), Ok(tokens)) => (looked, tokens),
        (Err(error), _) => return Finding::fail(NAME, error, "ask again; if it stays so, use another RPC"),
        (_, Err(_)) => return Finding::fail(NAME, "the token says no balance", "name the market's own deployment"),
    };
    let found = format!("{} ether, {tokens} token units", format_ether(wei));
    let lacks = match (wei < needed, tokens.is_zero()) {
        (false, false) => return Finding::ok(NAME, found),
        (true, false) => format!("{} ether for a rental's gas", format_ether(needed)),
        (false, true) => "token units for a rental's deposit".to_owned(),
        (true, true) => format!("{} ether for a rental's gas, and token units for its deposit", format_ether(needed)),
    };
    Finding::fail(NAME, found, format!("send {account} at least {lacks}"))
}

#[cfg(test)]
mod tests {
    use super::{super::State, *};

    #[test]
    fn an_oracle_is_known_by_its_front_page() {
        let uri: Uri = "http://h:1".parse().unwrap();
        let own = env!("CARGO_PKG_VERSION");
        let page = format!("gpux-oracle {own}, development parameters: is this rented machine what it claims to be?");
        let found = introduced(&uri, &page);
        assert_eq!((found.state, found.found), (State::Ok, format!("version {own}, development parameters")));
        assert_eq!(introduced(&uri, "gpux-oracle 99.0.0, x: y").state, State::Warn);
        assert_eq!(introduced(&uri, "<html>").state, State::Fail);
    }
}
