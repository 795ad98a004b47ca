//! Re-checks one bundle file.
//!
//! Owns the limit on the file and the judgement in words. A bundle convicts by two wrong drawn units under sound checks and
//! nothing less: a stall or a refusal may be a network's fault, one wrong unit a flipped bit.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use gpux_contracts::Deployment;
use gpux_kernels::{
    evidence::{self, Depth, Examination, Rules},
    plan::Market,
    release::Release,
};
use gpux_proto::{
    bundle::{self, BUNDLE_BYTES_MAX},
    bytes::{self, to_hex},
    evidence::{Bundle, Descriptor, DeviceKind},
    signing::{self, Domain},
};
use serde::Serialize;

/// Why a file cannot be examined.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is larger than any bundle.
    #[error("{0} is larger than {BUNDLE_BYTES_MAX} bytes and no bundle")]
    Oversized(PathBuf),
    /// The file is empty.
    #[error("{0} is empty")]
    Empty(PathBuf),
    /// The file is no bundle.
    #[error(transparent)]
    Malformed(#[from] bundle::Error),
}

/// What a bundle shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The bundle's id, as reports name it.
    pub bundle: String,
    /// The node, if the bundle names one.
    pub node: Option<String>,
    /// The rental in which the session ran, if the bundle names one.
    pub rental: Option<String>,
    /// The market whose rules were applied, in words.
    pub market: &'static str,
    pub checks: Vec<Check>,
    pub probe: Option<&'static str>,
    /// The kind of device that answered.
    pub device: Option<&'static str>,
    /// Units drawn.
    pub drawn: u32,
    /// The drawn units whose bits are wrong.
    pub wrong: Vec<u64>,
    /// Where and how the host failed.
    pub failure: Option<Failure>,
    pub convicts: bool,
    /// The judgement and its reason.
    pub judgement: String,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: &'static str,
    pub holds: bool,
    pub detail: String,
}

/// The host's failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    pub step: &'static str,
    pub detail: String,
}

/// Examines a file, recomputing every drawn unit. Without a deployment the chain and contract of the bundle's own offer are
/// taken, and the report says so: the session then may be one of any market. `releases` are the accepted ones.
pub fn verify(
    path: &Path,
    market: Market,
    deployment: Option<&Deployment>,
    releases: Vec<Arc<Release>>,
) -> Result<Report, Error> {
    examine(&read(path)?, market, deployment, releases)
}

/// The same of a bundle's bytes.
pub(super) fn examine(
    encoded: &[u8],
    market: Market,
    deployment: Option<&Deployment>,
    releases: Vec<Arc<Release>>,
) -> Result<Report, Error> {
    let bundle = bundle::decode(encoded)?;
    let (rules, place) = rules(&bundle, market, deployment, releases);
    let examination = evidence::examine(&bundle, &rules, Depth::Recompute);
    Ok(report(&bundle, encoded, market, place, examination))
}

/// Reads a bundle's file.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Io { path: path.into(), source };
    let mut encoded = Vec::new();
    File::open(path)
        .and_then(|file| file.take(BUNDLE_BYTES_MAX as u64 + 1).read_to_end(&mut encoded))
        .map_err(failed)?;
    match encoded.len() {
        // Zero bytes decode as an empty message, which would be examined as a bundle without anything.
        0 => Err(Error::Empty(path.into())),
        size if size > BUNDLE_BYTES_MAX => Err(Error::Oversized(path.into())),
        _ => Ok(encoded),
    }
}

fn rules(
    bundle: &Bundle,
    market: Market,
    deployment: Option<&Deployment>,
    releases: Vec<Arc<Release>>,
) -> (Rules, Check) {
    let name = "market";
    if let Some(of) = deployment {
        let rules = Rules { market, chain_id: of.chain_id, rentals: of.rentals.into_array(), releases };
        let detail = format!("examined for chain {} and the deployment's Rentals", of.chain_id);
        return (rules, Check { name, holds: true, detail });
    }
    let offer = bundle.offer.as_ref().and_then(|signed| signed.offer.as_ref());
    let chain_id = offer.map_or(0, |offer| offer.chain_id);
    let rentals = offer.and_then(|offer| bytes::array("offer.rentals", &offer.rentals).ok()).unwrap_or_default();
    let detail = format!(
        "no deployment given: chain {chain_id} and Rentals {} are taken from the bundle itself",
        to_hex(&rentals)
    );
    (Rules { market, chain_id, rentals, releases }, Check { name, holds: true, detail })
}

fn report(bundle: &Bundle, encoded: &[u8], market: Market, place: Check, examination: Examination) -> Report {
    let judgement = judgement(&examination);
    let checks = examination.checks.into_iter().map(|check| Check {
        name: check.name,
        holds: check.holds,
        detail: check.detail,
    });
    Report {
        bundle: to_hex(&signing::id(Domain::Bundle, encoded)),
        node: node(bundle),
        rental: bundle.terms.as_ref().and_then(|terms| signing::rental_id(terms).ok()).map(|id| to_hex(&id)),
        market: match market {
            Market::Development => "development parameters",
            Market::Production => "production parameters",
        },
        checks: [place].into_iter().chain(checks).collect(),
        probe: examination.probe.map(|probe| probe.name()),
        device: examination.device.map(device),
        drawn: examination.drawn,
        wrong: examination.wrong,
        failure: examination
            .failure
            .map(|failure| Failure { step: failure.step.as_str_name(), detail: failure.detail }),
        convicts: examination.convicts,
        judgement,
    }
}

fn judgement(examination: &Examination) -> String {
    if let Some(check) = examination.first_unsound() {
        return format!("does not convict: it is no evidence, since the check \"{}\" does not hold", check.name);
    }
    let (wrong, drawn) = (examination.wrong.len(), examination.drawn);
    if examination.convicts {
        let shown: Vec<_> = examination.wrong.iter().take(4).map(u64::to_string).collect();
        let more = if wrong > shown.len() { ", …" } else { "" };
        return format!(
            "convicts: {wrong} of {drawn} drawn units are wrong ({}{more}), and two are enough",
            shown.join(", ")
        );
    }
    match (&examination.failure, wrong) {
        (_, 1) => format!("does not convict: one of {drawn} drawn units is wrong, which a flipped bit may explain"),
        (Some(failure), _) => format!(
            "does not convict: the host failed at {} ({}), which counts in its score but is no proof",
            failure.step.as_str_name(),
            failure.detail
        ),
        (None, _) => format!("does not convict: all {drawn} drawn units are right"),
    }
}

fn node(bundle: &Bundle) -> Option<String> {
    let descriptor: Descriptor = signing::open(Domain::Descriptor, bundle.descriptor.as_ref()?).ok()?;
    (descriptor.node.len() == 32).then(|| to_hex(&descriptor.node))
}

fn device(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Unspecified => "unknown",
        DeviceKind::Cuda => "CUDA",
        DeviceKind::Cpu => "CPU",
        DeviceKind::Simulated => "simulated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;

    fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bundle");
        std::fs::write(&path, content).unwrap();
        (directory, path)
    }

    #[test]
    fn what_is_no_bundle_is_an_error_and_not_an_acquittal() {
        let of = |content: &[u8]| {
            let (_directory, path) = file(content);
            verify(&path, Market::Development, None, vec![])
        };
        assert!(matches!(of(&[]), Err(Error::Empty(_))));
        assert!(matches!(of(&[0xff; 100]), Err(Error::Malformed(_))));
        assert!(matches!(of(&vec![0; BUNDLE_BYTES_MAX + 1]), Err(Error::Oversized(_))));
        assert!(matches!(verify(Path::new("/no/such/file"), Market::Development, None, vec![]), Err(Error::Io { .. })));
    }

    #[test]
    fn a_bundle_with_nothing_in_it_does_not_convict_and_says_why() {
        let (_directory, path) = file(&Bundle { release: vec![0; 32], ..Bundle::default() }.encode_to_vec());
        let report = verify(&path, Market::Production, None, vec![]).unwrap();
        assert!(!report.convicts);
        assert!(report.checks.iter().any(|check| !check.holds), "{report:?}");
        assert!(report.judgement.starts_with("does not convict: it is no evidence"), "{}", report.judgement);
    }

    #[test]
    fn one_wrong_unit_does_not_convict_and_two_do() {
        let of = |wrong: Vec<u64>, convicts| {
            judgement(&Examination { drawn: 24, wrong, convicts, ..Examination::default() })
        };
        assert_eq!(of(vec![7, 9], true), "convicts: 2 of 24 drawn units are wrong (7, 9), and two are enough");
        assert!(of(vec![7], false).starts_with("does not convict: one of 24"));
        assert_eq!(of(vec![], false), "does not convict: all 24 drawn units are right");
    }
}
