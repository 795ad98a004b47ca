use super::*;
use crate::evidence::{Commit, Report};

const COURT: Address = Address::repeat_byte(0xC0);

fn offer() -> Offer {
    Offer {
        chain_id: 31_337,
        rentals: vec![0x11; 20],
        node: SigningKey::from_bytes(&[5; 32]).verifying_key().to_bytes().to_vec(),
        provider: vec![0x22; 20],
        descriptor_digest: vec![0x33; 32],
        rate: "1000".into(),
        capacity: 1,
        valid_until: 2_000_000_000,
    }
}

#[test]
fn ids_are_separated_by_domain() {
    assert_ne!(id(Domain::Report, b"x"), id(Domain::Commit, b"x"));
    assert_eq!(id(Domain::Report, b"x"), *blake3::hash(b"gpux/report/1\0x").as_bytes());
}

#[test]
fn a_signature_over_one_kind_is_none_over_another() {
    let key = SigningKey::from_bytes(&[9; 32]);
    let signed = sign(Domain::Commit, &Commit { chain_id: 1, ..Default::default() }, &key);
    assert!(verify(Domain::Commit, &signed, &key.verifying_key()).is_ok());
    assert_eq!(verify(Domain::Report, &signed, &key.verifying_key()), Err(Error::Ed25519("gpux/report/1")));
    let mut edited = signed;
    edited.payload.push(0);
    assert!(verify(Domain::Commit, &edited, &key.verifying_key()).is_err());
}

#[test]
fn weak_keys_and_oversized_payloads_are_refused() {
    assert_eq!(public_key("node", &[0; 32]), Err(Error::Key("node")), "the all-zero key has small order");
    let signed = Signed { payload: vec![0; PAYLOAD_BYTES_MAX + 1], signature: vec![0; 64] };
    assert!(matches!(open::<Report>(Domain::Report, &signed), Err(Error::Oversized { .. })));
}

#[test]
fn every_field_of_an_offer_moves_its_digest() {
    let base = offer_digest(&offer()).unwrap();
    let edits: [fn(&mut Offer); 8] = [
        |o| o.chain_id += 1,
        |o| o.rentals[0] ^= 1,
        |o| o.node[0] ^= 1,
        |o| o.provider[0] ^= 1,
        |o| o.descriptor_digest[0] ^= 1,
        |o| o.rate = "1001".into(),
        |o| o.capacity += 1,
        |o| o.valid_until += 1,
    ];
    for edit in edits {
        let mut changed = offer();
        edit(&mut changed);
        assert_ne!(offer_digest(&changed).unwrap(), base);
    }
}

#[test]
fn every_field_of_terms_moves_the_rentals_id() {
    let terms = Terms { consumer: vec![0x44; 20], offer: Some(offer()), note: vec![0x55; 32], nonce: 1 };
    let base = rental_id(&terms).unwrap();
    let edits: [fn(&mut Terms); 5] = [
        |t| t.consumer[0] ^= 1,
        |t| t.offer.as_mut().unwrap().chain_id += 1,
        |t| t.offer.as_mut().unwrap().rate = "1001".into(),
        |t| t.note[31] ^= 1,
        |t| t.nonce += 1,
    ];
    for edit in edits {
        let mut changed = terms.clone();
        edit(&mut changed);
        assert_ne!(rental_id(&changed).unwrap(), base);
    }
}

#[test]
fn a_session_is_authorised_for_one_rental_key_time_and_contract() {
    let of = |chain, contract, rental, key, until| {
        session_digest(chain, Address::repeat_byte(contract), [rental; 32], [key; 32], until).unwrap()
    };
    let base = of(10, 1, 2, 3, 4);
    for other in [of(11, 1, 2, 3, 4), of(10, 2, 2, 3, 4), of(10, 1, 3, 3, 4), of(10, 1, 2, 4, 4), of(10, 1, 2, 3, 5)] {
        assert_ne!(other, base);
    }
    assert!(session_digest(10, COURT, [2; 32], [3; 32], 1 << 40).is_err());
}

#[test]
fn an_offer_with_one_signature_is_void() {
    let node = SigningKey::from_bytes(&[5; 32]);
    let digest = offer_digest(&offer()).unwrap();
    let signed = SignedOffer {
        offer: Some(offer()),
        node_signature: sign_id(&digest, &node).to_vec(),
        provider_signature: vec![0; 65],
    };
    assert!(matches!(verify_offer(&signed), Err(Error::Ecdsa { kind: "offer", .. })));
    let unsigned = SignedOffer { node_signature: vec![], ..signed };
    assert!(matches!(verify_offer(&unsigned), Err(Error::Field(_))));
}

#[test]
fn rates_and_times_outside_their_solidity_type_are_refused() {
    assert!(offer_digest(&Offer { rate: (1u128 << 96).to_string(), ..offer() }).is_err());
    assert!(offer_digest(&Offer { rate: "-1".into(), ..offer() }).is_err());
    assert!(offer_digest(&Offer { valid_until: 1 << 40, ..offer() }).is_err());
}

#[test]
fn an_ecdsa_signature_counts_for_its_signer_only_and_in_one_form_only() {
    // EIP-712's own "Mail" example: digest and signature by the key keccak256("cow").
    let digest = bytes::from_hex("digest", "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2").unwrap();
    let signer: Address = "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826".parse().unwrap();
    let signature: [u8; 65] = bytes::from_hex(
        "signature",
        "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c",
    )
    .unwrap();
    assert_eq!(verify_ecdsa("mail", &digest, &signature, signer), Ok(()));
    assert!(verify_ecdsa("mail", &digest, &signature, COURT).is_err());
    let n = U256::from_be_bytes(
        bytes::from_hex::<32>("n", "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").unwrap(),
    );
    let mut high = signature;
    let s = U256::from_be_slice(&signature[32..64]);
    high[32..64].copy_from_slice(&(n - s).to_be_bytes::<32>());
    high[64] = 27;
    assert!(verify_ecdsa("mail", &digest, &high, signer).is_err(), "the mirrored s is the same curve point");
}

#[test]
fn a_note_opens_for_its_filer_only() {
    let filer = Address::repeat_byte(1);
    let base = note(10, COURT, filer, [4; 32]);
    assert_ne!(base, note(10, COURT, Address::repeat_byte(2), [4; 32]));
    assert_ne!(base, note(11, COURT, filer, [4; 32]));
    assert_ne!(base, note(10, COURT, filer, [5; 32]));
}

#[test]
fn a_signer_is_recovered_from_the_strict_form_only() {
    let digest = keccak256("gpux").0;
    let recovered = |signature: &[u8]| recover_ecdsa("opening", &digest, signature);
    assert!(matches!(recovered(&[1; 64]), Err(Error::Field(_))));
    assert_eq!(recovered(&[0; 65]), Err(Error::Form("opening")));
    let mut low = [1; 65];
    low[64] = 27;
    let account = recovered(&low).unwrap();
    assert!(verify_ecdsa("opening", &digest, &low, account).is_ok());
    for v in [0, 1, 26, 29, 37] {
        low[64] = v;
        assert_eq!(recovered(&low), Err(Error::Form("opening")), "v = {v}");
    }
    let mut high = [0xee; 65];
    high[..32].copy_from_slice(&[1; 32]);
    high[64] = 27;
    assert_eq!(recovered(&high), Err(Error::Form("opening")));
}
