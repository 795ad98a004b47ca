use proptest::prelude::*;

use super::*;

fn imma(n: u32, k: u32, tile: u32) -> Parameters {
    Parameters { probe: ProbeId::Imma, shape: Shape::Imma { n, k, tile }, scale: 1 }
}

fn fma(lanes: u32, steps: u32) -> Parameters {
    Parameters { probe: ProbeId::Fma64, shape: Shape::Fma64 { lanes, steps }, scale: 1 }
}

fn vram(cells: u64, walkers: u32, steps: u32, hard: u32) -> Parameters {
    Parameters { probe: ProbeId::Vram, shape: Shape::Vram { cells, walkers, steps, hard }, scale: 1 }
}

#[test]
fn numbers_and_names_are_stable() {
    let names = ["imma", "hmma", "fma32", "fma64", "dp4a", "vram", "stream", "link", "cpu", "ram", "disk", "net"];
    for (number, name) in (1u8..).zip(names) {
        let probe = ProbeId::try_from(number).unwrap();
        assert_eq!((probe.name(), probe.number()), (name, number));
        assert_eq!(name.parse::<ProbeId>().unwrap(), probe);
    }
    assert_eq!(ProbeId::try_from(0), Err(Error::UnknownNumber(0)));
    assert_eq!(ProbeId::try_from(13), Err(Error::UnknownNumber(13)));
    assert!("IMMA".parse::<ProbeId>().is_err());
}

#[test]
fn every_bound_of_the_envelope_holds() {
    let inside = [
        imma(16_384, 16_384, 128),
        imma(1, 1, 1),
        imma(1_024, 1, 1),
        fma(1 << 20, 1 << 20),
        vram(0, 1, 1, 4),
        vram(1 << 40, 4_096, 8_192, 128),
        vram(1, 1, 1 << 18, 4),
        vram(1, 1, 1, 1 << 20),
    ];
    for parameters in inside {
        assert_eq!(parameters.validate(), Ok(()), "{parameters:?}");
    }
    let outside = [
        imma(0, 1, 1),
        imma(16_385, 1, 128),
        imma(1, 0, 1),
        imma(1, 16_385, 1),
        imma(1, 1, 0),
        imma(1, 1, 129),
        imma(1_025, 1, 1),
        fma(0, 1),
        fma((1 << 20) + 1, 1),
        fma(1, 0),
        fma(1, (1 << 20) + 1),
        vram((1 << 40) + 1, 1, 1, 4),
        vram(1, 0, 1, 4),
        vram(1, 4_097, 1, 4),
        vram(1, 1, 0, 4),
        vram(1, 1, 1, 3),
        vram(1, 1, (1 << 18) + 1, 4),
        vram(1, 1, 1, (1 << 20) + 1),
        Parameters { scale: 0, ..fma(1, 1) },
        Parameters { scale: SCALE_MAX + 1, ..fma(1, 1) },
    ];
    for parameters in outside {
        assert!(matches!(parameters.validate(), Err(Error::OutOfRange { .. })), "{parameters:?}");
    }
}

#[test]
fn shapes_belong_to_their_probes() {
    for probe in ProbeId::ALL {
        for shape in [imma(1, 1, 1).shape, fma(1, 1).shape, vram(1, 1, 1, 4).shape] {
            let fits = match shape {
                Shape::Imma { .. } => probe == ProbeId::Imma,
                Shape::Fma64 { .. } => matches!(probe, ProbeId::Fma64 | ProbeId::Cpu),
                Shape::Vram { .. } => matches!(probe, ProbeId::Vram | ProbeId::Ram),
            };
            assert_eq!(Parameters { probe, shape, scale: 1 }.validate().is_ok(), fits);
        }
    }
}

#[test]
fn work_is_counted_in_the_claims_unit() {
    assert_eq!(imma(10, 7, 4).work_per_round(), 2 * 10 * 10 * 7);
    assert_eq!(imma(10, 7, 4).units_per_round(), 9);
    assert_eq!(Parameters { scale: 5, ..fma(3, 11) }.work_per_round(), 3 * 11 * 4 * 2 * 2 * 5);
    assert_eq!(Parameters { scale: 2, ..vram(9, 6, 40, 4) }.work_per_round(), 80);
    let all = Parameters { scale: 10, ..vram(0, 1, 1, 4) };
    assert_eq!(all.cells_for(64_000), 100);
    assert_eq!(all.bytes_of_cells(100), 64_000);
    // The largest parameters do not overflow.
    assert!(Parameters { scale: SCALE_MAX, ..imma(16_384, 16_384, 128) }.work_per_round() > 1 << 80);
}

proptest! {
    #[test]
    fn bytes_travel_there_and_back(n in 1u32..1_000, k in 1u32..1_000, cells in 0u64..1 << 40, scale in 1..SCALE_MAX) {
        for base in [imma(n, k, 64), fma(n, k), vram(cells, n, k, 8)] {
            let parameters = Parameters { scale, ..base };
            let bytes = parameters.to_bytes();
            prop_assert_eq!(Parameters::from_bytes(&bytes), Ok(parameters));
            prop_assert!(Parameters::from_bytes(&bytes[..bytes.len() - 1]).is_err());
            prop_assert!(Parameters::from_bytes(&[bytes.as_slice(), &[0]].concat()).is_err());
            prop_assert_ne!(Parameters { scale: scale + 1, ..parameters }.digest(), parameters.digest());
        }
    }

    #[test]
    fn hostile_bytes_are_refused_or_valid(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(parameters) = Parameters::from_bytes(&bytes) {
            prop_assert_eq!(parameters.validate(), Ok(()));
            prop_assert_eq!(parameters.to_bytes(), bytes);
        }
    }
}

#[test]
fn other_versions_are_refused() {
    let mut bytes = imma(1, 1, 1).to_bytes();
    bytes[0] = 2;
    assert_eq!(Parameters::from_bytes(&bytes), Err(Error::Malformed(bytes.len())));
}
