//! The descriptor: what the node says it is.
use super::Error;
use crate::clock;
use gpux_proto::{
    evidence::{Descriptor, Gpu, Host, Signed},
    signing::{self, Domain, SigningKey},
};

/// The longest endpoint that the format takes.
pub(super) const ENDPOINT_BYTES_MAX: usize = 256;

/// What is claimed of the machine.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// The models, as the catalogue names them.
    pub gpus: Vec<Gpu>,
    /// Everything else; absent when nothing is claimed.
    pub host: Option<Host>,
}

/// Signs a descriptor of these claims.
pub fn describe(
    key: &SigningKey,
    provider: [u8; 20],
    endpoint: String,
    organisation: Option<[u8; 32]>,
    claims: Claims,
) -> Result<Signed, Error> {
    if endpoint.len() > ENDPOINT_BYTES_MAX {
        return Err(Error::Endpoint(endpoint.len()));
    }
    let now = clock::unix();
    let descriptor = Descriptor {
        node: key.verifying_key().to_bytes().to_vec(),
        endpoint,
        provider: provider.to_vec(),
        organisation: organisation.map(Vec::from).unwrap_or_default(),
        gpus: claims.gpus,
        host: claims.host,
        // Rises from one start of the node to the next without a file that could be lost.
        sequence: now.as_millis() as u64,
        issue_time: Some(clock::timestamp(now)),
    };
    Ok(signing::sign(Domain::Descriptor, &descriptor, key))
}
