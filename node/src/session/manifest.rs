//! What a renter wants to run: decodes and bounds a JobManifest. Names become file names and arguments on this machine, so
//! they are letters, digits and a few signs: nothing that could leave the job's folder or be read as an option.
use super::Error;
use gpux_proto::{
    bytes::{array, decode, present},
    evidence::{self, JobManifest},
};

/// The largest encoded manifest.
const MANIFEST_BYTES_MAX: usize = 64 << 10;
/// All files of a job together.
pub(super) const UPLOAD_BYTES_MAX: u64 = 256 << 20;
const FILES_MAX: usize = 64;
const NAME_BYTES_MAX: usize = 128;
const STRINGS_MAX: usize = 256;

/// A file of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) digest: [u8; 32],
    pub(super) size: u64,
}

/// A job that may be uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The executable, then the other files: the order of the upload.
    pub(super) files: Vec<File>,
    pub(super) argv: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
}

fn oversized(what: &'static str, size: usize, limit: usize) -> Result<(), Error> {
    if size > limit { Err(Error::Oversized { what, size: size as u64, limit: limit as u64 }) } else { Ok(()) }
}

fn file(file: &evidence::File) -> Result<File, Error> {
    oversized("a file's name", file.name.len(), NAME_BYTES_MAX)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let first = file.name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !first || !file.name.bytes().all(plain) {
        return Err(Error::Malformed("a file's name has other signs than letters, digits, dot, dash and underscore"));
    }
    Ok(File { name: file.name.clone(), digest: array("file.digest", &file.digest)?, size: file.size })
}

fn sorted<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
}

impl Manifest {
    /// Reads a manifest and checks every limit.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        oversized("the manifest", bytes.len(), MANIFEST_BYTES_MAX)?;
        let manifest: JobManifest = decode("manifest", bytes)?;
        oversized("the list of files", manifest.files.len(), FILES_MAX)?;
        oversized("the list of arguments", manifest.argv.len(), STRINGS_MAX)?;
        oversized("the environment", manifest.environment.len(), STRINGS_MAX)?;
        let executable = file(present("manifest.executable", &manifest.executable)?)?;
        let others = manifest.files.iter().map(file).collect::<Result<Vec<_>, _>>()?;
        let names: Vec<_> = others.iter().map(|f| &f.name).collect();
        if !sorted(&names) || names.contains(&&executable.name) {
            return Err(Error::Malformed("the files are not sorted by distinct names"));
        }
        if executable.size == 0 {
            return Err(Error::Malformed("the executable is empty"));
        }
        let files: Vec<_> = std::iter::once(executable).chain(others).collect();
        let total = files.iter().fold(0u64, |sum, f| sum.saturating_add(f.size));
        if total > UPLOAD_BYTES_MAX {
            return Err(Error::Oversized { what: "the upload", size: total, limit: UPLOAD_BYTES_MAX });
        }
        let environment = environment(&manifest)?;
        if manifest.argv.iter().any(|argument| argument.contains('\0')) {
            return Err(Error::Malformed("an argument contains a zero byte"));
        }
        Ok(Self { files, argv: manifest.argv, environment })
    }
}

fn environment(manifest: &JobManifest) -> Result<Vec<(String, String)>, Error> {
    let entries: Vec<_> = manifest.environment.iter().map(|e| (e.name.clone(), e.value.clone())).collect();
    let names: Vec<_> = entries.iter().map(|(name, _)| name).collect();
    if !sorted(&names) {
        return Err(Error::Malformed("the environment is not sorted by distinct names"));
    }
    // `env` would read a leading dash as an option.
    let plain = |name: &str| {
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && name.bytes().next().is_some_and(|b| !b.is_ascii_digit())
    };
    if entries.iter().any(|(name, value)| !plain(name) || value.contains('\0')) {
        return Err(Error::Malformed("a variable's name or value has signs that no environment takes"));
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_proto::evidence::EnvironmentEntry;
    use prost::Message as _;

    fn named(name: &str, size: u64) -> evidence::File {
        evidence::File { name: name.into(), digest: vec![0; 32], size }
    }

    fn manifest() -> JobManifest {
        JobManifest { executable: Some(named("job", 1)), ..Default::default() }
    }

    fn refused(edit: impl FnOnce(&mut JobManifest)) -> &'static str {
        let mut edited = manifest();
        edit(&mut edited);
        Manifest::decode(&edited.encode_to_vec()).unwrap_err().code().1
    }

    #[test]
    fn names_cannot_leave_the_folder_or_pass_as_options() {
        for name in ["", ".", "..", "a/b", "-rf", ".hidden", "a b", "a=b", "a\0b", "ä"] {
            assert_eq!(refused(|m| m.executable = Some(named(name, 1))), "MALFORMED", "{name:?}");
        }
        assert_eq!(refused(|m| m.executable = Some(named(&"a".repeat(129), 1))), "OVERSIZED");
        assert_eq!(refused(|m| m.executable = None), "MALFORMED");
        assert_eq!(refused(|m| m.files = vec![named("job", 1)]), "MALFORMED", "would overwrite the executable");
        assert_eq!(refused(|m| m.files = vec![named("b", 1), named("a", 1)]), "MALFORMED", "unsorted");
    }

    #[test]
    fn sizes_are_bounded_before_anything_is_written() {
        assert_eq!(refused(|m| m.executable = Some(named("job", UPLOAD_BYTES_MAX + 1))), "OVERSIZED");
        assert_eq!(refused(|m| m.files = vec![named("a", u64::MAX), named("b", u64::MAX)]), "OVERSIZED");
        assert_eq!(refused(|m| m.argv = vec!["x".repeat(MANIFEST_BYTES_MAX)]), "OVERSIZED");
        assert_eq!(refused(|m| m.argv = vec![String::new(); 257]), "OVERSIZED");
        assert_eq!(refused(|m| m.executable = Some(named("job", 0))), "MALFORMED");
    }

    #[test]
    fn variables_are_sorted_and_plain() {
        let entry = |name: &str| EnvironmentEntry { name: name.into(), value: "1".into() };
        assert_eq!(refused(|m| m.environment = vec![entry("-i")]), "MALFORMED");
        assert_eq!(refused(|m| m.environment = vec![entry("B"), entry("A")]), "MALFORMED");
        assert_eq!(refused(|m| m.environment = vec![entry("A"), entry("A")]), "MALFORMED");
        let mut good = manifest();
        good.environment = vec![entry("A"), entry("B")];
        assert_eq!(Manifest::decode(&good.encode_to_vec()).unwrap().environment.len(), 2);
    }
}
