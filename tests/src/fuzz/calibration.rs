//! Calibration files: any text, and contributions in which owners sign whatever they like.

use arbitrary::{Arbitrary, Unstructured};
use gpux_kernels::{
    ProbeId,
    calibration::{Contribution, File, Measured, kernels_digest},
};
use gpux_proto::signing::SigningKey;
use std::collections::BTreeMap;

/// A model of the catalogue, one that is none (a processor), and a name that is no line of text.
const MODELS: [&str; 3] = ["GeForce RTX 3090", "a processor, 8 threads", "a\nb"];
/// The most owners and devices of an input: a reference needs 3 owners and 20 devices.
const OWNERS_MAX: usize = 4;
const DEVICES_MAX: usize = 24;

#[derive(Arbitrary, Debug)]
struct Signed {
    model: u8,
    owner: u8,
    date: String,
    driver: String,
    /// Whether these kernels were measured, or others.
    ours: bool,
    devices: Vec<(u8, Vec<(u8, u64)>)>,
}

/// The first byte says whether the rest is a file or what owners sign.
pub(super) fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    if kind % 2 == 0 {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Ok(file) = File::parse(text) {
            accepted(&file);
        }
        return;
    }
    let Ok(signed) = Unstructured::new(bytes).arbitrary::<Vec<Signed>>() else { return };
    let files = signed.into_iter().take(OWNERS_MAX).filter_map(sign);
    let joined = files.reduce(|joined, file| joined.clone().merge(file).unwrap_or(joined));
    if let Some(file) = joined {
        accepted(&file);
    }
}

/// What a file keeps that was accepted.
fn accepted(file: &File) {
    let text = file.to_text().expect("what was read can be written");
    assert_eq!(File::parse(&text).as_ref(), Ok(file), "a file is read as it was written");
    assert_eq!(file.clone().merge(file.clone()).as_ref(), Ok(file), "what stands in both counts once");
    for probe in file.probes() {
        let Ok(reference) = file.reference(probe) else { continue };
        let rates = || file.contribution.iter().flat_map(|by| &by.device).filter_map(|device| device.rates.get(&probe));
        assert!(rates().any(|rate| *rate == reference), "a reference is a rate of a device");
        assert!(rates().filter(|rate| **rate < reference).count() * 20 < rates().count(), "one in twenty is slower");
    }
    let forged = text.replacen("driver = \"", "driver = \"x", 1);
    assert!(forged == text || File::parse(&forged).is_err(), "what an owner signed cannot be changed");
}

fn sign(signed: Signed) -> Option<File> {
    let model = MODELS[usize::from(signed.model) % MODELS.len()];
    let rates = |rates: Vec<(u8, u64)>| {
        let known = rates.into_iter().filter_map(|(probe, rate)| Some((ProbeId::try_from(probe).ok()?, rate)));
        known.collect::<BTreeMap<_, _>>()
    };
    let devices = signed.devices.into_iter().take(DEVICES_MAX);
    let measured = Measured {
        date: signed.date,
        driver: signed.driver,
        kernels: if signed.ours { kernels_digest(model != MODELS[0]).ok()? } else { [7; 32] },
        devices: devices.map(|(id, of)| ([id; 32], rates(of))).collect(),
    };
    let owner = SigningKey::from_bytes(&[signed.owner % 8; 32]);
    File::new(model, Contribution::sign(model, measured, &owner).ok()?).ok()
}

/// A file of one owner, and the signatures of three over 21 devices.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let of = |owner: u8, devices: std::ops::Range<u8>| Signed {
        model: 0,
        owner,
        date: "2026-11-25".into(),
        driver: "CUDA 12.9".into(),
        ours: true,
        devices: devices.map(|id| (id, vec![(ProbeId::Imma.number(), 171_000_000_000_000)])).collect(),
    };
    let file = sign(of(1, 0..2)).and_then(|file| file.to_text().ok()).unwrap_or_default();
    let joined = [of(1, 0..7), of(2, 0..7), of(3, 0..7)].into_iter().filter_map(sign);
    let joined = joined.reduce(|joined, file| joined.clone().merge(file).unwrap_or(joined));
    let joined = joined.and_then(|file| file.to_text().ok()).unwrap_or_default();
    let mut dice = super::replay::Dice::new("calibration");
    vec![
        [vec![0], file.into_bytes()].concat(),
        [vec![0], joined.into_bytes()].concat(),
        [vec![1], dice.bytes(400)].concat(),
        [vec![1], dice.bytes(900)].concat(),
    ]
}
