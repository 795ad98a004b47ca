//! Where the entries of a log are read from: a file, or an oracle's LogService.
//!
//! Owns the file format (a line that names it, then each entry with its length as u32, little-endian) and its limits: what
//! is read is a stranger's. Never interprets an entry.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use gpux_proto::oracle::{ListEntriesRequest, log_service_client::LogServiceClient};
use tonic::transport::{Channel, Endpoint};

/// The first line of a log file.
const HEADER: &[u8] = b"gpux-log/1\n";
/// The largest entry: a node's description and what is around it.
const ENTRY_BYTES_MAX: usize = 1 << 20;
/// How many entries are asked for at once.
const PAGE: i32 = 1_000;
/// The largest answer.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("cannot read log {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file is no log.
    #[error("{0} is no log file: it does not begin with \"gpux-log/1\"")]
    Header(PathBuf),
    /// The file ends inside an entry.
    #[error("log {path} is cut off inside entry {index}")]
    Cut { path: PathBuf, index: u64 },
    /// An entry is larger than any is.
    #[error("entry {index} has {bytes} bytes; no entry has more than {ENTRY_BYTES_MAX}")]
    Oversized { index: u64, bytes: usize },
    /// The oracle did not answer as it should.
    #[error("the oracle's log cannot be read at entry {index}")]
    Remote {
        index: u64,
        #[source]
        source: Box<tonic::Status>,
    },
    /// The oracle left entries out.
    #[error("the oracle answered with entry {given} instead of entry {asked}: its log has a gap")]
    Gap { asked: u64, given: u64 },
    /// The URL leads nowhere.
    #[error("cannot reach {url}")]
    Unreachable {
        url: String,
        #[source]
        source: tonic::transport::Error,
    },
}

/// A log that is read in order.
#[derive(Debug)]
pub enum Source {
    /// A file.
    File { path: PathBuf, reader: BufReader<File>, next: u64 },
    /// An oracle.
    Oracle { client: LogServiceClient<Channel>, next: u64, page: std::vec::IntoIter<Vec<u8>> },
}

/// Speaks to the LogService at a URL.
pub(super) async fn connect(url: &str) -> Result<LogServiceClient<Channel>, Error> {
    let unreachable = |source| Error::Unreachable { url: url.to_owned(), source };
    Ok(log_client(endpoint(url)?.connect().await.map_err(unreachable)?))
}

/// A way to the oracle at a URL that is opened when it is needed, and again when it broke.
pub(crate) fn channel(url: &str) -> Result<Channel, Error> {
    Ok(endpoint(url)?.connect_lazy())
}

/// The LogService at the end of a channel.
pub(crate) fn log_client(channel: Channel) -> LogServiceClient<Channel> {
    LogServiceClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX)
}

fn endpoint(url: &str) -> Result<Endpoint, Error> {
    let unreachable = |source| Error::Unreachable { url: url.to_owned(), source };
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(unreachable)?;
    Ok(endpoint.connect_timeout(Duration::from_secs(10)).timeout(Duration::from_secs(60)))
}

impl Source {
    /// Opens a log at its first entry: a URL of an oracle, or else a file.
    pub async fn open(place: &str) -> Result<Self, Error> {
        if place.starts_with("http://") || place.starts_with("https://") {
            return Ok(Self::Oracle { client: connect(place).await?, next: 0, page: Vec::new().into_iter() });
        }
        let path = PathBuf::from(place);
        let failed = |source| Error::Io { path: path.clone(), source };
        let mut reader = BufReader::new(File::open(&path).map_err(failed)?);
        let mut header = [0; HEADER.len()];
        match reader.read_exact(&mut header) {
            Ok(()) if header == HEADER => Ok(Self::File { path, reader, next: 0 }),
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(failed(error)),
            _ => Err(Error::Header(path)),
        }
    }

    /// The next entry, or nothing at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Self::File { path, reader, next } => {
                let entry = read(path, reader, *next)?;
                *next += u64::from(entry.is_some());
                Ok(entry)
            }
            Self::Oracle { client, next, page } => {
                if page.len() == 0 {
                    *page = ask(client, *next).await?.into_iter();
                }
                let Some(entry) = page.next() else { return Ok(None) };
                if entry.len() > ENTRY_BYTES_MAX {
                    return Err(Error::Oversized { index: *next, bytes: entry.len() });
                }
                *next += 1;
                Ok(Some(entry))
            }
        }
    }
}

/// Entries of an oracle's log from an index on, none larger than an entry is; none at its end.
pub(crate) async fn entries_from(client: &mut LogServiceClient<Channel>, start: u64) -> Result<Vec<Vec<u8>>, Error> {
    let entries = ask(client, start).await?;
    let oversized = (start..).zip(&entries).find(|(_, entry)| entry.len() > ENTRY_BYTES_MAX);
    match oversized {
        Some((index, entry)) => Err(Error::Oversized { index, bytes: entry.len() }),
        None => Ok(entries),
    }
}

/// The same, whatever the entries' sizes.
async fn ask(client: &mut LogServiceClient<Channel>, start: u64) -> Result<Vec<Vec<u8>>, Error> {
    let request = ListEntriesRequest { start, page_size: PAGE };
    let answer = client.list_entries(request).await;
    let answer = answer.map_err(|source| Error::Remote { index: start, source: Box::new(source) })?.into_inner();
    if answer.start != start {
        return Err(Error::Gap { asked: start, given: answer.start });
    }
    Ok(answer.entries)
}

fn read(path: &Path, reader: &mut BufReader<File>, index: u64) -> Result<Option<Vec<u8>>, Error> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Cut { path: path.into(), index },
        _ => Error::Io { path: path.into(), source: error },
    };
    let mut length = [0; 4];
    // The end of the file is the end of the log only between two entries.
    if reader.read(&mut length[..1]).map_err(failed)? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut length[1..]).map_err(failed)?;
    let bytes = u32::from_le_bytes(length) as usize;
    if bytes > ENTRY_BYTES_MAX {
        return Err(Error::Oversized { index, bytes });
    }
    let mut entry = vec![0; bytes];
    reader.read_exact(&mut entry).map_err(failed)?;
    Ok(Some(entry))
}

/// Writes a log file.
#[derive(Debug)]
pub struct Writer {
    file: BufWriter<File>,
}

impl Writer {
    /// Begins a file; one that is there is not written over.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create_new(path)?);
        file.write_all(HEADER)?;
        Ok(Self { file })
    }

    /// Writes the next entry.
    pub fn entry(&mut self, entry: &[u8]) -> io::Result<()> {
        let length = u32::try_from(entry.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(entry)
    }

    /// Ends the file.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()
    }
}
