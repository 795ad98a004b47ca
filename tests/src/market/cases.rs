//! Plays four cases with the real programs: the card that is sold as another falls to a statistical case by its published
//! leaf, the node with wrong bits to a proof, a case that no court hears escalates and expires, and the liar's accusation of an
//! honest node costs him his bond.

use super::{
    Fisher, Market, Node,
    cast::Truth,
    findings::{Finding, finding},
    launch,
};
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::time::{Duration, Instant};
use tokio::{process::Command, time::timeout};

/// How long one command may take: a transaction waits for blocks of a second.
const COMMAND_MAX: Duration = Duration::from_secs(60);
/// Windows of a development market end within 40 s of filing; blocks are final some seconds later.
const LIMIT: Duration = Duration::from_secs(120);
const EVERY: Duration = Duration::from_secs(1);
/// How the arbiter rules what is upheld: all of the cap, and a levy in basis points.
const UPHELD: [&str; 4] = ["--outcome", "upheld", "--levy-bps", "1000"];

/// Files both cases, hears one, and waits for the end of both.
pub async fn check(market: &Market) -> anyhow::Result<Vec<Finding>> {
    let of = |truth| market.nodes.iter().find(move |node| node.role.truth == truth);
    let (Some(judged), Some(unheard), Some(proven)) =
        (of(Truth::OtherModel), of(Truth::LessMemory), of(Truth::SkipsWork))
    else {
        return Ok(Vec::new());
    };
    let liar = market.fishers.iter().find(|fisher| fisher.lies);
    market.stage.chain.fund(market.stage.account(&provider(judged))?.address(), 0).await?;
    let (first, second) = (file(market, judged).await?, file(market, unheard).await?);
    let (heard, silent, third, fourth) = tokio::join!(
        hear(market, judged, &first),
        ignore(market, &second),
        async {
            let case = prove(market, proven).await?;
            rule(market, &case, &UPHELD).await?;
            anyhow::Ok(case)
        },
        async {
            match liar {
                Some(liar) => accuse(market, liar).await.map(Some),
                None => Ok(None),
            }
        }
    );
    let third = third?;
    heard?;
    let mut found = vec![
        told(market, judged, "a statistical case is upheld and slashes it", &first).await?,
        warned(market, judged, &first),
        told(market, proven, "a proof case is upheld and slashes it", &third).await?,
        silence(market, unheard, &second, silent).await?,
    ];
    found.extend(fourth?);
    Ok(found)
}

/// Whether the accused node's own program told its provider.
fn warned(market: &Market, node: &Node, case: &str) -> Finding {
    let log = std::fs::read_to_string(market.stage.logs.join(format!("{}.log", node.role.name))).unwrap_or_default();
    let warnings = log.lines().filter(|line| line.contains("WARN") && line.contains("case") && line.contains(case));
    let count = warnings.count();
    let words = format!("gpux-node warned {count} times of the case");
    finding(node.role.name, "its provider is warned in time", words, count > 0)
}

/// The liar accuses an honest node by his own word. Nobody believes him, and his bond is lost.
async fn accuse(market: &Market, liar: &Fisher) -> anyhow::Result<Finding> {
    let honest: Vec<&str> =
        market.nodes.iter().filter(|node| node.role.truth == Truth::Honest).map(|node| node.id.as_str()).collect();
    let statement = market.stage.folder.join("accusation.txt");
    std::fs::write(&statement, "It was half as fast as it claims.\n")?;
    let (statement, data) = (statement.display().to_string(), market.stage.data(&liar.name).display().to_string());
    let key = market.stage.key_file(&liar.name).display().to_string();
    let deadline = Instant::now() + LIMIT;
    let case = loop {
        let listed = evidence(market, &["case", "evidence", "--data", &data]).await?;
        let about = |line: &&str| line.split_whitespace().nth(1).is_some_and(|node| honest.contains(&node));
        let newest = listed.lines().find(about).and_then(|line| line.split_whitespace().next());
        let filed = match newest {
            Some(report) => {
                let file = ["case", "file", "bare", "--data", &data, "--report", report, "--statement", &statement];
                run(market, "gpux-prober", &[&file[..], &["--key-file", &key]].concat())
                    .await
                    .and_then(|text| id(&text))
            }
            None => Err(anyhow::anyhow!("the liar has accused no honest node")),
        };
        match filed {
            Ok(case) => break case,
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => tokio::time::sleep(EVERY).await,
        }
    };
    rule(market, &case, &["--outcome", "rejected"]).await?;
    let told = until_final(market, &case).await?;
    let bond = told["bond"].as_str().and_then(|bond| bond.parse::<u128>().ok()).unwrap_or(0);
    let outcome = told["outcome"].as_str().unwrap_or_default();
    let stake = market.stage.chain.stake(liar.address).await?;
    let words = format!("{bond} token units lost, {stake} left: {}", steps(&told));
    let holds = outcome == "CASE_OUTCOME_REJECTED" && bond > 0 && stake + bond == launch::BOND;
    Ok(finding(&liar.name, "a false accusation costs its bond", words, holds))
}

/// A fisher takes a session's bundle to the operator, who recomputes it and signs, and files before the time for it is over:
/// half a minute after the rental's end, so that only a fresh one will do.
async fn prove(market: &Market, node: &Node) -> anyhow::Result<String> {
    let deadline = Instant::now() + LIMIT;
    let mut tried = std::collections::BTreeSet::new();
    let mut last = None;
    while Instant::now() < deadline {
        for fisher in market.fishers.iter().filter(|fisher| !fisher.lies) {
            let data = market.stage.data(&fisher.name).display().to_string();
            let listed = evidence(market, &["case", "evidence", "--data", &data]).await?;
            let newest = listed.lines().find_map(|line| proof_of(line, node));
            let Some(report) = newest.filter(|report| tried.insert((*report).to_owned())) else { continue };
            match prove_by(market, &fisher.name, &data, report).await {
                Ok(case) => return Ok(case),
                Err(error) => last = Some(error),
            }
        }
        tokio::time::sleep(EVERY).await;
    }
    Err(last.unwrap_or_else(|| anyhow::anyhow!("no fisher kept a report that convicts")))
}

/// The report of a line of `case evidence`, if it is about the node and convicts.
fn proof_of<'a>(line: &'a str, node: &Node) -> Option<&'a str> {
    let mut words = line.split_whitespace();
    let (report, of, wrong) = (words.next()?, words.next()?, words.next()?);
    (of == node.id && wrong.parse::<u32>().ok()? >= super::findings::WRONG_TO_CONVICT).then_some(report)
}

async fn prove_by(market: &Market, fisher: &str, data: &str, report: &str) -> anyhow::Result<String> {
    let bundle = market.stage.folder.join(format!("{report}.proof")).display().to_string();
    evidence(market, &["case", "evidence", "--data", data, "--report", report, "--to", &bundle]).await?;
    let operator = market.stage.operator.file.display().to_string();
    let deployment = market.stage.chain.deployment_file.display().to_string();
    let attest = ["attest", &bundle, "--operator-key-file", &operator, "--deployment", &deployment];
    let signature = printed(market, "gpux-oracle", &attest).await?;
    let key = market.stage.key_file(fisher).display().to_string();
    let file = ["case", "file", "proof", "--data", data, "--report", report, "--signature", signature.trim()];
    let text = run(market, "gpux-prober", &[&file[..], &["--key-file", &key]].concat()).await?;
    id(&text)
}

/// The provider answers, the arbiter rules, and when nobody has appealed anybody ends it.
async fn hear(market: &Market, node: &Node, case: &str) -> anyhow::Result<()> {
    let statement = market.stage.folder.join("statement.txt");
    std::fs::write(&statement, "It is what the buyers wanted.\n")?;
    let statement = statement.display().to_string();
    let key = market.stage.key_file(&provider(node)).display().to_string();
    let answer = ["case", "answer", case, "--statement", &statement, "--provider-key-file", &key];
    run(market, "gpux-node", &answer).await?;
    rule(market, case, &UPHELD).await
}

/// Rules as soon as the provider was heard or had his time, and ends the case when nobody has appealed.
async fn rule(market: &Market, case: &str, ruling: &[&str]) -> anyhow::Result<()> {
    let arbiter = market.stage.key_file("arbiter").display().to_string();
    let rule = [&["case", "rule", case, "--key-file", &arbiter], ruling].concat();
    let deadline = Instant::now() + LIMIT;
    while let Err(error) = run(market, "gpux-oracle", &rule).await {
        if Instant::now() >= deadline {
            return Err(error);
        }
        tokio::time::sleep(EVERY).await;
    }
    finalise(market, case).await
}

/// Nobody does anything but the watch, which moves the case on by itself.
async fn ignore(market: &Market, case: &str) -> anyhow::Result<()> {
    let mut watch = Command::new(market.stage.binaries.path("gpux-oracle")?);
    watch.args(["case", "watch", "--act", "--every", "1", "--key-file"]).arg(market.stage.key_file("onlooker"));
    watch.args(market.stage.chain_flags()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut watch = watch.kill_on_drop(true).spawn()?;
    let ended = until_final(market, case).await;
    watch.kill().await?;
    ended.map(drop)
}

async fn told(market: &Market, node: &Node, expected: &str, case: &str) -> anyhow::Result<Finding> {
    let told = until_final(market, case).await?;
    let slashed = told["amount"].as_str().and_then(|amount| amount.parse::<u128>().ok()).unwrap_or(0);
    let outcome = told["outcome"].as_str().unwrap_or_default();
    let cap = told["cap"].as_str().unwrap_or_default();
    let words = format!("{slashed} of {cap} token units slashed: {}", steps(&told));
    let holds = outcome == "CASE_OUTCOME_UPHELD" && slashed > 0;
    Ok(finding(node.role.name, expected, words, holds))
}

async fn silence(market: &Market, node: &Node, case: &str, silent: anyhow::Result<()>) -> anyhow::Result<Finding> {
    silent?;
    let told = until_final(market, case).await?;
    let outcome = told["outcome"].as_str().and_then(|name| name.strip_prefix("CASE_OUTCOME_")).unwrap_or_default();
    let words = format!("{}: {}", outcome.to_lowercase(), steps(&told));
    let holds = outcome == "EXPIRED" && words.contains("escalated");
    Ok(finding(node.role.name, "a case that no court hears escalates and expires", words, holds))
}

/// What happened, in order.
fn steps(case: &Value) -> String {
    let steps = case["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = steps.iter().filter_map(|step| step["action"].as_str()?.strip_prefix("CASE_ACTION_"));
    names.map(str::to_lowercase).collect::<Vec<_>>().join(", ")
}

/// Files by the newest leaf; one that is under way yet is waited for.
async fn file(market: &Market, node: &Node) -> anyhow::Result<String> {
    let key = market.stage.key_file("onlooker").display().to_string();
    let arguments =
        ["case", "file", "statistical", "--node", &node.id, "--oracle", market.oracle.api.url(), "--key-file", &key];
    let deadline = Instant::now() + LIMIT;
    loop {
        match run(market, "gpux-prober", &arguments).await {
            Ok(text) => return id(&text),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => tokio::time::sleep(EVERY).await,
        }
    }
}

/// Ends a case as soon as its last window is over.
async fn finalise(market: &Market, case: &str) -> anyhow::Result<()> {
    let key = market.stage.key_file("arbiter").display().to_string();
    let deadline = Instant::now() + LIMIT;
    loop {
        match run(market, "gpux-oracle", &["case", "finalise", case, "--key-file", &key]).await {
            Ok(_) => return Ok(()),
            // The watch moves every case on, and may have come first.
            Err(error) if error.to_string().contains("the case is final") => return Ok(()),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => tokio::time::sleep(EVERY).await,
        }
    }
}

/// Waits until the oracle shows the end of a case in a final block.
async fn until_final(market: &Market, case: &str) -> anyhow::Result<Value> {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        let told = market.oracle.api.case(case).await.unwrap_or_default();
        let last = told["steps"].as_array().and_then(|steps| steps.last().cloned()).unwrap_or_default();
        if told["state"] == "CASE_STATE_FINAL" && last["final"] == true {
            return Ok(told);
        }
        tokio::time::sleep(EVERY).await;
    }
    bail!("case {case} did not end")
}

/// The id of the case that a command printed.
fn id(text: &str) -> anyhow::Result<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("case "));
    Ok(line.and_then(|line| line.split(':').next()).context("a filed case has an id")?.to_owned())
}

fn provider(node: &Node) -> String {
    format!("provider-{}", node.role.name)
}

async fn evidence(market: &Market, arguments: &[&str]) -> anyhow::Result<String> {
    printed(market, "gpux-prober", arguments).await
}

/// Runs a program on the market's chain, and returns what it prints.
async fn run(market: &Market, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let flags = market.stage.chain_flags();
    let flags: Vec<&str> = arguments.iter().copied().chain(flags.iter().map(String::as_str)).collect();
    printed(market, program, &flags).await
}

/// Runs a program, and returns what it prints.
async fn printed(market: &Market, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(market.stage.binaries.path(program)?);
    command.args(arguments).kill_on_drop(true);
    let output =
        timeout(COMMAND_MAX, command.output()).await.with_context(|| format!("{program} takes too long"))??;
    if !output.status.success() {
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
