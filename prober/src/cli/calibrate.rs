//! `gpux-prober calibrate`: what honest devices reach, signed by their owner; the files of several owners, merged, are what
//! claims are compared with. Measures real devices only and never overwrites a file.
mod measure;

use super::output::{self, amount};
use crate::cli::table;
use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args};
use gpux_kernels::{
    calibration::{Error, FILE_BYTES_MAX, File, counted},
    probe::ProbeId,
};
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio_util::sync::CancellationToken;

/// What is measured, or merged.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").required(true).args(["key_file", "merge"]))]
pub(super) struct Calibrate {
    /// Your ed25519 key, which signs: 64 hexadecimal digits, readable by you only; made if there is none.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Merges files of one model instead of measuring.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["probe"])]
    merge: Vec<PathBuf>,
    /// Only these probes.
    #[arg(long, value_name = "NAME")]
    probe: Vec<ProbeId>,
    /// Where the files are written, one a model; it must exist.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Runs the command.
pub(super) async fn run(arguments: Calibrate, stop: CancellationToken) -> anyhow::Result<ExitCode> {
    let files = match &arguments.key_file {
        None => vec![merged(&arguments.merge)?],
        Some(key_file) => {
            let plan = measure::Plan::of(&arguments.probe, &arguments.out)?;
            // Before minutes of measuring, which would end in nothing.
            plan.models().try_for_each(|model| vacant(&arguments.out.join(file_name(model))))?;
            let measured = plan.run(key_file);
            tokio::select! {
                files = measured => files?,
                () = stop.cancelled() => bail!("interrupted"),
            }
        }
    };
    for file in files {
        let path = arguments.out.join(file_name(&file.model));
        write(&path, &file.to_text()?)?;
        output::text(&told(&path, &file));
    }
    Ok(ExitCode::SUCCESS)
}

fn merged(paths: &[PathBuf]) -> anyhow::Result<File> {
    let mut files = paths.iter().map(|path| read(path));
    let first = files.next().context("no file to merge")??;
    files.try_fold(first, |file, other| Ok(file.merge(other?)?))
}

fn read(path: &Path) -> anyhow::Result<File> {
    let named = || format!("file {}", path.display());
    let mut text = String::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    fs::File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text)).with_context(named)?;
    File::parse(&text).with_context(named)
}

/// Refuses a place where something is.
fn vacant(path: &Path) -> anyhow::Result<()> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("file {}", path.display())),
        Ok(_) => bail!("file {} exists: move it away, or name another folder with --out", path.display()),
    }
}

/// A new file: what others signed is not replaced by accident.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let created = OpenOptions::new().write(true).create_new(true).open(path);
    let written = created.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.with_context(|| format!("file {}", path.display()))
}

/// "geforce-rtx-3090.toml".
fn file_name(model: &str) -> String {
    let plain: String =
        model.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    format!("{}.toml", plain.split_whitespace().collect::<Vec<_>>().join("-"))
}

/// What stands in a file and what it is good for.
fn told(path: &Path, file: &File) -> String {
    let row = |probe: ProbeId| {
        let reference = match file.reference(probe) {
            Ok(rate) => amount(rate as f64, probe.rate_unit()),
            Err(Error::TooFew { devices, owners, .. }) => {
                format!("uncalibrated: {} of {}", counted(devices, "device"), counted(owners, "owner"))
            }
            Err(error) => error.to_string(),
        };
        [probe.name().to_owned(), probe.noun().to_owned(), reference]
    };
    let rows: Vec<_> = file.probes().into_iter().map(row).collect();
    let table = table::render(["probe", "measures", "reference"], &rows);
    let contributions = counted(file.contribution.len(), "contribution");
    format!("{}: {}, {contributions}\n{table}", path.display(), file.model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_names_its_file() {
        assert_eq!(file_name("GeForce RTX 3090"), "geforce-rtx-3090.toml");
        assert_eq!(file_name("Intel(R) Xeon(R) CPU @ 2.20GHz, 2 threads"), "intel-r-xeon-r-cpu-2-20ghz-2-threads.toml");
        assert_eq!(file_name("../../etc/passwd"), "etc-passwd.toml");
    }

    #[tokio::test]
    async fn a_file_that_is_there_is_noticed_before_anything_is_measured() {
        let folder = tempfile::tempdir().unwrap();
        let (out, key_file) = (folder.path().to_owned(), folder.path().join("key"));
        let plan = measure::Plan::of(&[ProbeId::Cpu], &out).unwrap();
        let path = out.join(file_name(plan.models().next().unwrap()));
        fs::write(&path, "signed by others").unwrap();
        let (key, probe) = (Some(key_file.clone()), vec![ProbeId::Cpu]);
        let arguments = Calibrate { key_file: key, merge: Vec::new(), probe, out };
        let error = run(arguments, CancellationToken::new()).await.unwrap_err();
        assert!(error.to_string().contains("exists"), "{error:#}");
        assert!(!key_file.exists(), "the key is made when the measurement begins");
        assert_eq!(fs::read_to_string(path).unwrap(), "signed by others");
    }
}
