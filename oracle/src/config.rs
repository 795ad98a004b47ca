//! The settings of `serve`.
//!
//! Owns the order flag, environment, file, default, and that nothing is guessed: an unknown key in the file is an error, and
//! what has no default must be given. Settings are complete before any port opens. They hold paths of secrets, never secrets.

use std::{
    fs::File,
    io::{self, Read as _},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{cli, releases};

/// The largest configuration file.
const BYTES_MAX: u64 = 64 << 10;
/// What an address may read: a page of a marketplace with all its nodes, many times a second.
const READS_PER_SECOND: u32 = 1_000;
/// What an address may write: a fleet of fishers behind one address sends a few.
const WRITES_PER_SECOND: u32 = 200;
/// What a key may write: a fisher sends two for each session of minutes, and a backlog after an outage.
const KEY_WRITES_PER_SECOND: u32 = 50;
/// Loopback, on a port that the system chooses.
const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read configuration file {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is too large to be a configuration.
    #[error("configuration file {0} is larger than {BYTES_MAX} bytes")]
    TooLarge(PathBuf),
    /// The file has an unknown key, or a value of the wrong kind.
    #[error("configuration file {path} is wrong: {reason}")]
    Format { path: PathBuf, reason: String },
    /// Nothing gives this setting.
    #[error("{0} is not set: give --{flag}, GPUX_{env} or {0} in the configuration file", flag = .0.replace('_', "-"), env = .0.to_uppercase())]
    Missing(&'static str),
    /// The RPC is no HTTP URL.
    #[error("rpc is no http or https URL")]
    Rpc,
}

/// The settings in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Config {
    pub data: PathBuf,
    pub rpc: String,
    pub deployment: PathBuf,
    pub operator_key_file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator_password_file: Option<PathBuf>,
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub release: Vec<PathBuf>,
    pub reads_per_second: u32,
    pub writes_per_second: u32,
    pub key_writes_per_second: u32,
    pub development: bool,
}

/// What a configuration file may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    data: Option<PathBuf>,
    rpc: Option<String>,
    deployment: Option<PathBuf>,
    operator_key_file: Option<PathBuf>,
    operator_password_file: Option<PathBuf>,
    listen: Option<SocketAddr>,
    admin_listen: Option<SocketAddr>,
    release: Option<Vec<PathBuf>>,
    reads_per_second: Option<u32>,
    writes_per_second: Option<u32>,
    key_writes_per_second: Option<u32>,
    development: Option<bool>,
}

impl Config {
    /// Joins flags and environment, which clap has joined already, with the file and the defaults.
    pub fn load(flags: cli::Serve) -> Result<Self, Error> {
        let file = flags.config.as_deref().map(document).transpose()?.unwrap_or_default();
        let config = Self {
            data: flags.data.or(file.data).ok_or(Error::Missing("data"))?,
            rpc: flags.rpc.or(file.rpc).ok_or(Error::Missing("rpc"))?,
            deployment: flags.deployment.or(file.deployment).ok_or(Error::Missing("deployment"))?,
            operator_key_file: flags
                .operator_key_file
                .or(file.operator_key_file)
                .ok_or(Error::Missing("operator_key_file"))?,
            operator_password_file: flags.operator_password_file.or(file.operator_password_file),
            listen: flags.listen.or(file.listen).unwrap_or(LOOPBACK),
            admin_listen: flags.admin_listen.or(file.admin_listen).unwrap_or(LOOPBACK),
            release: releases::given(flags.release, file.release),
            reads_per_second: flags.reads_per_second.or(file.reads_per_second).unwrap_or(READS_PER_SECOND),
            writes_per_second: flags.writes_per_second.or(file.writes_per_second).unwrap_or(WRITES_PER_SECOND),
            key_writes_per_second: flags
                .key_writes_per_second
                .or(file.key_writes_per_second)
                .unwrap_or(KEY_WRITES_PER_SECOND),
            development: flags.development.or(file.development).unwrap_or(false),
        };
        match config.rpc_origin() {
            Some(_) => Ok(config),
            None => Err(Error::Rpc),
        }
    }

    /// The settings as TOML. Providers of RPC put their keys into the URL, so only its origin is shown.
    pub fn dump(&self) -> Result<String, toml::ser::Error> {
        let origin = self.rpc_origin().unwrap_or_default();
        let rpc = if origin == self.rpc.trim_end_matches('/') { origin } else { format!("{origin}/<redacted>") };
        toml::to_string(&Self { rpc, ..self.clone() })
    }

    /// "https://host:port" of the RPC, without user, path and query.
    fn rpc_origin(&self) -> Option<String> {
        let (scheme, rest) = self.rpc.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit('@').next()?;
        (matches!(scheme, "http" | "https") && !host.is_empty()).then(|| format!("{scheme}://{host}"))
    }
}

fn document(path: &Path) -> Result<Document, Error> {
    let failed = |source| Error::Io { path: path.into(), source };
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text)).map_err(failed)?;
    if read as u64 > BYTES_MAX {
        return Err(Error::TooLarge(path.into()));
    }
    // The message alone: the lines that toml quotes may hold an RPC key.
    toml::from_str(&text)
        .map_err(|error: toml::de::Error| Error::Format { path: path.into(), reason: error.message().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(file: &str) -> (tempfile::TempDir, cli::Serve) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("oracle.toml");
        std::fs::write(&path, file).unwrap();
        (directory, cli::Serve { config: Some(path), ..cli::Serve::default() })
    }

    const FILE: &str = "data = 'd'\nrpc = 'https://user:secret@rpc.example:8545/v3/key?x=secret'\n\
                        deployment = 'x.json'\noperator_key_file = 'k'\nlisten = '127.0.0.1:7'\ndevelopment = true\n";

    #[test]
    fn a_flag_comes_before_the_file_and_the_file_before_the_default() {
        let (_directory, serve) = flags(FILE);
        let config = Config::load(cli::Serve { data: Some("flag".into()), ..serve }).unwrap();
        assert_eq!(config.data, PathBuf::from("flag"));
        assert_eq!((config.listen.port(), config.admin_listen), (7, LOOPBACK));
        assert!(config.development);
    }

    #[test]
    fn releases_come_from_the_flags_or_else_from_the_file() {
        let (_directory, serve) = flags(&format!("{FILE}release = ['a', 'b']\n"));
        let releases = |serve| Config::load(serve).unwrap().release;
        assert_eq!(
            releases(cli::Serve { config: serve.config.clone(), ..cli::Serve::default() }),
            ["a", "b"].map(PathBuf::from)
        );
        assert_eq!(releases(cli::Serve { release: vec!["flag".into()], ..serve }), [PathBuf::from("flag")]);
    }

    #[test]
    fn limits_come_from_flags_file_and_defaults() {
        let (_directory, serve) = flags(&format!("{FILE}reads_per_second = 7\nwrites_per_second = 8\n"));
        let config = Config::load(cli::Serve { writes_per_second: Some(0), ..serve }).unwrap();
        let limits = (config.reads_per_second, config.writes_per_second, config.key_writes_per_second);
        assert_eq!(limits, (7, 0, KEY_WRITES_PER_SECOND));
        assert!(config.dump().unwrap().contains("writes_per_second = 0\n"));
    }

    #[test]
    fn unknown_keys_and_missing_settings_are_errors() {
        let (_directory, serve) = flags(&format!("{FILE}lisen = '127.0.0.1:8'\n"));
        let error = Config::load(serve).unwrap_err().to_string();
        assert!(error.contains("lisen") && !error.contains("secret"), "{error}");
        let (_directory, serve) = flags("data = 'd'\n");
        assert_eq!(
            Config::load(serve).unwrap_err().to_string(),
            "rpc is not set: give --rpc, GPUX_RPC or rpc in the configuration file"
        );
        let (_directory, serve) = flags(&FILE.replace("https://", "ipc:"));
        assert!(matches!(Config::load(serve), Err(Error::Rpc)));
    }

    #[test]
    fn a_dump_shows_no_secret_and_reads_as_a_configuration() {
        let (_directory, serve) = flags(FILE);
        let dump = Config::load(serve).unwrap().dump().unwrap();
        assert!(dump.contains("https://rpc.example:8545/<redacted>"), "{dump}");
        assert!(!dump.contains("secret") && !dump.contains("key?"), "{dump}");
        assert!(toml::from_str::<Document>(&dump).is_ok());
    }
}
