//! Valid requests with a few bytes changed: never a panic, never a changed store, and never accepted unsigned.

use gpux_proto::{
    evidence::{Description, Registration, RelayRegistration, Signed},
    signing::{self, Domain},
};
use proptest::prelude::*;
use prost::Message as _;

use super::{
    super::{evidence, report, rules::Rules, stamps},
    honest,
    keys::Keys,
    relays::Owner,
    shared,
    world::{NOW, World, deployment},
};
use crate::score::Parameters;

/// Where and how bytes are changed.
#[derive(Debug, Clone)]
struct Damage {
    places: Vec<(prop::sample::Index, u8)>,
    cut: Option<prop::sample::Index>,
}

fn damage() -> impl Strategy<Value = Damage> {
    let places = prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..4);
    (places, prop::option::of(any::<prop::sample::Index>())).prop_map(|(places, cut)| Damage { places, cut })
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let before = bytes.clone();
        for (index, change) in &self.places {
            let at = index.index(bytes.len());
            bytes[at] ^= change;
        }
        // Two changes of one place may undo each other.
        if *bytes == before {
            bytes[0] ^= 1;
        }
        if let Some(cut) = &self.cut {
            bytes.truncate(cut.index(bytes.len()));
        }
    }
}

fn run(test: impl AsyncFnOnce(&World) -> Result<(), TestCaseError>) -> Result<(), TestCaseError> {
    static RUNTIME: std::sync::OnceLock<tokio::runtime::Runtime> = std::sync::OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap());
    runtime.block_on(async {
        let world = shared().await;
        let before = world.contents().await;
        test(world).await?;
        prop_assert_eq!(world.contents().await, before);
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn damaged_signed_messages_change_nothing(damage in damage(), which in 0..2) {
        run(async |world| {
            let report = world.keys.report(honest());
            let signed = signing::sign(Domain::Report, &report, &world.keys.report);
            let mut commit = world.keys.commit(&signed).encode_to_vec();
            let mut signed = signed.encode_to_vec();
            damage.apply(if which == 0 { &mut commit } else { &mut signed });
            if which == 0 && let Ok(commit) = Signed::decode(commit.as_slice()) {
                prop_assert!(world.ingest.commit_report(commit).await.is_err());
            }
            if let Ok(signed) = Signed::decode(signed.as_slice()) {
                prop_assert!(world.ingest.submit_report(signed, honest().encode_to_vec()).await.is_err());
            }
            Ok(())
        })?;
    }

    #[test]
    fn damaged_descriptions_and_registrations_change_nothing(damage in damage()) {
        run(async |world| {
            let mut descriptor = world.keys.descriptor();
            descriptor.sequence = 2;
            let mut bytes = world.keys.describe(&descriptor).encode_to_vec();
            damage.apply(&mut bytes);
            if let Ok(description) = Description::decode(bytes.as_slice()) {
                prop_assert!(world.ingest.announce_node(description).await.is_err());
            }
            let mut bytes = world.keys.registration().encode_to_vec();
            damage.apply(&mut bytes);
            if let Ok(registration) = Registration::decode(bytes.as_slice()) {
                prop_assert!(world.ingest.register_fisher(registration).await.is_err());
            }
            Ok(())
        })?;
    }

    #[test]
    fn damaged_relays_and_stamps_change_nothing(damage in damage()) {
        run(async |world| {
            let owner = Owner { account: world.keys.fisher.clone(), ..Owner::new(0) };
            let mut bytes = owner.registration().encode_to_vec();
            damage.apply(&mut bytes);
            if let Ok(registration) = RelayRegistration::decode(bytes.as_slice()) {
                prop_assert!(world.ingest.register_relay(registration).await.is_err());
            }
            let mut bytes = owner.signed(&owner.stamps(honest())).encode_to_vec();
            damage.apply(&mut bytes);
            if let Ok(signed) = Signed::decode(bytes.as_slice()) {
                prop_assert!(world.ingest.submit_stamps(signed).await.is_err());
            }
            // A relay signs what it likes.
            let mut payload = owner.stamps(honest()).encode_to_vec();
            damage.apply(&mut payload);
            let _ = stamps::decode(&Signed { payload, signature: Vec::new() }, NOW);
            Ok(())
        })?;
    }

    /// A fisher signs what he likes: everything behind the signature meets any bytes.
    #[test]
    fn anything_that_a_fisher_signs_is_judged_without_a_panic(damage in damage(), bundle in damage(), both in any::<bool>()) {
        let keys = Keys::new();
        let rules = Rules { deployment: deployment(), parameters: Parameters::development(), releases: Vec::new() };
        let mut bytes = honest().encode_to_vec();
        bundle.apply(&mut bytes);
        let mut report = keys.report(honest());
        report.bundle_digest = signing::id(Domain::Bundle, &bytes).to_vec();
        let mut payload = report.encode_to_vec();
        if both {
            damage.apply(&mut payload);
        }
        let signature = signing::sign_id(&signing::id(Domain::Report, &payload), &keys.report).to_vec();
        if let Ok(decoded) = report::decode(&Signed { payload, signature }, &bytes, &rules, NOW) {
            let _ = report::bindings(&decoded, &rules);
            if evidence::digest(&decoded, &bytes).is_ok() && bytes != honest().encode_to_vec() {
                // A changed bundle is another one: what it shows may be the same only where nothing was signed.
                let _ = evidence::check(&decoded, &bytes, &rules);
            }
        }
    }
}
