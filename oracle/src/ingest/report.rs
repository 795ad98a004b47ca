//! Checks what a report says by itself and against what is known: signatures, offer, terms, note, times, outcome.
//!
//! Owns the order of the checks, cheapest first, so that a flood of nonsense costs hashes and not examinations. Never
//! looks into the bundle (see `evidence`). Its invariant: what passes is about a rental that this fisher paid for.

use alloy::primitives::Address;
use gpux_kernels::probe::ProbeId;
use gpux_proto::{
    bundle::BUNDLE_BYTES_MAX,
    bytes::{self, array, present},
    evidence::{DeviceKind, Outcome, Probe, Report, Signed, Step, Terms},
    signing::{self, Domain},
};

use super::{
    Refusal, node,
    rules::{CLOCK_SKEW_SECS, REPORT_BYTES_MAX, Rules, bounded, not_ahead, text},
};
use crate::store::Rental;

/// The longest detail, in bytes.
const DETAIL_BYTES_MAX: usize = 512;
/// The longest name of a model, in bytes.
const MODEL_BYTES_MAX: usize = 64;
/// The most windows.
const WINDOWS_MAX: usize = 64;
/// The longest session.
const SESSION_SECS_MAX: u64 = 86_400;
/// 1 in 64ths.
const ONE: u32 = 64;

/// A report whose fields have the right sizes.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) id: [u8; 32],
    pub(super) report: Report,
    pub(super) fisher: Address,
    pub(super) report_key: [u8; 32],
    pub(super) node: [u8; 32],
    pub(super) rental: [u8; 32],
    pub(super) bundle_digest: Option<[u8; 32]>,
    pub(super) probe: ProbeId,
    pub(super) start_us: u64,
    pub(super) end_us: u64,
}

/// Reads a report and checks sizes, places and times.
pub(super) fn decode(signed: &Signed, bundle: &[u8], rules: &Rules, now: u64) -> Result<Decoded, Refusal> {
    bounded("report", signed.payload.len(), REPORT_BYTES_MAX)?;
    bounded("bundle", bundle.len(), BUNDLE_BYTES_MAX)?;
    let report: Report = signing::open(Domain::Report, signed)?;
    rules.here("report", report.chain_id, &report.rentals, rules.deployment.rentals)?;
    let probe = Probe::try_from(report.probe).map_err(|_| malformed("report.probe is unknown"))?;
    let probe = ProbeId::try_from(probe).map_err(|_| malformed("report.probe is unspecified"))?;
    let (start_us, end_us) = times(&report, now)?;
    limits(&report)?;
    let decoded = Decoded {
        id: signing::id(Domain::Report, &signed.payload),
        fisher: array::<20>("report.fisher", &report.fisher)?.into(),
        report_key: array("report.report_key", &report.report_key)?,
        node: array("report.node", &report.node)?,
        rental: array("report.rental", &report.rental)?,
        bundle_digest: bytes::optional("report.bundle_digest", &report.bundle_digest)?,
        probe,
        start_us,
        end_us,
        report,
    };
    outcome(&decoded)?;
    device(&decoded, rules)?;
    Ok(decoded)
}

/// Checks offer, terms and note: that the rental is one of this node by this offer, and tied to this fisher.
pub(super) fn bindings(decoded: &Decoded, rules: &Rules) -> Result<(), Refusal> {
    let report = &decoded.report;
    let signed_offer = present("report.offer", &report.offer)?;
    node::offer(signed_offer, rules)?;
    let terms = present("report.terms", &report.terms)?;
    let offer = present("report.offer.offer", &signed_offer.offer)?;
    let taken = present("report.terms.offer", &terms.offer)?;
    let (paid, asked) = (rate(taken)?, rate(offer)?);
    if paid < asked {
        return Err(Refusal::RentalBelowOffer { paid, asked });
    }
    if taken != offer {
        return Err(foreign("its terms contain another offer than the report"));
    }
    if offer.node != decoded.node {
        return Err(foreign("its offer is of another node than the report"));
    }
    if signing::rental_id(terms)? != decoded.rental {
        return Err(foreign("its terms have another id"));
    }
    note(decoded, terms, rules)
}

/// Compares with the rental that the finalised chain has.
pub(super) fn on_chain(decoded: &Decoded, rental: &Rental) -> Result<(), Refusal> {
    let terms = present("report.terms", &decoded.report.terms)?;
    if rental.node != decoded.node {
        return Err(foreign("on chain it is of another node"));
    }
    if terms.note != rental.note {
        return Err(foreign("on chain it has another note"));
    }
    let asked = rate(present("report.terms.offer", &terms.offer)?)?;
    if rental.rate < asked {
        return Err(Refusal::RentalBelowOffer { paid: rental.rate, asked });
    }
    // A session before its rental cannot have been paid by it.
    if (decoded.start_us / 1_000_000).saturating_add(CLOCK_SKEW_SECS) < rental.start {
        return Err(foreign("it started after the session"));
    }
    Ok(())
}

/// The note ties the rental to the fisher: evidence that another one paid for cannot be reported.
fn note(decoded: &Decoded, terms: &Terms, rules: &Rules) -> Result<(), Refusal> {
    let salt = array("report.note_salt", &decoded.report.note_salt)?;
    let court = Address::from(array::<20>("report.court", &decoded.report.court)?);
    let expected = signing::note(rules.deployment.chain_id, rules.deployment.court, decoded.fisher, salt);
    if court != rules.deployment.court || terms.note != expected {
        return Err(Refusal::NoteMismatch(decoded.fisher));
    }
    Ok(())
}

fn times(report: &Report, now: u64) -> Result<(u64, u64), Refusal> {
    let start = node::micros("report.start_time", &report.start_time)?;
    let end = node::micros("report.end_time", &report.end_time)?;
    not_ahead("report.start_time", start / 1_000_000, now)?;
    not_ahead("report.end_time", end / 1_000_000, now)?;
    if end < start || (end - start) / 1_000_000 > SESSION_SECS_MAX {
        return Err(malformed("the report ends before it starts, or more than a day later"));
    }
    Ok((start, end))
}

fn limits(report: &Report) -> Result<(), Refusal> {
    text("report.detail", &report.detail, DETAIL_BYTES_MAX)?;
    text("report.claimed_model", &report.claimed_model, MODEL_BYTES_MAX)?;
    bytes::optional::<32>("report.relay", &report.relay)?;
    if report.measurement.as_ref().is_some_and(|m| m.windows.is_empty() || m.windows.len() > WINDOWS_MAX) {
        return Err(malformed("report.measurement.windows has no entry or too many"));
    }
    Ok(())
}

/// Checks that outcome, step, x and bundle do not contradict each other.
fn outcome(decoded: &Decoded) -> Result<(), Refusal> {
    let report = &decoded.report;
    let step = Step::try_from(report.step).map_err(|_| malformed("report.step is unknown"))?;
    let x = (report.x_lower, report.x_upper);
    let opened = decoded.bundle_digest.is_some();
    let fits = match report.outcome() {
        Outcome::Unspecified => return Err(malformed("report.outcome is unspecified or unknown")),
        Outcome::Pass => {
            step == Step::Unspecified && opened && report.wrong == 0 && x.0 <= x.1 && x.1 <= ONE && x.1 - x.0 <= 1
        }
        // Only after OPEN is a failure the host's: whoever never opened a session proves nothing.
        Outcome::Fail => opened && x == (0, 0) && step >= Step::Prepare,
        Outcome::Inconclusive => x == (0, ONE) && step != Step::Unspecified && report.wrong == 0,
    };
    if fits { Ok(()) } else { Err(malformed("outcome, step, x, wrong and bundle of the report contradict each other")) }
}

fn device(decoded: &Decoded, rules: &Rules) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::DeviceRefused(why.to_owned()));
    match (DeviceKind::try_from(decoded.report.device), decoded.probe.on_host()) {
        (Err(_) | Ok(DeviceKind::Unspecified), _) => refused("its kind is unknown"),
        (Ok(DeviceKind::Simulated), _) if !rules.development() => {
            refused("a simulated device is accepted in a development market only")
        }
        (Ok(DeviceKind::Cpu), false) => refused("a probe of GPUs ran on the CPU"),
        (Ok(DeviceKind::Cuda | DeviceKind::Simulated), true) => refused("a probe of the host ran on a GPU"),
        _ => Ok(()),
    }
}

fn rate(offer: &gpux_proto::evidence::Offer) -> Result<u128, Refusal> {
    offer.rate.parse().map_err(|_| malformed("offer.rate is no decimal number"))
}

fn malformed(why: &str) -> Refusal {
    Refusal::Malformed(why.to_owned())
}

fn foreign(why: &str) -> Refusal {
    Refusal::RentalForeign(why.to_owned())
}
