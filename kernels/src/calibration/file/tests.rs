use std::collections::BTreeMap;

use gpux_proto::signing::SigningKey;

use super::super::contribution::Measured;
use super::*;

const HOST: &str = "some processor, 8 threads";
const CARD: &str = "GeForce RTX 3090";

fn owner(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn measured(on_host: bool, devices: impl IntoIterator<Item = (u8, ProbeId, u64)>) -> Measured {
    let device = |(id, probe, rate)| ([id; 32], BTreeMap::from([(probe, rate)]));
    Measured {
        date: "2026-11-25".into(),
        driver: "CUDA 12.9".into(),
        kernels: kernels::digest(on_host).unwrap(),
        devices: devices.into_iter().map(device).collect(),
    }
}

/// `devices` devices of one owner, whose rates go on from `first`.
fn host(by: u8, devices: u8, first: u64) -> File {
    let rates = (0..devices).map(|at| (at, ProbeId::Cpu, first + u64::from(at)));
    File::new(HOST, Contribution::sign(HOST, measured(true, rates), &owner(by)).unwrap()).unwrap()
}

fn joined(files: impl IntoIterator<Item = File>) -> File {
    files.into_iter().reduce(|file, other| file.merge(other).unwrap()).unwrap()
}

#[test]
fn a_file_survives_its_text() {
    let file = joined([host(1, 2, 100), host(2, 3, 50)]);
    let text = file.to_text().unwrap();
    assert_eq!(File::parse(&text).unwrap(), file);
    assert_eq!(file.probes(), BTreeSet::from([ProbeId::Cpu]));
}

#[test]
fn whatever_is_changed_after_the_signature_is_refused() {
    let text = host(1, 2, 1_000).to_text().unwrap();
    for (old, new) in [
        ("cpu = 1000", "cpu = 1001"),
        ("some processor", "another processor"),
        ("2026-11-25", "2026-11-26"),
        ("CUDA 12.9", "CUDA 13.0"),
        ("id = \"0x00", "id = \"0x02"),
        ("cpu = 1000", "ram = 1000"),
    ] {
        let changed = text.replacen(old, new, 1);
        assert_ne!(changed, text, "{old}");
        let refused = File::parse(&changed).unwrap_err();
        assert!(matches!(refused, Error::Signature { .. }), "{old}: {refused}");
    }
    let other = File::parse(&text.replace(&to_hex(&owner(1)), &to_hex(&owner(2)))).unwrap_err();
    assert!(matches!(other, Error::Signature { .. }), "{other}");
}

fn to_hex(key: &SigningKey) -> String {
    gpux_proto::bytes::to_hex(key.verifying_key().as_bytes())
}

#[test]
fn rates_of_other_kernels_are_refused() {
    let mut other = measured(true, [(1, ProbeId::Cpu, 5)]);
    other.kernels = kernels::digest(false).unwrap();
    let signed = Contribution::sign(HOST, other, &owner(1)).unwrap();
    assert!(matches!(File::new(HOST, signed), Err(Error::Kernels { .. })));
}

#[test]
fn a_device_counts_once_and_a_contribution_as_well() {
    let file = host(1, 2, 100);
    let again = file.clone().merge(file.clone()).unwrap();
    assert_eq!(again, file, "the same contribution twice");
    let later = host(1, 1, 200);
    assert!(matches!(file.clone().merge(later), Err(Error::Twice { .. })));
    let doubled = measured(true, [(1, ProbeId::Cpu, 5), (1, ProbeId::Cpu, 5)]);
    let doubled = Contribution::sign(HOST, doubled, &owner(1)).unwrap();
    assert!(matches!(File::new(HOST, doubled), Err(Error::Twice { .. })));
    assert!(joined([file, host(2, 2, 100)]).contribution.len() == 2, "ids are the owner's own");
}

#[test]
fn a_reference_needs_enough_devices_of_enough_owners() {
    let few = |file: File| match file.reference(ProbeId::Cpu) {
        Err(Error::TooFew { devices, owners, .. }) => Some((devices, owners)),
        _ => None,
    };
    assert_eq!(few(host(1, 30, 100)), Some((30, 1)));
    assert_eq!(few(joined([host(1, 5, 100), host(2, 5, 100), host(3, 9, 100)])), Some((19, 3)));
    assert_eq!(few(joined([host(1, 15, 100), host(2, 15, 100)])), Some((30, 2)));
    let enough = joined([host(1, 10, 100), host(2, 5, 90), host(3, 5, 200)]);
    assert_eq!(few(enough.clone()), None);
    // Of 20 the lowest; a probe that nobody measured has none.
    assert_eq!(enough.reference(ProbeId::Cpu), Ok(90));
    assert!(matches!(enough.reference(ProbeId::Ram), Err(Error::TooFew { devices: 0, .. })));
    // Of 40 the second lowest: 90, 91, ...
    assert_eq!(enough.merge(host(4, 20, 300)).unwrap().reference(ProbeId::Cpu), Ok(91));
}

#[test]
fn models_are_not_mixed_and_impossible_rates_are_refused() {
    let card = |rate| Contribution::sign(CARD, measured(false, [(1, ProbeId::Imma, rate)]), &owner(1));
    let paper = catalogue::by_name(CARD).unwrap().imma_ops.unwrap();
    let file = File::new(CARD, card((paper * 0.8) as u64).unwrap()).unwrap();
    assert!(matches!(file.merge(host(1, 1, 5)), Err(Error::OtherModel { .. })));
    for rate in [0, (paper * 1.3) as u64] {
        assert!(matches!(card(rate), Err(Error::Figure { .. })), "{rate}");
    }
    let foreign = Contribution::sign(CARD, measured(false, [(1, ProbeId::Cpu, 5)]), &owner(1));
    assert!(matches!(foreign, Err(Error::Figure { .. })));
    let foreign = Contribution::sign(HOST, measured(true, [(1, ProbeId::Imma, 5)]), &owner(1));
    assert!(matches!(foreign, Err(Error::Figure { .. })));
}

#[test]
fn garbage_is_refused_in_words() {
    let text = host(1, 1, 100).to_text().unwrap();
    let refused = |text: String| File::parse(&text).unwrap_err().to_string();
    assert!(refused(text.replace("format = 1", "format = 2")).contains("format 2 is not known"));
    assert!(refused(text.replace("date", "day")).contains("day"));
    assert!(refused(text.replace("signature = \"0x", "signature = \"0xzz")).contains("signature"));
    assert!(refused("x".repeat(FILE_BYTES_MAX + 1)).contains("larger"));
    for date in ["2026-11-2", "26-11-2026", "2026/11/25"] {
        let measured = Measured { date: date.into(), ..measured(true, [(1, ProbeId::Cpu, 5)]) };
        assert!(Contribution::sign(HOST, measured, &owner(1)).is_err(), "{date}");
    }
}
