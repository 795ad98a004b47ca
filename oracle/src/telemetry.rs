//! Where log lines go.
//!
//! Owns the subscriber: stderr, as text or JSON lines, since stdout is for results. Installed once, by the binary alone.

use tracing_subscriber::{EnvFilter, filter::ParseError};

use crate::cli::LogFormat;

/// Installs the subscriber; a second call changes nothing.
pub fn install(format: LogFormat, filter: &str) -> Result<(), ParseError> {
    let builder = tracing_subscriber::fmt().with_env_filter(filter.parse::<EnvFilter>()?).with_writer(std::io::stderr);
    // A subscriber that stands already is the test's.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    Ok(())
}
