//! Where the real programs lie: beside the program that runs, in cargo's target folder. Nothing is ever taken from PATH,
//! so that what is tested is what was built.

use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};

/// The folder of the programs, and cargo's target folder above it.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Finds the folder from the running program's own path; a test's program lies one folder deeper.
    pub fn beside_this_program() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program lies")?;
        let mut folder = program.parent().context("this program lies nowhere")?;
        if folder.file_name().is_some_and(|name| name == "deps") {
            folder = folder.parent().context("this program lies nowhere")?;
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// The path of a program.
    pub fn path(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        if !path.is_file() {
            bail!("{name} is not built: run `cargo build --workspace --bins --examples`");
        }
        Ok(path)
    }

    /// Cargo's target folder, for reports.
    #[must_use]
    pub fn target(&self) -> &Path {
        self.folder.parent().unwrap_or(&self.folder)
    }
}

/// The folder of the contracts, with the npm packages that contain the chain.
#[must_use]
pub fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts")
}
