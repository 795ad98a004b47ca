//! Fetches what a provider is accused with, before its seal ends: by an opening in his own name.
//!
//! The oracle says which bundle a case is about; what it means is for `gpux-oracle verify-evidence` to say.
use crate::{
    cli::{Bundle, output},
    clock,
};
use anyhow::{Context as _, Result, ensure};
use gpux_contracts::{Deployment, court, keys, opening};
use gpux_proto::{
    bundle::BUNDLE_BYTES_MAX,
    bytes::to_hex,
    oracle::{GetBundleRequest, evidence_service_client::EvidenceServiceClient},
    signing::{self, Domain},
};
use std::{fs::File, io::Write as _, time::Duration};
use tonic::transport::Endpoint;

/// A bundle, and what is around it.
const ANSWER_BYTES_MAX: usize = BUNDLE_BYTES_MAX + (64 << 10);
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);

/// Asks for the bundle and writes it to a file.
pub(crate) async fn fetch(Bundle { step, oracle, to }: Bundle) -> Result<()> {
    let party = &step.party;
    let (case, deployment) = (court::id(&step.case)?, Deployment::read(&party.deployment)?);
    let provider = keys::wallet(&party.provider_key_file, party.provider_password_file.as_deref())?;
    let opening = Some(opening(case, &provider, &deployment, clock::unix().as_secs())?);
    let endpoint = Endpoint::from_shared(oracle).context("--oracle is no URL")?;
    let channel = endpoint.connect_timeout(CONNECT).timeout(ANSWER).connect().await.context("the oracle is away")?;
    let mut client = EvidenceServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX);
    let request = GetBundleRequest { digest: format!("cases/{case}"), opening };
    let answer = client.get_bundle(request).await;
    let answer = answer.map_err(|status| anyhow::anyhow!("the oracle does not show it: {}", status.message()))?;
    let bundle = answer.into_inner().bundle;
    ensure!(!bundle.is_empty(), "the oracle shows an empty bundle");
    File::create_new(&to).and_then(|mut file| file.write_all(&bundle)).with_context(|| to.display().to_string())?;
    output::text(&format!("bundle {}\n", to_hex(&signing::id(Domain::Bundle, &bundle))));
    Ok(())
}
