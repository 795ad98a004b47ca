//! A file that a stranger calls a log, as `replay` reads it.

use gpux_oracle::{
    publish::Folder,
    replay::{Source, Writer},
    score::Parameters,
};
use std::{fs, path::Path};

/// What a log file begins with.
const HEADER: &[u8] = b"gpux-log/1\n";

/// The input is the file.
pub(super) fn run(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (path, copy) = (folder.path().join("log"), folder.path().join("copy"));
    fs::write(&path, input).expect("a file can be written");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    let Ok(entries) = runtime.block_on(read(&path)) else { return };
    let mut writer = Writer::create(&copy).expect("a new file can be written");
    entries.iter().for_each(|entry| writer.entry(entry).expect("an entry is within its bounds"));
    writer.finish().expect("the file can be finished");
    assert_eq!(fs::read(&copy).ok().as_deref(), Some(input), "a log file has one form");
    let mut folded = Folder::new(Parameters::development());
    let _ = entries.iter().try_for_each(|entry| folded.apply(entry).map(|_| ()));
}

async fn read(path: &Path) -> Result<Vec<Vec<u8>>, gpux_oracle::replay::SourceError> {
    let mut source = Source::open(&path.display().to_string()).await?;
    let mut entries = Vec::new();
    while let Some(entry) = source.next().await? {
        entries.push(entry);
    }
    Ok(entries)
}

/// An empty log, one of a few entries, and one that is cut off.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let framed = |entry: &Vec<u8>| [&(entry.len() as u32).to_le_bytes(), entry.as_slice()].concat();
    let entries: Vec<u8> = super::fold::log().iter().flat_map(framed).collect();
    let whole = [HEADER, &entries].concat();
    vec![HEADER.to_vec(), whole[..whole.len() - 3].to_vec(), whole]
}
