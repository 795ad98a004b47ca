//! Writes varied modules for the CUDA tools to look at: `vary FROM TO [COUNT]` reads `FROM/sm_<level>/<probe>.ptx` and writes,
//! for each of COUNT variants (1 by default), `TO/<number>/sm_<level>/<probe>.ptx` with a line `<old> <new>` for each kernel in
//! `<probe>.names` beside it. The variant of number n is BLAKE3 of n in decimal, so that a finding can be repeated.

use std::env::args;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use gpux_kernels::release::{Module, Modules};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = args().skip(1).collect();
    let [from, to, rest @ ..] = arguments.as_slice() else { return Err("usage: vary FROM TO [COUNT]".into()) };
    let count = rest.first().map_or(Ok(1), |count| count.parse::<u32>())?;
    let modules = Modules::new(read(Path::new(from))?);
    for number in 0..count {
        let varied = modules.vary(blake3::hash(number.to_string().as_bytes()).as_bytes())?;
        for module in varied.iter() {
            write(&Path::new(to).join(number.to_string()), module)?;
        }
    }
    Ok(())
}

fn read(folder: &Path) -> Result<Vec<Module>, Box<dyn Error>> {
    let mut modules = Vec::new();
    for level in children(folder)? {
        let Some(number) = name(&level).and_then(|name| name.strip_prefix("sm_")?.parse().ok()) else { continue };
        for file in children(&level)? {
            if let Some(probe) = name(&file).and_then(|name| name.strip_suffix(".ptx")) {
                modules.push(Module::new(number, probe, fs::read_to_string(&file)?));
            }
        }
    }
    Ok(modules)
}

fn children(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            found.push(entry?.path());
        }
    }
    Ok(found)
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn write(folder: &Path, module: &Module) -> std::io::Result<()> {
    let folder = folder.join(format!("sm_{}", module.level));
    fs::create_dir_all(&folder)?;
    let names: String = module.kernels().map(|(old, new)| format!("{old} {new}\n")).collect();
    fs::write(folder.join(format!("{}.names", module.probe)), names)?;
    fs::write(folder.join(format!("{}.ptx", module.probe)), &module.text)
}
