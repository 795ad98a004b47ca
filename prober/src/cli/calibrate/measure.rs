//! Runs the suite on each device of this machine, one at a time, and signs what it reached.
use crate::{
    cli::output::Progress,
    suite::{self, Length, Machine, OF_CARDS, Suite},
};
use anyhow::{Context as _, bail};
use gpux_contracts::keys;
use gpux_kernels::{
    Digest,
    calibration::{Contribution, File, Measured, kernels_digest},
    device::cuda,
    evidence::{Expectation, measure},
    probe::ProbeId,
};
use gpux_proto::signing::SigningKey;
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

/// Of the machine itself: a disk has no model that anybody could compare.
const OF_HOST: [ProbeId; 2] = [ProbeId::Cpu, ProbeId::Ram];
/// What tells this machine from others.
const MACHINE_FILES: [&str; 2] = ["/etc/machine-id", "/proc/sys/kernel/hostname"];
const DAY: Duration = Duration::from_secs(86_400);

type Rates = BTreeMap<ProbeId, u64>;

/// What is measured, known before anything is.
#[derive(Debug)]
pub(super) struct Plan {
    suite: Suite,
    places: Vec<Place>,
}

/// The machine itself, or one of its cards.
#[derive(Debug)]
struct Place {
    model: String,
    /// A card's number and bus.
    card: Option<(usize, String)>,
    probes: Vec<ProbeId>,
}

/// The devices of one model.
#[derive(Debug)]
struct Model {
    name: String,
    on_host: bool,
    devices: Vec<(Digest, Rates)>,
}

impl Plan {
    /// Looks at the machine: which of its devices have probes that were asked for.
    pub(super) fn of(asked: &[ProbeId], folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.canonicalize().with_context(|| format!("folder {}", folder.display()))?;
        let machine = Machine::look();
        let wanted = |probe: &ProbeId| asked.is_empty() || asked.contains(probe);
        let model = format!("{}, {} threads", machine.processor, machine.threads);
        let host = Place { model, card: None, probes: OF_HOST.into_iter().filter(wanted).collect() };
        let of_cards: Vec<ProbeId> = OF_CARDS.into_iter().filter(wanted).collect();
        let places: Vec<_> =
            std::iter::once(host).chain(cards(&of_cards)).filter(|place| !place.probes.is_empty()).collect();
        if places.is_empty() {
            bail!("nothing to measure: {}", machine.cards.err().unwrap_or_else(|| "no probe was asked for".into()));
        }
        Ok(Self { suite: Suite { length: Length::Full, folder, card: None }, places })
    }

    /// The models of which there will be a file; one that has several devices comes several times.
    pub(super) fn models(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|place| place.model.as_str())
    }

    /// Measures each device alone, and signs: a card beside others that work is as fast as their common power and heat
    /// allow, and that is the machine's and not the model's. A file a model.
    pub(super) async fn run(self, key_file: &Path) -> anyhow::Result<Vec<File>> {
        let owner = SigningKey::from_bytes(&keys::ed25519_or_create(key_file)?);
        let mut models: Vec<Model> = Vec::new();
        for Place { model, card, probes } in self.places {
            let (at, bus) = card.unzip();
            let suite = Suite { card: at, ..self.suite.clone() };
            let device = (device_id(&owner, bus.as_deref().unwrap_or("host")), rates(&suite, &probes).await?);
            match models.iter_mut().find(|known| known.name == model) {
                Some(known) => known.devices.push(device),
                None => models.push(Model { name: model, on_host: bus.is_none(), devices: vec![device] }),
            }
        }
        let driver = driver();
        models.into_iter().map(|model| signed(model, &driver, &owner)).collect()
    }
}

fn signed(Model { name, on_host, devices }: Model, driver: &str, owner: &SigningKey) -> anyhow::Result<File> {
    let driver = if on_host { "none" } else { driver }.to_owned();
    let measured = Measured { date: date(crate::clock::now()), driver, kernels: kernels_digest(on_host)?, devices };
    Ok(File::new(&name, Contribution::sign(&name, measured, owner)?)?)
}

/// The cards that the catalogue knows: another one has nothing to be calibrated.
fn cards(asked: &[ProbeId]) -> Vec<Place> {
    let found = cuda::devices().unwrap_or_default();
    let known = found.iter().map(|card| card.properties()).enumerate().filter_map(|(at, card)| {
        let model = suite::find(&card.name).ok()?;
        let probes = asked.iter().copied().filter(|probe| model.figure(*probe).is_some()).collect();
        Some(Place { model: model.name.clone(), card: Some((at, card.bus.clone())), probes })
    });
    known.collect()
}

/// Runs probes and takes their median rates. A wrong result ends it: such a device is no reference.
async fn rates(suite: &Suite, probes: &[ProbeId]) -> anyhow::Result<Rates> {
    let progress = Progress::start(probes.len() as u64, false);
    let mut rates = Rates::new();
    for probe in probes {
        let ran =
            suite.run(*probe, &*progress.watch(probe.to_string())).await.with_context(|| format!("probe {probe}"))?;
        let found = &ran.held.examination;
        let ended = ran.held.failure.as_ref().map(|failure| failure.detail.clone());
        let ended = ended.or_else(|| found.failure.as_ref().map(|failure| failure.detail.clone()));
        if let Some(detail) = ended.or_else(|| found.first_unsound().map(|check| check.detail.clone())) {
            bail!("probe {probe}: {detail}");
        }
        let nothing = Expectation { probe: *probe, rate: 0.0, bytes: 0.0, calibrated: false, model: String::new() };
        rates.insert(*probe, measure(found, &nothing).measurement.map_or(0, |figures| figures.rate));
        progress.step();
    }
    progress.finish();
    Ok(rates)
}

/// A number that tells the owner's devices apart and tells nobody else anything.
fn device_id(owner: &SigningKey, place: &str) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("gpux/calibration/device/1");
    hasher.update(owner.verifying_key().as_bytes());
    for file in MACHINE_FILES {
        hasher.update(&fs::read(file).unwrap_or_default()).update(&[0]);
    }
    hasher.update(place.as_bytes());
    *hasher.finalize().as_bytes()
}

fn driver() -> String {
    let found = cuda::devices().unwrap_or_default();
    found.first().map_or_else(
        || "none".to_owned(),
        |card| format!("CUDA {}.{}", card.properties().driver.0, card.properties().driver.1),
    )
}

/// The day in the proleptic Gregorian calendar, UTC (Hinnant, "chrono-compatible low-level date algorithms",
/// civil_from_days, for days since 1970).
fn date(since_1970: Duration) -> String {
    let days = since_1970.as_secs() / DAY.as_secs() + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        let of = |seconds: u64| date(Duration::from_secs(seconds));
        assert_eq!(of(0), "1970-01-01");
        assert_eq!(of(951_782_400), "2000-02-29");
        assert_eq!(of(1_795_651_199), "2026-11-25");
        assert_eq!(of(4_107_542_400), "2100-03-01");
    }

    #[test]
    fn devices_are_told_apart_and_owners_not_linked() {
        let (one, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        assert_eq!(device_id(&one, "0000:65:00"), device_id(&one, "0000:65:00"));
        assert_ne!(device_id(&one, "0000:65:00"), device_id(&one, "0000:66:00"));
        assert_ne!(device_id(&one, "0000:65:00"), device_id(&other, "0000:65:00"));
    }
}
