//! Whose word the entries of somebody else's log are.
//!
//! Owns the signatures of entries that enter in somebody's name, checked as they were when they were taken in, and the keys by
//! which fishers sign, as that log has them. Times are left out: a log does not say when an entry came, and an offer that has
//! ended since was good. Its invariant: what passes was signed by whom it speaks of.

use std::collections::HashMap;

use gpux_proto::{
    bytes::{array, present},
    evidence::{Commit, Report, Signed, log_entry::Fact},
    signing::{self, Domain},
};

use super::{Refusal, fisher, node, relay, report, rules, rules::Rules};

/// The keys of fishers, and what is checked by them.
#[derive(Debug)]
pub struct Signers {
    rules: Rules,
    /// Each fisher's newest key and the one before it: a commit may have been on its way when he changed it.
    keys: HashMap<[u8; 20], Keys>,
}

#[derive(Debug, Clone, Copy)]
struct Keys {
    newest: [u8; 32],
    before: Option<[u8; 32]>,
}

impl Signers {
    /// Knows nobody.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, keys: HashMap::new() }
    }

    /// The market's rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Checks an entry that somebody must have signed, and learns what it says of keys.
    pub fn check(&mut self, fact: &Fact) -> Result<(), Refusal> {
        match fact {
            Fact::NodeAnnounced(announced) => {
                node::check(present("description", &announced.description)?, &self.rules, None)?;
            }
            Fact::FisherRegistered(registered) => {
                fisher::check(present("registration", &registered.registration)?, &self.rules, None)?;
            }
            Fact::RelayRegistered(registered) => {
                relay::check(present("registration", &registered.registration)?, &self.rules, None)?;
            }
            Fact::ReportCommitted(committed) => self.commit(present("commit", &committed.commit)?)?,
            _ => {}
        }
        self.learn(fact);
        Ok(())
    }

    /// Learns what an entry says of keys that was checked before.
    pub fn learn(&mut self, fact: &Fact) {
        let Fact::FisherRegistered(registered) = fact else { return };
        let Some(registration) = &registered.registration else { return };
        let fisher = array("registration.fisher", &registration.fisher);
        let key = array("registration.report_key", &registration.report_key);
        let (Ok(fisher), Ok(newest)) = (fisher, key) else { return };
        match self.keys.get_mut(&fisher) {
            Some(keys) if keys.newest != newest => *keys = Keys { newest, before: Some(keys.newest) },
            Some(_) => {}
            None => {
                self.keys.insert(fisher, Keys { newest, before: None });
            }
        }
    }

    /// Checks a report that is said to have been accepted; returns its id and what it says.
    pub fn report(&self, signed: &Signed) -> Result<([u8; 32], Report), Refusal> {
        // Nothing lies ahead of the end of time.
        let decoded = report::decode(signed, &[], &self.rules, u64::MAX)?;
        self.signed(Domain::Report, signed, decoded.fisher.into_array(), Some(decoded.report_key))?;
        Ok((decoded.id, decoded.report))
    }

    fn commit(&self, signed: &Signed) -> Result<(), Refusal> {
        rules::bounded("commit", signed.payload.len(), rules::COMMIT_BYTES_MAX)?;
        let commit: Commit = signing::open(Domain::Commit, signed)?;
        self.rules.here("commit", commit.chain_id, &commit.rentals, self.rules.deployment.rentals)?;
        array::<32>("commit.report", &commit.report)?;
        self.signed(Domain::Commit, signed, array("commit.fisher", &commit.fisher)?, None)
    }

    /// Checks that a fisher signed, by a key that the log has of him; by a `named` one if he named it.
    fn signed(
        &self,
        domain: Domain,
        signed: &Signed,
        fisher: [u8; 20],
        named: Option<[u8; 32]>,
    ) -> Result<(), Refusal> {
        let keys = self.keys.get(&fisher).ok_or(Refusal::FisherUnknown(fisher.into()))?;
        let known = [Some(keys.newest), keys.before].into_iter().flatten();
        let mut refused = Refusal::FisherUnknown(fisher.into());
        for key in known.filter(|key| named.is_none_or(|named| named == *key)) {
            match signing::verify(domain, signed, &signing::public_key("registration.report_key", &key)?) {
                Ok(_) => return Ok(()),
                Err(error) => refused = error.into(),
            }
        }
        Err(refused)
    }
}
