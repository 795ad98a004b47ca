//! `gpux-prober case`: accuses a node by its published verdict, by proof, or by the renter's word, and takes a filer's later
//! steps.
use super::{endpoint, node, output, table, wallet::Party};
use crate::report::{self, Evidence, Oracle};
use alloy::primitives::{B256, Signature};
use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use gpux_contracts::{
    Deployment, Rentals,
    court::{self, Client, worth},
    keys, published,
};
use gpux_kernels::measure::RATIO_ONE;
use gpux_proto::bytes::{array, to_hex};
use std::{fs, io::Write as _, path::PathBuf, process::ExitCode};
use tonic::transport::Uri;

/// The longest detail that is shown, in bytes.
const DETAIL_BYTES_MAX: usize = 120;

/// What is done.
#[derive(Debug, Subcommand)]
pub(super) enum Case {
    /// Lists the delivered reports that accuse, and hands out their bundles.
    Evidence(Kept),
    /// Accuses a node: what it holds of its earnings is frozen until the case has ended.
    #[command(subcommand)]
    File(File),
    /// Shows a case: where it stands, and whose turn it is.
    Show(Step),
    /// Names more of what the node held at filing.
    Extend(Step),
    /// Appeals a ruling, under a counter-bond of the fisher's stake.
    Appeal(Step),
    /// Takes a bare case back, for a fee.
    Withdraw(Step),
    /// Ends a case whose last window is over: its money moves.
    Finalise(Step),
}

/// An accusation.
#[derive(Debug, Subcommand)]
pub(super) enum File {
    /// By an active leaf that says that the node under-delivers: anybody may, and no bond is needed.
    Statistical(Statistical),
    /// By operators' signatures that the bundle of one's own session convicts, under a bond.
    Proof(Proof),
    /// By one's own word about a rental that went wrong, under a bond.
    Bare(Bare),
}

#[derive(Debug, Args)]
pub(super) struct Statistical {
    /// The node's key.
    #[arg(long, value_name = "HEX", value_parser = node)]
    node: [u8; 32],
    /// An oracle that serves the node's leaf; Court checks its proof.
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    oracle: Uri,
    #[command(flatten)]
    party: Party,
}

#[derive(Debug, Args)]
pub(super) struct Proof {
    #[command(flatten)]
    kept: OfReport,
    /// What `gpux-oracle attest` printed, one of each operator who was told the bundle's digest.
    #[arg(long, value_name = "HEX", required = true)]
    signature: Vec<Signature>,
    #[command(flatten)]
    party: Party,
}

#[derive(Debug, Args)]
pub(super) struct Bare {
    #[command(flatten)]
    kept: OfReport,
    /// What is said: its keccak-256 stands on chain, the file is shown to the arbiter.
    #[arg(long, value_name = "FILE")]
    statement: PathBuf,
    #[command(flatten)]
    party: Party,
}

/// Which of the kept reports.
#[derive(Debug, Args)]
pub(super) struct OfReport {
    /// The data directory of `run`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The report's id, as `case evidence` lists it.
    #[arg(long, value_name = "HEX", value_parser = node)]
    report: [u8; 32],
}

/// What can be filed with.
#[derive(Debug, Args)]
pub(super) struct Kept {
    /// The data directory of `run`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Writes this report's bundle to a file, and prints its digest, by which operators attest.
    #[arg(long, value_name = "HEX", value_parser = node, requires = "to")]
    report: Option<[u8; 32]>,
    /// The file, which must not exist.
    #[arg(long, value_name = "FILE", requires = "report")]
    to: Option<PathBuf>,
}

/// A step of a case.
#[derive(Debug, Args)]
pub(super) struct Step {
    /// The case: "cases/0x…" or its id.
    case: String,
    #[command(flatten)]
    party: Party,
}

async fn connect(party: &Party) -> anyhow::Result<Client> {
    let key = keys::wallet(&party.key_file, party.password_file.as_deref())?;
    Ok(Client::connect(party.rpc.clone(), Deployment::read(&party.deployment)?, Some(key)).await?)
}

impl Step {
    async fn begin(&self) -> anyhow::Result<(Client, B256)> {
        Ok((connect(&self.party).await?, court::id(&self.case)?))
    }
}

/// Runs the command.
pub(super) async fn run(command: Case) -> anyhow::Result<ExitCode> {
    let (client, id) = match command {
        Case::Evidence(kept) => return evidence(kept),
        Case::File(accusation) => file(accusation).await?,
        Case::Show(step) => step.begin().await?,
        Case::Extend(step) => {
            let (client, id) = step.begin().await?;
            client.extend(&client.case(id).await?).await?;
            (client, id)
        }
        Case::Appeal(step) => {
            let (client, id) = step.begin().await?;
            client.appeal(id).await?;
            (client, id)
        }
        Case::Withdraw(step) => {
            let (client, id) = step.begin().await?;
            client.withdraw(id).await?;
            (client, id)
        }
        Case::Finalise(step) => {
            let (client, id) = step.begin().await?;
            client.finalise(&client.case(id).await?).await?;
            (client, id)
        }
    };
    let case = client.case(id).await?;
    output::text(&case.told(client.now().await?, &client.windows().await?));
    Ok(ExitCode::SUCCESS)
}

async fn file(file: File) -> anyhow::Result<(Client, B256)> {
    match file {
        File::Statistical(arguments) => statistical(arguments).await,
        File::Proof(Proof { kept, signature, party }) => {
            let (client, evidence) = (connect(&party).await?, kept.evidence()?);
            let (terms, salt) = note(&evidence)?;
            reach(&client, terms.offer.node).await?;
            let id = client.file_proof(terms, salt, evidence.bundle_id().into(), signature).await?;
            Ok((client, id))
        }
        File::Bare(Bare { kept, statement, party }) => {
            let (client, evidence) = (connect(&party).await?, kept.evidence()?);
            let (terms, salt) = note(&evidence)?;
            let id = client.file_bare(terms, salt, court::statement(&statement)?).await?;
            Ok((client, id))
        }
    }
}

async fn statistical(Statistical { node, oracle, party }: Statistical) -> anyhow::Result<(Client, B256)> {
    let client = connect(&party).await?;
    if let Some(open) = client.open_case(node.into()).await? {
        bail!("case {open} about this node is open: `gpux-prober case extend {open}` names more of what it holds");
    }
    let reputation = Oracle::new(oracle).reputation(&node).await?.context("the oracle does not know this node")?;
    let (leaf, proof) = published(&reputation)?.context("no epoch with this node is on chain yet")?;
    reach(&client, node.into()).await?;
    let id = client.file_statistical(leaf, proof).await?;
    Ok((client, id))
}

/// Says what a case about a node can take.
async fn reach(client: &Client, node: B256) -> anyhow::Result<()> {
    let reach = worth(&client.holdings(node).await?);
    output::text(&format!("the node holds {reach} token units that a case can reach\n"));
    Ok(())
}

/// The rental of a report, and what opens its note.
fn note(evidence: &Evidence) -> anyhow::Result<(Rentals::Terms, B256)> {
    let terms = evidence.report.terms.as_ref().context("the report names no terms")?;
    Ok((terms.try_into()?, array::<32>("note_salt", &evidence.report.note_salt)?.into()))
}

impl OfReport {
    fn evidence(&self) -> anyhow::Result<Evidence> {
        let kept = report::Kept::open(&self.data)?;
        kept.evidence(&self.report).context("no such report is kept: `gpux-prober case evidence` lists them")
    }
}

fn evidence(Kept { data, report, to }: Kept) -> anyhow::Result<ExitCode> {
    let kept = report::Kept::open(&data)?;
    if let (Some(report), Some(to)) = (report, to) {
        let evidence = kept.evidence(&report).context("no such report is kept")?;
        ensure!(!evidence.bundle.is_empty(), "the session never opened, so there is no bundle");
        fs::File::create_new(&to)
            .and_then(|mut file| file.write_all(&evidence.bundle))
            .with_context(|| to.display().to_string())?;
        output::text(&format!("bundle {}\n", to_hex(&evidence.bundle_id())));
        return Ok(ExitCode::SUCCESS);
    }
    let row = |evidence: &Evidence| {
        let report = &evidence.report;
        [
            to_hex(&evidence.id),
            to_hex(&report.node),
            format!("{} of {}", report.wrong, report.drawn),
            format!("{} %", report.x_upper.min(RATIO_ONE.into()) * 100 / u32::from(RATIO_ONE)),
            crate::session::bounded(&report.detail, DETAIL_BYTES_MAX),
        ]
    };
    let rows: Vec<_> = kept.all()?.iter().map(row).collect();
    output::text(&table::render(["report", "node", "wrong", "delivered", "what was found"], &rows));
    Ok(ExitCode::SUCCESS)
}
