//! The command lines of the two sandboxes. Limits are set by `prlimit` before anything of the renter runs; the renter's
//! environment is set by `env` last of all, since a variable such as LD_PRELOAD would otherwise run his code in front of
//! the limits, or outside of the sandbox.
use super::{Error, Kind, Limits};
use std::path::{Path, PathBuf};

const FOLDERS: [&str; 6] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin"];
/// Of the host a job sees the system's programs and libraries, read-only, and nothing else.
const SYSTEM_FOLDERS: [&str; 5] = ["/bin", "/lib", "/lib32", "/lib64", "/sbin"];
const WORKING_FOLDER: &str = "/job";
const FILES_MAX: u32 = 1_024;

/// What runs, and where its files lie.
#[derive(Debug)]
pub struct Program<'a> {
    /// The folder with the executable and the files of the manifest.
    pub folder: &'a Path,
    /// The executable's name in the folder: no slash, no equals sign.
    pub executable: &'a str,
    /// Its arguments, without its name.
    pub argv: &'a [String],
    /// Its whole environment.
    pub environment: &'a [(String, String)],
}

/// The programs of the host that a sandbox is made of.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    prlimit: PathBuf,
    setpriv: PathBuf,
    env: PathBuf,
    bwrap: Option<PathBuf>,
}

fn find(name: &'static str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

impl Tools {
    pub(super) fn find() -> Result<Self, Error> {
        let required = |name| find(name).ok_or(Error::Tool(name));
        Ok(Self {
            prlimit: required("prlimit")?,
            setpriv: required("setpriv")?,
            env: required("env")?,
            bwrap: find("bwrap"),
        })
    }

    /// Writes the command line of a program: the first item is what is executed.
    pub(super) fn command(&self, kind: Kind, program: &Program<'_>, limits: &Limits) -> Result<Vec<String>, Error> {
        let mut line = Line::default();
        line.path(&self.prlimit)?;
        line.add(&[&format!("--as={}", limits.memory_bytes), &format!("--fsize={}", limits.file_bytes), "--core=0"]);
        // The soft limit's signal says what happened; a job that ignores it meets the hard one.
        let cpu = limits.cpu.as_secs().max(1);
        line.add(&[&format!("--cpu={cpu}:{}", cpu + 1), &format!("--nofile={FILES_MAX}"), "--"]);
        match kind {
            Kind::Bubblewrap => self.bubblewrap(&mut line, program.folder, limits)?,
            Kind::Development => {
                line.path(&self.setpriv)?;
                line.add(&["--pdeathsig", "KILL", "--no-new-privs", "--"]);
            }
        }
        line.path(&self.env)?;
        line.add(&["-i"]);
        line.items.extend(program.environment.iter().map(|(name, value)| format!("{name}={value}")));
        line.items.push(format!("./{}", program.executable));
        line.items.extend(program.argv.iter().cloned());
        Ok(line.items)
    }

    fn bubblewrap(&self, line: &mut Line, folder: &Path, limits: &Limits) -> Result<(), Error> {
        line.path(self.bwrap.as_deref().ok_or(Error::Tool("bwrap"))?)?;
        line.add(&["--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--disable-userns"]);
        line.add(&["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv", "--hostname", "job"]);
        line.add(&["--ro-bind", "/usr", "/usr"]);
        for folder in SYSTEM_FOLDERS {
            match std::fs::read_link(folder) {
                Ok(target) => line.add(&["--symlink", text(&target)?, folder]),
                Err(_) => line.add(&["--ro-bind-try", folder, folder]),
            }
        }
        line.add(&["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache", "--proc", "/proc", "--dev", "/dev"]);
        // Temporary files lie in memory of bounded size; whatever else could be written to is not writable.
        let size = limits.file_bytes.to_string();
        line.add(&["--size", &size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]);
        line.add(&["--size", &size, "--perms", "1777", "--tmpfs", "/tmp"]);
        line.add(&["--ro-bind", text(folder)?, WORKING_FOLDER, "--remount-ro", "/", "--chdir", WORKING_FOLDER, "--"]);
        // Inside, where the kernel counts the sandbox's processes alone: outside, those of the node's user would count.
        line.path(&self.prlimit)?;
        line.add(&[&format!("--nproc={}", limits.tasks), "--"]);
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Line {
    items: Vec<String>,
}

impl Line {
    fn add(&mut self, items: &[&str]) {
        self.items.extend(items.iter().map(|item| (*item).to_owned()));
    }

    fn path(&mut self, path: &Path) -> Result<(), Error> {
        self.add(&[text(path)?]);
        Ok(())
    }
}

fn text(path: &Path) -> Result<&str, Error> {
    path.to_str().ok_or_else(|| Error::Path(path.to_owned()))
}
