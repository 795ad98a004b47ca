//! Cases as their parties use them: what a case is, whose turn it is, what it can reach, and every step as a transaction.
//!
//! Owns the calls to Court and the words for what it refuses. Terms of rentals come from logs, and their ids are computed
//! again: a node that serves false ones is found out. It never decides whether a party is right.

mod case;
mod client;
mod earnings;
mod holdings;
mod naming;
mod watch;
mod words;

pub use case::{Case, Kind, Outcome, State, Turn, Windows};
pub use client::{Client, Error};
pub use earnings::{Earning, Earnings, Leaves};
pub use holdings::{Holding, reaching, worth};
pub use naming::{StatementError, id, statement};
pub use watch::{Sight, Watch};
