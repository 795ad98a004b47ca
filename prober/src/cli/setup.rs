//! Opens what the commands need: keys, deployment, chain, journal, worker. Fails before anything costs money.
use super::wallet::{Party, Wallet};
use crate::{
    fisher,
    rent::{Chain, Journal, Purse, Spending},
};
use anyhow::{Context as _, bail};
use gpux_contracts::{Deployment, keys};
use gpux_kernels::{
    plan::Market,
    release::{RELEASE_BYTES_MAX, Release},
};
use std::{fs::File, io::Read as _, path::Path, sync::Arc};

/// The chain with the fisher's key.
pub(super) async fn chain(party: &Party) -> anyhow::Result<Chain> {
    let deployment = Deployment::read(&party.deployment)?;
    let signer = keys::wallet(&party.key_file, party.password_file.as_deref())?;
    Ok(Chain::connect(party.rpc.clone(), deployment, signer).await?)
}

/// The purse of a command.
pub(super) async fn purse(wallet: &Wallet, data: &Path, batch: usize) -> anyhow::Result<Purse> {
    let chain = chain(&wallet.party).await?;
    let files = (Journal::open(data)?, Spending::open(data));
    Ok(Purse::new(chain, files, batch, wallet.deposit_max))
}

/// The released worker, of which each session uploads a variant. One that cannot be built is found out here.
pub(super) fn release(path: &Path) -> anyhow::Result<Arc<Release>> {
    let named = || format!("worker {}", path.display());
    let mut bytes = Vec::new();
    let limit = RELEASE_BYTES_MAX as u64 + 1;
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).with_context(named)?;
    let release = Release::new(bytes).with_context(named)?;
    fisher::build(&release).with_context(named)?;
    Ok(Arc::new(release))
}

/// Which rules the deployment has.
pub(super) fn market(deployment: &Deployment) -> Market {
    if deployment.development { Market::Development } else { Market::Production }
}

/// A market with development parameters must be asked for by name, and no other may be called one.
pub(super) fn agrees(deployment: &Deployment, development: bool) -> anyhow::Result<()> {
    match (deployment.development, development) {
        (true, false) => bail!("the deployment has development parameters: pass --development"),
        (false, true) => bail!("the deployment has no development parameters: leave --development out"),
        _ => Ok(()),
    }
}
