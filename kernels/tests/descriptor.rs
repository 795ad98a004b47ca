//! The worker finds a simulated card on file descriptor 3, and nothing else there is taken for one.
//!
//! The test runs itself again under a shell that arranges descriptor 3, since a process cannot do that to itself
//! without racing its other tests. One test only, so that no other opens a socket meanwhile.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use gpux_kernels::catalogue::by_name;
use gpux_kernels::device::Device;
use gpux_kernels::device::paced::{Behaviour, Card, PacedClient, PacedModel, serve};

const AGAIN: &str = "GPUX_TEST_DESCRIPTOR";

/// Runs this test again with `redirection` and says what it found.
fn found(redirection: &str, stdin: Stdio) -> String {
    let script = format!("exec \"$0\" --exact card_is_found_on_descriptor_three --nocapture {redirection}");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).arg(std::env::current_exe().expect("the test has a path")).env(AGAIN, "1").stdin(stdin);
    let output = shell.output().expect("there is a shell");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("the test prints text");
    let line = text.lines().find_map(|line| line.split_once("descriptor: ")).map(|(_, found)| found.to_owned());
    line.unwrap_or(text)
}

#[test]
fn card_is_found_on_descriptor_three() {
    if std::env::var_os(AGAIN).is_some() {
        let found = PacedClient::from_fd3().unwrap().map_or("none".to_owned(), |card| card.info().name);
        println!("descriptor: {found}");
        return;
    }
    assert_eq!(found("3<&-", Stdio::null()), "none");
    assert_eq!(found("3</dev/null", Stdio::null()), "none");
    assert_eq!(found("3<&0", Stdio::piped()), "none");
    let (ours, theirs) = UnixStream::pair().unwrap();
    let name = "GeForce RTX 3090";
    let server = std::thread::spawn(move || {
        serve(ours, &mut PacedModel::new(by_name(name).unwrap().clone(), Card::new(), Behaviour::Honest))
    });
    assert_eq!(found("3<&0", Stdio::from(OwnedFd::from(theirs))), name);
    server.join().unwrap().unwrap();
}
