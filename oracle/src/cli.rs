//! The command line of `gpux-oracle`.
//!
//! Owns flags and their names, nothing of what they do. No flag takes a secret: keys and passwords are files.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use gpux_contracts::network::Stage;

/// The reputation oracle: evidence in, scores out.
#[derive(Debug, Parser)]
#[command(
    name = "gpux-oracle",
    version,
    after_help = "Exit codes: 0 ok, 1 failed, 2 a check found something (the evidence convicts, attest or \
                  countersign does not sign, the replay or the deployment differs), 64 usage."
)]
pub struct Cli {
    /// How log lines look on stderr.
    #[arg(long, global = true, env = "GPUX_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// Which log lines are written, as in "info" or "gpux_oracle=debug,warn".
    #[arg(long, global = true, env = "GPUX_LOG", default_value = "info")]
    pub log_filter: String,
    #[command(subcommand)]
    pub command: Command,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Takes reports, folds them, publishes scores and answers who asks.
    Serve(Serve),
    /// Re-checks a session's bundle offline, recomputing what was drawn.
    VerifyEvidence(VerifyEvidence),
    /// Signs that a bundle convicts, for a proof case before Court; signs nothing if it does not.
    Attest(Attest),
    /// Runs beside an oracle of the same market: recomputes what it publishes, and signs what is right.
    Countersign(Countersign),
    /// Recomputes an epoch's scores from the log and compares them with what was published.
    Replay(Replay),
    /// Prints how a node's score and verdict came about, factor by factor.
    Explain(Explain),
    /// Looks at cases of Court, and takes the steps of arbiters and of anybody.
    #[command(subcommand)]
    Case(Case),
    /// Says what an error code means and what to do about it.
    ExplainError(ExplainError),
    /// Plans, makes and checks the deployment of a market's contracts, and hands it over.
    #[command(subcommand)]
    Deploy(Deploy),
}

#[derive(Debug, Args)]
pub struct ExplainError {
    /// The code, as in the answer's "reason": "RENTAL_UNKNOWN".
    pub code: String,
}

/// A step of a deployment.
#[derive(Debug, Subcommand)]
pub enum Deploy {
    /// Prints what would be sent, to which addresses and at what price; sends nothing.
    Plan(Deployer),
    /// Deploys what does not stand yet, writes the deployment file, and checks it. Safe to run again.
    Run(Deployer),
    /// Compares what stands with the network file, code and roles included.
    Verify(VerifyDeployment),
    /// Says how far a stage of the handover is, and with a key takes those steps that are its own.
    Handover(Handover),
    /// Prints what each call of the running market costs, at the network file's fees; asks no chain.
    Costs(Costs),
}

/// Where what is called.
#[derive(Debug, Args)]
pub struct Costs {
    /// The network file, in TOML: its chain and its fees count.
    #[arg(long)]
    pub network: PathBuf,
}

/// What is, or is to be, deployed.
#[derive(Debug, Args)]
pub struct Market {
    /// The network file, in TOML: the parties, periods and rules of the market.
    #[arg(long)]
    pub network: PathBuf,
    /// The HTTP URL of the chain's RPC [default: the network file's].
    #[arg(long, env = "GPUX_RPC", hide_env_values = true)]
    pub rpc: Option<String>,
    /// The folder of the deployment file, which is <chain id>.json.
    #[arg(long, default_value = "contracts/deployments")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Deployer {
    #[command(flatten)]
    pub market: Market,
    #[command(flatten)]
    pub sender: Sender,
}

#[derive(Debug, Args)]
pub struct VerifyDeployment {
    #[command(flatten)]
    pub market: Market,
    /// How far the handover is: A, B, C or D.
    #[arg(long, default_value = "A")]
    pub stage: Stage,
}

#[derive(Debug, Args)]
pub struct Handover {
    #[command(flatten)]
    pub market: Market,
    #[command(flatten)]
    pub sender: Sender,
    /// The stage to reach: B, C or D.
    #[arg(long)]
    pub stage: Stage,
}

/// A step of a case, or a look at it.
#[derive(Debug, Subcommand)]
pub enum Case {
    /// Lists the newest cases: where each stands, and whose turn it is.
    List(Chain),
    /// Shows one case.
    Show(Look),
    /// Rules, as the arbiter or the appeal court of the case.
    Rule(Rule),
    /// Brings a case before the appeal court after the arbiter's silence.
    Escalate(Act),
    /// Ends a case whose last window is over: its money moves.
    Finalise(Act),
    /// Follows all open cases, and says when a turn changes.
    Watch(Watch),
}

/// Where the chain is.
#[derive(Debug, Args)]
pub struct Chain {
    /// The HTTP URL of the chain's RPC.
    #[arg(long, env = "GPUX_RPC", hide_env_values = true)]
    pub rpc: String,
    /// The deployment file that names the contracts.
    #[arg(long, env = "GPUX_DEPLOYMENT")]
    pub deployment: PathBuf,
}

/// Who sends.
#[derive(Debug, Args)]
pub struct Sender {
    /// The key: a Web3 keystore, or a file of 64 hexadecimal digits that nobody else can read.
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// The file of that key's password, if it is a Web3 keystore.
    #[arg(long, requires = "key_file")]
    pub password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Look {
    /// The case: "cases/0x…" or its id.
    pub case: String,
    #[command(flatten)]
    pub chain: Chain,
}

#[derive(Debug, Args)]
pub struct Act {
    /// The case: "cases/0x…" or its id.
    pub case: String,
    #[command(flatten)]
    pub chain: Chain,
    #[command(flatten)]
    pub sender: Sender,
}

#[derive(Debug, Args)]
pub struct Rule {
    #[command(flatten)]
    pub act: Act,
    /// "upheld", "rejected" or "drawn".
    #[arg(long)]
    pub outcome: gpux_contracts::court::Outcome,
    /// What is slashed of an upheld case, in token units [default: all that the cap allows].
    #[arg(long)]
    pub amount: Option<u128>,
    /// The levy on later earnings of an upheld case, in basis points.
    #[arg(long, default_value_t = 0)]
    pub levy_bps: u16,
}

#[derive(Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    pub chain: Chain,
    #[command(flatten)]
    pub sender: Sender,
    /// Escalates after silence and finalises when the last window is over; needs --key-file.
    #[arg(long, requires = "key_file")]
    pub act: bool,
    /// How often it looks, in seconds.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub every: u64,
}

/// What `serve` takes; each may also stand in the configuration file, under the flag's name with underscores.
#[derive(Debug, Args, Default)]
pub struct Serve {
    /// A TOML file with any of these settings; flags and environment come first.
    #[arg(long, env = "GPUX_CONFIG")]
    pub config: Option<PathBuf>,
    /// The directory of everything that is kept; created if missing.
    #[arg(long, env = "GPUX_DATA")]
    pub data: Option<PathBuf>,
    /// The HTTP URL of the chain's RPC.
    #[arg(long, env = "GPUX_RPC")]
    pub rpc: Option<String>,
    /// The deployment file that names the contracts.
    #[arg(long, env = "GPUX_DEPLOYMENT")]
    pub deployment: Option<PathBuf>,
    /// The file of the key that signs epochs and pays for their publication.
    #[arg(long, env = "GPUX_OPERATOR_KEY_FILE")]
    pub operator_key_file: Option<PathBuf>,
    /// The file of that key's password, if it is a Web3 keystore.
    #[arg(long, env = "GPUX_OPERATOR_PASSWORD_FILE")]
    pub operator_password_file: Option<PathBuf>,
    /// Where gRPC and HTTP are served [default: 127.0.0.1:0].
    #[arg(long, env = "GPUX_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Where /healthz, /readyz and /metrics are served [default: 127.0.0.1:0].
    #[arg(long, env = "GPUX_ADMIN_LISTEN")]
    pub admin_listen: Option<SocketAddr>,
    /// A released worker whose evidence counts; may be repeated [default: gpux-job beside this program, if it is there].
    #[arg(long, env = "GPUX_RELEASE", value_delimiter = ',')]
    pub release: Vec<PathBuf>,
    /// Reads that one address may ask in a second, and four times as many at once; 0 is no limit [default: 1000].
    #[arg(long, env = "GPUX_READS_PER_SECOND")]
    pub reads_per_second: Option<u32>,
    /// Writes that one address may send in a second, likewise [default: 200].
    #[arg(long, env = "GPUX_WRITES_PER_SECOND")]
    pub writes_per_second: Option<u32>,
    /// Writes that one key may sign in a second, likewise [default: 50].
    #[arg(long, env = "GPUX_KEY_WRITES_PER_SECOND")]
    pub key_writes_per_second: Option<u32>,
    /// Runs a development market: simulated devices and short epochs.
    #[arg(long, env = "GPUX_DEVELOPMENT", num_args = 0..=1, default_missing_value = "true")]
    pub development: Option<bool>,
    /// Prints the settings in force, without secrets, and exits.
    #[arg(long)]
    pub dump_config: bool,
}

#[derive(Debug, Args)]
pub struct VerifyEvidence {
    /// The bundle's file, as GET /v1/bundles/{digest} serves it.
    pub file: PathBuf,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Examines by the rules of a development market.
    #[arg(long)]
    pub development: bool,
    /// The deployment file whose chain and contract the session must name; without it those in the bundle are taken.
    #[arg(long)]
    pub deployment: Option<PathBuf>,
    /// A released worker whose evidence counts; may be repeated [default: gpux-job beside this program, if it is there].
    #[arg(long, env = "GPUX_RELEASE", value_delimiter = ',')]
    pub release: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Attest {
    /// The bundle's file.
    #[arg(required_unless_present = "bundle", conflicts_with = "bundle")]
    pub file: Option<PathBuf>,
    /// The bundle's digest: it is fetched from the oracle, although it is sealed.
    #[arg(long, value_name = "HEX", requires = "oracle")]
    pub bundle: Option<String>,
    /// An oracle that holds the bundle.
    #[arg(long, value_name = "URL", requires = "bundle")]
    pub oracle: Option<String>,
    /// The deployment file whose Court is to hear the case.
    #[arg(long, env = "GPUX_DEPLOYMENT")]
    pub deployment: PathBuf,
    /// The operator's key.
    #[arg(long, env = "GPUX_OPERATOR_KEY_FILE")]
    pub operator_key_file: PathBuf,
    /// The file of that key's password, if it is a Web3 keystore.
    #[arg(long, env = "GPUX_OPERATOR_PASSWORD_FILE")]
    pub operator_password_file: Option<PathBuf>,
    /// A released worker whose evidence counts; may be repeated [default: gpux-job beside this program, if it is there].
    #[arg(long, env = "GPUX_RELEASE", value_delimiter = ',')]
    pub release: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Countersign {
    /// The URL of the oracle that sequences the log and publishes.
    #[arg(long, value_name = "URL")]
    pub of: String,
    /// The directory of everything that is kept; created if missing.
    #[arg(long, env = "GPUX_DATA")]
    pub data: PathBuf,
    /// The HTTP URL of this operator's own node of the chain.
    #[arg(long, env = "GPUX_RPC", hide_env_values = true)]
    pub rpc: String,
    /// The deployment file that names the contracts.
    #[arg(long, env = "GPUX_DEPLOYMENT")]
    pub deployment: PathBuf,
    /// The operator's key.
    #[arg(long, env = "GPUX_OPERATOR_KEY_FILE")]
    pub operator_key_file: PathBuf,
    /// The file of that key's password, if it is a Web3 keystore.
    #[arg(long, env = "GPUX_OPERATOR_PASSWORD_FILE")]
    pub operator_password_file: Option<PathBuf>,
    /// Ends after everything that is there was looked at.
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, Args)]
pub struct Replay {
    /// The log: an oracle's URL, or a file that --save wrote.
    #[arg(long)]
    pub log: String,
    /// The epoch [default: the newest that was published].
    #[arg(long)]
    pub epoch: Option<u64>,
    /// Compares with what the chain says; needs --deployment. Without it, with what an oracle says.
    #[arg(long, env = "GPUX_RPC", requires = "deployment")]
    pub rpc: Option<String>,
    /// The deployment file that names the contracts.
    #[arg(long, env = "GPUX_DEPLOYMENT")]
    pub deployment: Option<PathBuf>,
    /// Another log, to find the first entry that differs with: an oracle's URL or a file [default: the oracle compared with].
    #[arg(long)]
    pub against: Option<String>,
    /// Keeps what was read as a new file.
    #[arg(long)]
    pub save: Option<PathBuf>,
    /// Folds by the parameters of a development market.
    #[arg(long, env = "GPUX_DEVELOPMENT")]
    pub development: bool,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// The node: "nodes/0x…" or its public key.
    pub node: String,
    /// The log: an oracle's URL, or a file that `replay --save` wrote.
    #[arg(long)]
    pub log: String,
    /// Explains the end of this epoch [default: the newest closed one].
    #[arg(long)]
    pub epoch: Option<u64>,
    /// Folds by the parameters of a development market.
    #[arg(long, env = "GPUX_DEVELOPMENT")]
    pub development: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_log_to_read_is_no_filter_of_log_lines() {
        let cli = Cli::try_parse_from(["gpux-oracle", "replay", "--log", "log.bin", "--log-filter", "warn"]).unwrap();
        assert_eq!(cli.log_filter, "warn");
        let Command::Replay(replay) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!(replay.log, "log.bin");
    }
}
