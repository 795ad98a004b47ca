use super::*;

pub(super) const DEFAULTS: Defaults = Defaults { parameters: B256::repeat_byte(0x77), epoch_length: 3_600 };
pub(super) const LEAST: &str = r#"
chain_id = 10
token = "0x0b2C639c533813f4Aa9D7837CAf62653d097Ff85"
admin = "0x00000000000000000000000000000000000000a1"
guardian = "0x00000000000000000000000000000000000000a2"
treasury = "0x00000000000000000000000000000000000000a3"
operators = ["0x00000000000000000000000000000000000000b2", "0x00000000000000000000000000000000000000b1"]
threshold = 2
"#;

fn read(text: &str) -> Result<Network, FileError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.toml");
    std::fs::write(&path, text).unwrap();
    Network::read(&path, DEFAULTS)
}

fn refused(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn what_is_left_out_is_what_the_design_says() {
    let network = read(LEAST).unwrap();
    assert_eq!(network.arbiter, network.admin);
    assert_eq!(network.parameters, DEFAULTS.parameters);
    assert_eq!(network.operators[0], Address::with_last_byte(0xb1), "in rising order, as Scores wants signers");
    assert_eq!(network.windows.longest(), 50 * DAY);
    let Periods { hold_honest, hold, thaw, epoch_length, .. } = network.periods;
    assert_eq!((hold_honest, hold, thaw, epoch_length), (72 * HOUR, 14 * DAY, 90 * DAY, 3_600));
    assert_eq!((network.rules.min_bond, network.rules.fee), (50_000_000, 1_000_000));
}

#[test]
fn what_is_given_counts() {
    let more = "governor = \"0x00000000000000000000000000000000000000c1\"\n[periods]\nhold = \"15 d\"\nepoch_length = \"90 s\"\n\
                activation_delay = \"1 min\"\n[windows]\nanswer = \"36 h\"\n[rules]\nfee = 7\n";
    let network = read(&format!("{LEAST}{more}")).unwrap();
    assert_eq!(network.governor, Some(Address::with_last_byte(0xc1)));
    assert_eq!(
        (network.periods.hold, network.periods.epoch_length, network.periods.activation_delay),
        (15 * DAY, 90, 60)
    );
    assert_eq!((network.windows.answer, network.windows.ruling, network.rules.fee), (36 * HOUR, 21 * DAY, 7));
}

#[test]
fn unknown_keys_and_mistyped_values_are_refused() {
    assert!(refused(&format!("{LEAST}gaurdian = \"0x01\"")).contains("gaurdian"));
    assert!(refused(&format!("{LEAST}[windows]\nanswers = \"1 d\"")).contains("answers"));
    assert!(refused(&LEAST.replace("threshold = 2", "")).contains("threshold"));
    assert!(refused(&format!("{LEAST}[windows]\nanswer = \"1 week\"")).contains("1 week"));
    assert!(refused(&format!("{LEAST}[windows]\nanswer = 86400")).contains("string"));
    assert!(refused(&format!("{LEAST}[periods]\nthaw = \"999999999999 d\"")).contains("999999999999"));
    assert!(refused(&format!("{LEAST}[periods]\nepoch_length = \"0 s\"")).contains("no time to act"));
    // One digit of USDC's address differs in its case.
    assert!(refused(&LEAST.replace("0x0b2C", "0x0b2c")).contains("checksum"));
    assert!(refused(&LEAST.replace("00a1\"", "0000\"")).contains("zero address"));
    assert!(refused(&"#".repeat(BYTES_MAX as usize + 1)).contains("larger"));
    assert!(matches!(Network::read(Path::new("/nowhere/network.toml"), DEFAULTS), Err(FileError::Io { .. })));
}

#[test]
fn an_rpc_with_a_key_is_not_quoted() {
    let error = refused(&format!("rpc = \"https://rpc.example/secret\" oops{LEAST}"));
    assert!(!error.contains("secret"), "{error}");
}

#[test]
fn what_the_contracts_refuse_is_refused_before_it_costs() {
    let cases = [
        ("operators", LEAST.replace("00b1\"", "00b2\"")),
        ("threshold", LEAST.replace("threshold = 2", "threshold = 3")),
        ("threshold", LEAST.replace("threshold = 2", "threshold = 0")),
        ("guardian", LEAST.replace("00a2\"", "00a1\"")),
        ("periods.activation_delay", format!("{LEAST}[periods]\nactivation_delay = \"61 min\"")),
        ("periods.hold", format!("{LEAST}[periods]\nhold = \"71 h\"")),
        ("periods.hold", format!("{LEAST}[periods]\nhold = \"17 d\"")),
        ("windows.filing", format!("{LEAST}[windows]\nfiling = \"73 h\"")),
        ("periods.timelock_delay", format!("{LEAST}[periods]\ntimelock_delay = \"21 d\"")),
        ("rules", format!("{LEAST}[rules]\nmin_bond = 0\nfee = 0")),
        ("rules", format!("{LEAST}[rules]\nfee = 50000001")),
    ];
    for (expected, text) in cases {
        match read(&text) {
            Err(FileError::Value { key, .. }) => assert_eq!(key, expected, "{text}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
}
