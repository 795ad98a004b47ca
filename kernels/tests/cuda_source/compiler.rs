//! Compiles the kernels' sources for this machine, as they are or changed.
//!
//! Objects are kept under the hash of all that they are made of, so only what is new is compiled.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, thread};

/// Modules, each one of `cuda/*.cu`.
pub(crate) const MODULES: [&str; 8] = ["imma", "hmma", "fma32", "fma64", "dp4a", "vram", "stream", "link"];
/// What runs them.
const RUNTIME: [&str; 3] = ["block", "launch", "shared"];

/// Contraction would fuse what a kernel does not, and kernels look at memory through several types, as compilers for
/// devices allow.
const FLAGS: [&str; 8] = [
    "-std=c++17",
    "-O2",
    "-fPIC",
    "-fvisibility=hidden",
    "-ffp-contract=off",
    "-fno-strict-aliasing",
    "-Wno-unknown-pragmas",
    "-DGPUX_HOST",
];

static COMPILER: LazyLock<String> = LazyLock::new(|| env::var("CXX").unwrap_or_else(|_| "g++".to_owned()));
static RUNTIME_OBJECTS: LazyLock<Vec<PathBuf>> =
    LazyLock::new(|| Sources::read().compile(&RUNTIME.map(|unit| format!("host/{unit}.cpp"))));
static SCRATCH: AtomicU32 = AtomicU32::new(0);

/// Begins a call of the compiler, which may be named with arguments.
fn compiler() -> Command {
    let mut words = COMPILER.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cuda_source")
}

/// The text of every file under `cuda/` that is compiled, by its path there.
#[derive(Clone)]
pub(crate) struct Sources(BTreeMap<String, String>);

impl Sources {
    /// Reads the sources as they are.
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("cuda");
        let mut texts = BTreeMap::new();
        for folder in ["", "host", "host/modules"] {
            for entry in fs::read_dir(root.join(folder)).expect("the sources are in the repository") {
                let path = entry.expect("the folder can be read").path();
                let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
                if ["cu", "cuh", "cpp", "h"].contains(&extension) {
                    let name = path.strip_prefix(&root).expect("it lies in the root").to_string_lossy().into_owned();
                    texts.insert(name, fs::read_to_string(&path).expect("sources are text"));
                }
            }
        }
        Self(texts)
    }

    /// Returns the text of a file.
    pub(crate) fn text(&self, file: &str) -> &str {
        &self.0[file]
    }

    /// Changes the one place where `from` stands in a file.
    pub(crate) fn changed(&self, file: &str, from: &str, to: &str) -> Self {
        let text = self.text(file);
        assert_eq!(text.matches(from).count(), 1, "{file} has one place with {from:?}");
        let mut changed = self.clone();
        changed.0.insert(file.to_owned(), text.replace(from, to));
        changed
    }

    /// Builds a library of some modules and returns where it lies.
    pub(crate) fn library(&self, modules: &[&str]) -> PathBuf {
        self.linked(modules, &[])
    }

    /// Builds a library of all modules that stands in for the driver's, whose name it has.
    pub(crate) fn driver(&self) -> PathBuf {
        self.linked(&MODULES, &["driver"])
    }

    fn linked(&self, modules: &[&str], others: &[&str]) -> PathBuf {
        let modules = modules.iter().map(|module| format!("host/modules/{module}.cpp"));
        let units: Vec<_> = modules.chain(others.iter().map(|unit| format!("host/{unit}.cpp"))).collect();
        let mut objects = RUNTIME_OBJECTS.clone();
        objects.extend(self.compile(&units));
        let name = hash(objects.iter().map(|object| object.to_string_lossy().into_owned()));
        made(&format!("lib{name}.so"), |to| {
            let mut command = compiler();
            command.arg("-shared").args(&objects).arg("-o").arg(to);
            if !others.is_empty() {
                command.arg("-Wl,-soname,libcuda.so");
            }
            command
        })
    }

    /// Compiles units, two at a time.
    fn compile(&self, units: &[String]) -> Vec<PathBuf> {
        let part = units.len().div_ceil(2).max(1);
        thread::scope(|scope| {
            let compile = |part: &[String]| part.iter().map(|unit| self.object(unit)).collect::<Vec<_>>();
            let parts: Vec<_> = units.chunks(part).map(|part| scope.spawn(move || compile(part))).collect();
            let joined = parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)));
            joined.flatten().collect()
        })
    }

    fn object(&self, unit: &str) -> PathBuf {
        // The runtime knows no kernels.
        let of_runtime = |name: &str| name.starts_with("host/") && !name.starts_with("host/modules/");
        let parts = self.0.iter().filter(|(name, _)| of_runtime(name) || !of_runtime(unit));
        let name = hash(parts.flat_map(|(name, text)| [name.clone(), text.clone()]).chain([unit.to_owned()]));
        made(&format!("{name}.o"), |to| {
            let sources = to.with_extension("sources");
            self.write(&sources);
            let mut command = compiler();
            // Where the sources lie does not enter messages.
            command.current_dir(&sources).args(FLAGS).arg("-c").arg(unit).arg("-o").arg(to);
            command
        })
    }

    fn write(&self, folder: &Path) {
        for (name, text) in &self.0 {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("files lie in a folder")).expect("the folder can be made");
            fs::write(path, text).expect("sources can be written");
        }
    }
}

fn hash(parts: impl Iterator<Item = String>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts.chain([COMPILER.clone(), FLAGS.concat()]) {
        hasher.update(&part.len().to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// Makes a file unless it is there, with a command that writes to the path it is given.
fn made(name: &str, command: impl FnOnce(&Path) -> Command) -> PathBuf {
    let path = folder().join(name);
    if !path.exists() {
        fs::create_dir_all(folder()).expect("the folder can be made");
        // Written elsewhere and moved, so that nobody finds half a file.
        let scratch = folder().join(format!("{}-{}", std::process::id(), SCRATCH.fetch_add(1, Ordering::Relaxed)));
        let output = command(&scratch).output();
        let output = output.unwrap_or_else(|error| panic!("a C++ compiler is needed, $CXX names it: {error}"));
        assert!(output.status.success(), "{}: {}", COMPILER.as_str(), String::from_utf8_lossy(&output.stderr));
        fs::rename(&scratch, &path).expect("the file can be moved");
        // Objects have their sources beside them.
        let _ = fs::remove_dir_all(scratch.with_extension("sources"));
    }
    path
}
