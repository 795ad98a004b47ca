//! Secret keys, read from files: Web3 keystores and bare hexadecimal files for EVM accounts, bare hexadecimal files for
//! ed25519. A secret is never a flag and never printed; a bare file that others may read is refused.
use alloy::{hex, primitives::B256, signers::local::PrivateKeySigner};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// The largest key file that is read, in bytes: a keystore has about 500.
const FILE_BYTES_MAX: u64 = 16 << 10;

/// A key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read or written.
    #[error("key file {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Others may read the file.
    #[error("key file {0} can be read by others; run `chmod 600` on it")]
    Exposed(PathBuf),
    /// It is neither a keystore nor 64 hexadecimal digits that are a key.
    #[error("key file {0} holds no key: 64 hexadecimal digits or a Web3 keystore are expected")]
    Malformed(PathBuf),
    /// A keystore needs a password file.
    #[error("key file {0} is a Web3 keystore; name its password file")]
    PasswordMissing(PathBuf),
    /// The password does not open the keystore.
    #[error("the password does not open the keystore {0}")]
    Password(PathBuf),
}

/// Reads an EVM key: a Web3 keystore (as `cast wallet` writes it) with the file of its password, or a bare file.
pub fn wallet(path: &Path, password_file: Option<&Path>) -> Result<PrivateKeySigner, Error> {
    let text = read(path)?;
    if text.trim_start().starts_with('{') {
        let password = read(password_file.ok_or_else(|| Error::PasswordMissing(path.into()))?)?;
        return PrivateKeySigner::decrypt_keystore(path, password.trim_end_matches(['\r', '\n']))
            .map_err(|_| Error::Password(path.into()));
    }
    PrivateKeySigner::from_bytes(&B256::from(bare(path, &text)?)).map_err(|_| Error::Malformed(path.into()))
}

/// Reads a bare EVM key, and first makes one where there is none.
pub fn wallet_or_create(path: &Path) -> Result<PrivateKeySigner, Error> {
    if !path.exists() {
        create(path, &PrivateKeySigner::random().to_bytes().0)?;
    }
    wallet(path, None)
}

/// Reads a bare ed25519 secret key (RFC 8032: 32 bytes).
pub fn ed25519(path: &Path) -> Result<[u8; 32], Error> {
    bare(path, &read(path)?)
}

/// Reads a bare ed25519 secret key, and first makes one where there is none.
pub fn ed25519_or_create(path: &Path) -> Result<[u8; 32], Error> {
    if !path.exists() {
        // Any 32 random bytes are an ed25519 secret; this generator is the one for EVM keys.
        create(path, &PrivateKeySigner::random().to_bytes().0)?;
    }
    ed25519(path)
}

/// Writes a bare key to a new file that only its owner can read; an existing file is never overwritten.
pub fn create(path: &Path, secret: &[u8; 32]) -> Result<(), Error> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        writeln!(file, "{}", hex::encode(secret))?;
        file.sync_all()
    };
    write().map_err(|source| Error::Io { path: path.into(), source })
}

fn read(path: &Path) -> Result<String, Error> {
    let io = |source| Error::Io { path: path.into(), source };
    let metadata = fs::metadata(path).map_err(io)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(Error::Exposed(path.into()));
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(Error::Malformed(path.into()));
    }
    fs::read_to_string(path).map_err(io)
}

fn bare(path: &Path, text: &str) -> Result<[u8; 32], Error> {
    let text = text.trim();
    let mut secret = [0; 32];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut secret)
        .map_err(|_| Error::Malformed(path.into()))?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("gpux-keys-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        path
    }

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let directory = directory("made");
        let path = directory.join("key");
        let first = wallet_or_create(&path).unwrap();
        assert_eq!(first.address(), wallet_or_create(&path).unwrap().address());
        assert!(create(&path, &[1; 32]).is_err(), "never overwritten");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn exposed_and_malformed_files_are_refused() {
        let directory = directory("bad");
        let path = directory.join("key");
        create(&path, &[0; 32]).unwrap();
        assert!(matches!(wallet(&path, None), Err(Error::Malformed(_))), "zero is no secp256k1 key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(ed25519(&path), Err(Error::Exposed(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "0x12").unwrap();
        assert!(matches!(ed25519(&path), Err(Error::Malformed(_))));
        fs::write(&path, "{}").unwrap();
        assert!(matches!(wallet(&path, None), Err(Error::PasswordMissing(_))));
        fs::remove_dir_all(directory).unwrap();
    }
}
