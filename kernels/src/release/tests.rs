use std::collections::HashSet;

use super::*;
use proptest::prelude::{any, proptest};
use vary::tests::{SAMPLE, longest_common, own};

/// As in the worker, but small.
const ROOM: usize = 16 << 10;

pub(crate) fn modules() -> Modules {
    Modules::new(vec![
        Module::new(75, "imma", SAMPLE.replace("sm_80", "sm_75")),
        Module::new(80, "imma", SAMPLE),
        Module::new(80, "vram", SAMPLE),
    ])
}

/// An executable with a region in the middle.
pub(crate) fn released(modules: &Modules) -> Vec<u8> {
    [b"before".repeat(500), region::released(modules, ROOM), b"after".repeat(500)].concat()
}

fn region_of(release: &Release, bytes: &[u8]) -> Vec<u8> {
    bytes[release.place.as_ref().unwrap().0.clone()].to_vec()
}

#[test]
fn variant_zero_is_the_identity() {
    for bytes in [b"worker".to_vec(), released(&modules())] {
        let release = Release::new(bytes.clone()).unwrap();
        let built = release.build(&IDENTITY).unwrap();
        assert_eq!((built.digest, built.release), (*blake3::hash(&bytes).as_bytes(), release.digest()));
        assert_eq!((built.bytes, release.digest_of(&IDENTITY)), (bytes, Ok(built.digest)));
    }
}

#[test]
fn anybody_who_learns_the_variant_builds_the_same_worker() {
    let release = Release::new(released(&modules())).unwrap();
    let again = Release::new(released(&modules())).unwrap();
    for variant in [[1; 32], [2; 32], [0xff; 32]] {
        let built = release.build(&variant).unwrap();
        assert_eq!(built, again.build(&variant).unwrap());
        assert_eq!(again.digest_of(&variant), Ok(*blake3::hash(&built.bytes).as_bytes()));
        assert_eq!((built.digest, built.variant), (again.digest_of(&variant).unwrap(), variant));
        assert_eq!(built.bytes.len(), release.size());
    }
    assert_ne!(release.digest_of(&[1; 32]), release.digest_of(&[2; 32]));
}

#[test]
fn a_worker_reads_what_was_built_into_it() {
    let release = Release::new(released(&modules())).unwrap();
    assert_eq!(region::read(&region_of(&release, &release.bytes)), Ok(modules()));
    let built = release.build(&[1; 32]).unwrap();
    let read = region::read(&region_of(&release, &built.bytes)).unwrap();
    assert_eq!(read, modules().vary(&[1; 32]).unwrap());
    let module = read.find(89, "imma").unwrap();
    assert_eq!(module.level, 80);
    assert!(module.text.contains(module.kernel("gpux_first")) && module.kernel("gpux_first") != "gpux_first");
    assert_eq!(modules().find(89, "imma").unwrap().kernel("gpux_first"), "gpux_first");
    assert_eq!((read.find(79, "imma").map(|module| module.level), read.find(79, "vram")), (Some(75), None));
}

#[test]
fn two_uploads_share_nothing_of_their_modules() {
    let release = Release::new(released(&modules())).unwrap();
    let uploads: Vec<_> = [[1; 32], [2; 32]].map(|variant| release.build(&variant).unwrap().bytes).into();
    let regions: Vec<_> = uploads.iter().map(|bytes| region_of(&release, bytes)).collect();
    let common = longest_common(&regions[0], &regions[1]);
    assert!(common < 16, "{common} bytes in a row");
    let released = region_of(&release, &release.bytes);
    assert!(regions.iter().all(|region| longest_common(region, &released) < 16));
    // Outside the region nothing changes.
    assert!(uploads.iter().all(|bytes| bytes.starts_with(b"before") && bytes.ends_with(b"after")));
}

#[test]
fn over_all_modules_two_variants_share_no_identifier() {
    let own_of = |modules: &Modules| -> (HashSet<String>, Vec<u8>) {
        modules.iter().map(|module| own(&module.text)).fold(Default::default(), |mut all, (names, row)| {
            all.0.extend(names);
            all.1.extend(row);
            all
        })
    };
    // The worker's own modules, if it has any, and the sample's.
    for modules in [Modules::embedded().unwrap(), modules()] {
        let [left, right] = [[3; 32], [4; 32]].map(|variant| own_of(&modules.vary(&variant).unwrap()));
        let shared: Vec<_> = left.0.intersection(&right.0).collect();
        assert!(shared.is_empty(), "{shared:?}");
        let common = longest_common(&left.1, &right.1);
        assert!(common <= vary::tests::COMMON_BYTES_MAX, "{common} bytes in a row");
    }
}

#[test]
fn the_varied_modules_of_this_worker_fit_into_their_place() {
    let embedded = Modules::embedded().unwrap();
    let size = embedded.encode().len();
    for variant in 1..=4 {
        let varied = embedded.vary(&[variant; 32]).unwrap().encode().len();
        // As build.rs makes the room.
        assert!(varied <= size + size / 2 + (64 << 10), "{size} bytes became {varied}");
    }
}

#[test]
fn what_cannot_be_built_is_an_error() {
    assert_eq!(Release::new(vec![]).unwrap_err(), Error::Empty);
    assert_eq!(Release::new(b"worker".to_vec()).unwrap().build(&[1; 32]), Err(Error::NoVariants));
    let twice = [released(&modules()), released(&modules())].concat();
    assert_eq!(Release::new(twice).unwrap_err(), Error::Pack("there are two places for one"));
    let mut short = released(&modules());
    short.truncate(8_000);
    assert_eq!(Release::new(short).unwrap_err(), Error::Pack("it ends early"));
    let tight = region::released(&modules(), 0);
    let error = Release::new(tight).unwrap().build(&[1; 32]).unwrap_err();
    assert!(matches!(error, Error::NoRoom { .. }), "{error}");
    let foreign = Modules::new(vec![Module::new(80, "imma", "no PTX")]);
    let error = Release::new(released(&foreign)).unwrap().build(&[1; 32]).unwrap_err();
    assert_eq!(error.to_string(), "module sm_80/imma cannot be varied: the text is no PTX");
}

proptest! {
    #[test]
    fn hostile_regions_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        at in 0..20_000_usize,
        variant in any::<[u8; 32]>(),
    ) {
        let _ = region::read(&bytes);
        if let Ok(modules) = Modules::decode(&bytes) {
            assert_eq!(modules.encode(), bytes, "a pack has one encoding");
        }
        let mut pack = modules().encode();
        let place = at % pack.len();
        pack.splice(place..(place + bytes.len() / 8).min(pack.len()), bytes.iter().take(3).copied());
        if let Ok(modules) = Modules::decode(&pack) {
            assert_eq!(modules.encode(), pack, "a pack has one encoding");
        }
        let mut damaged = released(&modules());
        for (place, byte) in (at..damaged.len()).zip(&bytes) {
            damaged[place] = *byte;
        }
        if let Ok(release) = Release::new(damaged) {
            let _ = release.build(&variant);
        }
    }
}
