use proptest::prelude::*;

use super::*;

fn imma(n: u32, k: u32, tile: u32) -> Parameters {
    Parameters { probe: ProbeId::Imma, shape: Shape::Product { n, k, tile }, scale: 1 }
}

fn fma(lanes: u32, steps: u32) -> Parameters {
    Parameters { probe: ProbeId::Fma64, shape: Shape::Chains { lanes, steps }, scale: 1 }
}

fn vram(cells: u64, walkers: u32, steps: u32, hard: u32) -> Parameters {
    Parameters { probe: ProbeId::Vram, shape: Shape::Walk { cells, walkers, steps, hard }, scale: 1 }
}

fn hmma(n: u32, k: u32, tile: u32) -> Parameters {
    Parameters { probe: ProbeId::Hmma, ..imma(n, k, tile) }
}

fn pass(blocks: u32) -> Parameters {
    Parameters { probe: ProbeId::Stream, shape: Shape::Pass { blocks }, scale: 1 }
}

fn link(blocks: u32, trips: u32) -> Parameters {
    Parameters { probe: ProbeId::Link, shape: Shape::Link { blocks, trips }, scale: 1 }
}

fn pages(pages: u64, walkers: u32, steps: u32) -> Parameters {
    Parameters { probe: ProbeId::Disk, shape: Shape::Pages { pages, walkers, steps }, scale: 1 }
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
        imma(2_048, 1, 1),
        hmma(16_384, 16_384, 128),
        fma(1 << 22, 1 << 20),
        Parameters { probe: ProbeId::Fma32, ..fma(1, 1 << 14) },
        Parameters { probe: ProbeId::Dp4a, ..fma(1, 1 << 20) },
        pass(0),
        pass(1 << 22),
        link(1, 0),
        link(1 << 14, 1 << 17),
        pages(0, 1, 1),
        pages(1 << 34, 4_096, 1 << 12),
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
        imma(2_049, 1, 1),
        hmma(1, 16_385, 1),
        Parameters { probe: ProbeId::Fma32, ..fma(1, (1 << 14) + 1) },
        pass((1 << 22) + 1),
        link(0, 1),
        link((1 << 14) + 1, 1),
        link(1, (1 << 17) + 1),
        pages((1 << 34) + 1, 1, 1),
        pages(1, 4_097, 1),
        pages(1, 0, 1),
        pages(1, 1, (1 << 12) + 1),
        fma(0, 1),
        fma((1 << 22) + 1, 1),
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
        let shapes = [imma(1, 1, 1), fma(1, 1), vram(1, 1, 1, 4), pass(1), link(1, 1), pages(1, 1, 1)];
        for shape in shapes.map(|parameters| parameters.shape) {
            let fits = match shape {
                Shape::Product { .. } => matches!(probe, ProbeId::Imma | ProbeId::Hmma),
                Shape::Chains { .. } => {
                    matches!(probe, ProbeId::Fma32 | ProbeId::Fma64 | ProbeId::Dp4a | ProbeId::Cpu)
                }
                Shape::Walk { .. } => matches!(probe, ProbeId::Vram | ProbeId::Ram),
                Shape::Pass { .. } => probe == ProbeId::Stream,
                Shape::Link { .. } => probe == ProbeId::Link,
                Shape::Pages { .. } => probe == ProbeId::Disk,
            };
            assert_eq!(Parameters { probe, shape, scale: 1 }.validate().is_ok(), fits);
        }
    }
}

#[test]
fn work_is_counted_in_the_claims_unit() {
    assert_eq!(imma(10, 7, 4).work_per_round(0), 2 * 10 * 10 * 7);
    assert_eq!(imma(10, 7, 4).units_per_round(0), 9);
    assert_eq!(Parameters { scale: 5, ..fma(3, 11) }.work_per_round(0), 3 * 11 * 4 * 2 * 2 * 5);
    assert_eq!(Parameters { probe: ProbeId::Fma32, ..fma(3, 11) }.work_per_round(0), 3 * 11 * 8 * 2 * 2);
    assert_eq!(Parameters { probe: ProbeId::Dp4a, ..fma(3, 11) }.work_per_round(0), 3 * 11 * 4 * 4 * 8);
    assert_eq!(Parameters { scale: 2, ..vram(9, 6, 40, 4) }.work_per_round(9), 80);
    assert_eq!((pass(0).work_per_round(3), pass(0).units_per_round(3)), (3 * 2 * 65_536, 3));
    assert_eq!((link(3, 9).work_per_round(0), link(3, 9).units_per_round(0)), (3 * 2 * 65_536, 4));
    assert_eq!((pages(9, 2, 5).work_per_round(9), pages(9, 2, 5).units_per_round(9)), (2 * 5 * 4_096, 2));
    let all = Parameters { scale: 10, ..vram(0, 1, 1, 4) };
    assert_eq!(all.cells_for(64_000), 100);
    assert_eq!(all.bytes_of_cells(100), 64_000);
    // The largest parameters do not overflow.
    assert!(Parameters { scale: SCALE_MAX, ..imma(16_384, 16_384, 128) }.work_per_round(0) > 1 << 80);
}

proptest! {
    #[test]
    fn bytes_travel_there_and_back(n in 1u32..1_000, k in 1u32..1_000, cells in 0u64..1 << 40, scale in 1..SCALE_MAX) {
        let disk = pages(cells % PAGES_MAX, n, k);
        for base in [imma(n, k, 64), hmma(n, k, 7), fma(n, k), vram(cells, n, k, 8), pass(n), link(n, k), disk] {
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

#[test]
fn devices_may_claim_what_their_parameters_leave_open() {
    assert!(vram(0, 1, 1, 4).allows_cells(7) && !vram(0, 1, 1, 4).allows_cells(0));
    assert!(vram(7, 1, 1, 4).allows_cells(7) && !vram(7, 1, 1, 4).allows_cells(6));
    assert!(pass(0).allows_cells(1 << 22) && !pass(0).allows_cells((1 << 22) + 1));
    assert!(imma(1, 1, 1).allows_cells(0) && !imma(1, 1, 1).allows_cells(1) && !link(1, 1).allows_cells(1));
}
