//! What goes to standard output: one line that scripts wait for, membership files, and cases. Everything else is logged to
//! standard error.
#![allow(clippy::print_stdout, reason = "this is the module that prints")]
use gpux_proto::bytes::to_hex;
use std::{
    io::{self, Write as _},
    net::SocketAddr,
};

/// Says where the node listens and who it is.
pub fn listening(address: SocketAddr, node: &[u8; 32]) {
    println!("listening on http://{address} as node {}", to_hex(node));
}

/// Prints a text as it is.
pub fn text(text: &str) {
    print!("{text}");
}

/// Writes a file to standard output.
pub fn file(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}
