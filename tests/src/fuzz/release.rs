//! Released workers: the region of their modules, and the modules' text written in other ways.

use gpux_kernels::release::{IDENTITY, Module, Modules, Release};

/// What NVRTC makes of a source with everything that kernels may use; the kernels' own tests vary it as well.
const SAMPLE: &str = include_str!("../../../kernels/src/release/vary/sample.ptx");
/// The marker of a region, as a release has it.
fn marker() -> [u8; 32] {
    blake3::derive_key("gpux/release/region/1", &[])
}

/// The first byte chooses the variant; behind it stands a pack, which is put where a release has its own.
pub(super) fn run(input: &[u8]) {
    let Some(([variant, room], bytes)) = input.split_first_chunk() else { return };
    let whole = Release::new(bytes.to_vec());
    build(whole, *variant);
    let room = usize::from(*room) * 64;
    let lengths = [(4 + bytes.len() + room) as u32, bytes.len() as u32].map(u32::to_le_bytes).concat();
    let region = [&marker(), &[0; 32], lengths.as_slice(), bytes, &vec![0; room], b"after"].concat();
    build(Release::new(region), *variant);
}

fn build(release: Result<Release, gpux_kernels::release::Error>, variant: u8) {
    let Ok(release) = release else { return };
    let variant = [variant; 32];
    let built = release.build(&variant);
    assert_eq!(built.as_ref().map(|built| built.digest), release.digest_of(&variant).as_ref().map(|digest| *digest));
    let Ok(built) = built else { return };
    assert_eq!(built.bytes.len(), release.size());
    assert_eq!(release.build(&variant), Ok(built.clone()), "a build is deterministic");
    if variant == IDENTITY {
        assert_eq!(built.digest, release.digest());
    }
}

/// The first byte chooses the variant, the rest is a module's text.
pub(super) fn modules(input: &[u8]) {
    let Some((variant, text)) = input.split_first() else { return };
    let text = String::from_utf8_lossy(text).into_owned();
    // What cannot be understood is an error in words; what can be is short enough to be uploaded.
    let length = text.len();
    let modules = Modules::new(vec![Module::new(80, "imma", text)]);
    let Ok(varied) = modules.vary(&[*variant; 32]) else { return };
    assert_eq!(modules.vary(&[*variant; 32]).as_ref(), Ok(&varied), "a variant is deterministic");
    let longest = varied.iter().map(|module| module.text.len()).max().unwrap_or_default();
    assert!(longest <= 4_096 + 256 * length, "{length} bytes became {longest}");
    if *variant != 0 {
        // Whatever is written can be read: it is varied again when a varied worker is the release of another market.
        assert!(varied.vary(&[7; 32]).is_ok(), "a varied module is a module");
    }
}

/// A pack of one module as `Modules` writes it.
fn pack(text: &str) -> Vec<u8> {
    let string = |text: &str| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let head = [&1_u32.to_le_bytes()[..], &80_u16.to_le_bytes()].concat();
    [head, string("imma"), 0_u32.to_le_bytes().to_vec(), string(text)].concat()
}

/// A pack and a release without one.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let of = |head: [u8; 2], bytes: &[u8]| [&head, bytes].concat();
    vec![of([1, 200], &pack(SAMPLE)), of([0, 0], &pack(".version 7.0\n")), of([3, 0], b"worker"), of([1, 2], &[0; 40])]
}

/// The sample, whole and in parts.
pub(super) fn texts() -> Vec<Vec<u8>> {
    let of = |text: &str| [&[1], text.as_bytes()].concat();
    let parts = SAMPLE.split_inclusive("\n}\n").map(|part| format!(".version 7.0\n.target sm_80\n{part}"));
    [of(SAMPLE)].into_iter().chain(parts.map(|part| of(&part))).collect()
}
