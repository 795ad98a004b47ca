//! Packs the committed GPU modules, `ptx/sm_<level>/<probe>.ptx`, into the region that `src/release/region.rs` describes: in the
//! worker it is where `build(release, variant)` finds them and puts the varied ones. Without modules the region is empty.
//! Lists the calibration files of models, so that accepting one is adding a file.

use std::path::Path;
use std::{env, fs, io};

/// Varied texts are longer than the originals, and the region cannot grow: half as much again, and this for small packs.
const ROOM_BYTES: usize = 64 << 10;

fn main() -> io::Result<()> {
    let folder = Path::new("ptx");
    if folder.exists() {
        println!("cargo:rerun-if-changed=ptx");
        println!("cargo:rerun-if-changed=build.rs");
    }
    let mut modules = Vec::new();
    for level in entries(folder)? {
        for module in entries(&level)? {
            if let (Some(level), Some(probe)) = (level_of(&level), probe_of(&module)) {
                modules.push((level, probe, fs::read(&module)?));
            }
        }
    }
    let region = region(&pack(&distinct(modules)));
    let out = env::var_os("OUT_DIR").unwrap_or_default();
    fs::write(Path::new(&out).join("region.bin"), region)?;
    fs::write(Path::new(&out).join("calibration.rs"), calibration(&Path::new("calibration").canonicalize()?)?)
}

/// The texts of all models' files as a constant; the development market's file is another kind.
fn calibration(folder: &Path) -> io::Result<String> {
    println!("cargo:rerun-if-changed=calibration");
    let is_model = |path: &std::path::PathBuf| {
        path.extension().is_some_and(|kind| kind == "toml") && !path.ends_with("development.toml")
    };
    let files = entries(folder)?.into_iter().filter(is_model);
    let texts: Vec<String> = files.map(|path| format!("include_str!({path:?})")).collect();
    Ok(format!("const TEXTS: [&str; {}] = [{}];\n", texts.len(), texts.join(", ")))
}

/// The entries of a folder in a fixed order, so that the same sources give the same worker.
fn entries(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    found.sort();
    Ok(found)
}

fn level_of(folder: &Path) -> Option<u16> {
    folder.file_name()?.to_str()?.strip_prefix("sm_")?.parse().ok()
}

fn probe_of(file: &Path) -> Option<String> {
    Some(file.file_name()?.to_str()?.strip_suffix(".ptx")?.to_owned())
}

/// Leaves out what a lower level says already: PTX runs on every later level, and most probes' text is the same on all.
fn distinct(mut modules: Vec<(u16, String, Vec<u8>)>) -> Vec<(u16, String, Vec<u8>)> {
    modules.sort();
    let mut kept: Vec<(u16, String, Vec<u8>)> = Vec::new();
    for module in modules {
        let below = kept.iter().rev().find(|other| other.1 == module.1);
        if below.is_none_or(|below| body(&below.2) != body(&module.2)) {
            kept.push(module);
        }
    }
    kept
}

/// A text without the directives that name its level.
fn body(text: &[u8]) -> &[u8] {
    let level = b".address_size";
    let at = text.windows(level.len()).position(|window| window == level).unwrap_or(0);
    &text[at..]
}

/// As `Modules::decode` reads it: level, probe, no names (they are their own), text.
fn pack(modules: &[(u16, String, Vec<u8>)]) -> Vec<u8> {
    let mut pack = (modules.len() as u32).to_le_bytes().to_vec();
    for (level, probe, text) in modules {
        pack.extend(level.to_le_bytes());
        pack.extend((probe.len() as u32).to_le_bytes());
        pack.extend(probe.as_bytes());
        pack.extend(0_u32.to_le_bytes());
        pack.extend((text.len() as u32).to_le_bytes());
        pack.extend(text);
    }
    pack
}

/// Marker, the identity's variant, size of the rest, length of the pack, pack, room.
fn region(pack: &[u8]) -> Vec<u8> {
    let room = 4 + pack.len() + pack.len() / 2 + ROOM_BYTES;
    let mut region = blake3::derive_key("gpux/release/region/1", &[]).to_vec();
    region.extend([0; 32]);
    region.extend((room as u32).to_le_bytes());
    region.extend((pack.len() as u32).to_le_bytes());
    region.extend(pack);
    region.resize(68 + room, 0);
    region
}
