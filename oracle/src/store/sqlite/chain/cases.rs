//! Cases: their filing, and what happened in them.

use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, Row as _, query};

use super::super::super::records::{Address, BlockRef, Case, CaseEvent, CaseFact, CaseFilter, Digest, Filing, Moment};
use super::super::super::{Error, Result};
use super::super::row::{amount, fixed, for_all, integer, number, unavailable};

const INDEXING: &str = "indexes cases";
const READING: &str = "reads cases";

/// An event as its row: step, actor, amount, deadline, outcome, levy, statement.
#[derive(Default)]
struct Columns {
    step: i64,
    actor: Option<Vec<u8>>,
    amount: Option<String>,
    deadline: Option<i64>,
    outcome: Option<i64>,
    levy_bps: Option<i64>,
    statement: Option<Vec<u8>>,
}

/// Holds what a block says of cases.
pub(super) async fn insert(connection: &mut SqliteConnection, block: i64, facts: Vec<CaseFact>) -> Result<()> {
    let mut steps = Vec::new();
    for fact in facts {
        match fact.event {
            CaseEvent::Filed(filing) => {
                let place = (fact.case_id, fact.log_index, fact.transaction);
                insert_filing(connection, block, place, filing).await?;
            }
            event => steps.push((fact.log_index, fact.case_id, fact.transaction, columns(&event)?)),
        }
    }
    let sql = (
        "INSERT INTO case_steps (block, log_index, case_id, transaction_hash, step, actor, amount, deadline, outcome, \
         levy_bps, statement) ",
        "",
    );
    for_all(connection, sql, steps, |mut row, (log_index, case_id, transaction, columns)| {
        row.push_bind(block).push_bind(log_index).push_bind(case_id.to_vec()).push_bind(transaction.to_vec());
        row.push_bind(columns.step).push_bind(columns.actor).push_bind(columns.amount).push_bind(columns.deadline);
        row.push_bind(columns.outcome).push_bind(columns.levy_bps).push_bind(columns.statement);
    })
    .await
    .map_err(unavailable(INDEXING))?;
    Ok(())
}

async fn insert_filing(
    connection: &mut SqliteConnection,
    block: i64,
    (case_id, log_index, transaction): (Digest, u32, Digest),
    filing: Filing,
) -> Result<()> {
    query(
        "INSERT INTO cases (case_id, block, log_index, transaction_hash, kind, subject, node, provider, filer, rental, \
         evidence, bond, cap, answer_until, ruling_until, frozen_until) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(case_id.to_vec())
    .bind(block)
    .bind(log_index)
    .bind(transaction.to_vec())
    .bind(filing.kind)
    .bind(filing.subject.to_vec())
    .bind(filing.node.to_vec())
    .bind(filing.provider.to_vec())
    .bind(filing.filer.to_vec())
    .bind(filing.rental.to_vec())
    .bind(filing.evidence.to_vec())
    .bind(filing.bond.to_string())
    .bind(filing.cap.to_string())
    .bind(integer("deadline", filing.answer_until)?)
    .bind(integer("deadline", filing.ruling_until)?)
    .bind(integer("deadline", filing.frozen_until)?)
    .execute(connection)
    .await
    .map_err(unavailable(INDEXING))?;
    Ok(())
}

fn columns(event: &CaseEvent) -> Result<Columns> {
    let time = |time: u64| integer("deadline", time).map(Some);
    let none = Columns::default();
    Ok(match event {
        // It has a table of its own.
        CaseEvent::Filed(_) => return Err(Error::Damaged("case step")),
        CaseEvent::Extended { by, cap } => {
            Columns { step: 2, actor: Some(by.to_vec()), amount: Some(cap.to_string()), ..none }
        }
        CaseEvent::Answered { by, statement } => {
            Columns { step: 3, actor: Some(by.to_vec()), statement: Some(statement.to_vec()), ..none }
        }
        CaseEvent::Ruled { by, outcome, amount, levy_bps, deadline } => Columns {
            step: 4,
            actor: Some(by.to_vec()),
            amount: Some(amount.to_string()),
            deadline: time(*deadline)?,
            outcome: Some((*outcome).into()),
            levy_bps: Some((*levy_bps).into()),
            ..none
        },
        CaseEvent::Escalated { deadline } => Columns { step: 5, deadline: time(*deadline)?, ..none },
        CaseEvent::Appealed { by, counter_bond, deadline } => Columns {
            step: 6,
            actor: Some(by.to_vec()),
            amount: Some(counter_bond.to_string()),
            deadline: time(*deadline)?,
            ..none
        },
        CaseEvent::Withdrawn => Columns { step: 7, ..none },
        CaseEvent::Finalised { outcome, slashed } => {
            Columns { step: 8, amount: Some(slashed.to_string()), outcome: Some((*outcome).into()), ..none }
        }
    })
}

fn event(row: &SqliteRow) -> Result<CaseEvent> {
    let by = || fixed(row, "actor");
    let deadline = || number(row, "deadline");
    Ok(match number::<u8>(row, "step")? {
        2 => CaseEvent::Extended { by: by()?, cap: amount(row, "amount")? },
        3 => CaseEvent::Answered { by: by()?, statement: fixed(row, "statement")? },
        4 => CaseEvent::Ruled {
            by: by()?,
            outcome: number(row, "outcome")?,
            amount: amount(row, "amount")?,
            levy_bps: number(row, "levy_bps")?,
            deadline: deadline()?,
        },
        5 => CaseEvent::Escalated { deadline: deadline()? },
        6 => CaseEvent::Appealed { by: by()?, counter_bond: amount(row, "amount")?, deadline: deadline()? },
        7 => CaseEvent::Withdrawn,
        8 => CaseEvent::Finalised { outcome: number(row, "outcome")?, slashed: amount(row, "amount")? },
        _ => return Err(Error::Damaged("case step")),
    })
}

/// One case.
pub(in super::super) async fn case(readers: &SqlitePool, id: Digest) -> Result<Option<Case>> {
    let mut select = QueryBuilder::new(SELECT);
    select.push("WHERE c.case_id = ").push_bind(id.to_vec());
    Ok(read(readers, select).await?.pop())
}

/// Cases, the newest first; `before` is the place of the last one of the page before.
pub(in super::super) async fn cases(
    readers: &SqlitePool,
    filter: CaseFilter,
    before: Option<(u64, u32)>,
    limit: u32,
) -> Result<Vec<Case>> {
    let mut select = QueryBuilder::new(SELECT);
    let (block, log_index) = before.unwrap_or((i64::MAX.cast_unsigned(), 0));
    select.push("WHERE (c.block, c.log_index) < (").push_bind(integer("block", block)?);
    select.push(", ").push_bind(log_index).push(")");
    if let Some(node) = filter.node {
        select.push(" AND c.node = ").push_bind(node.to_vec());
    }
    if let Some(provider) = filter.provider {
        select.push(" AND c.provider = ").push_bind(provider.to_vec());
    }
    if let Some(filer) = filter.filer {
        select.push(" AND c.filer = ").push_bind(filer.to_vec());
    }
    if filter.open {
        select.push(" AND NOT EXISTS (SELECT 1 FROM case_steps s WHERE s.case_id = c.case_id AND s.step = 8)");
    }
    select.push(" ORDER BY c.block DESC, c.log_index DESC LIMIT ").push_bind(limit);
    read(readers, select).await
}

/// Whether an account is a party of a case that is about a bundle or its rental. Kinds are Court's: 0 proof, 1 statistical, 2
/// bare. The evidence of a bare case is any 32 bytes of its filer, so there only the rental counts, which his note opened.
pub(in super::super) async fn is_party(
    readers: &SqlitePool,
    account: Address,
    bundle: Digest,
    rental: Digest,
) -> Result<bool> {
    let row = query(
        "SELECT EXISTS (SELECT 1 FROM cases WHERE (filer = ?1 OR provider = ?1) \
         AND ((kind = 0 AND evidence = ?2) OR (kind IN (0, 2) AND rental = ?3))) AS found",
    )
    .bind(account.to_vec())
    .bind(bundle.to_vec())
    .bind(rental.to_vec())
    .fetch_one(readers)
    .await
    .map_err(unavailable(READING))?;
    Ok(number::<u8>(&row, "found")? == 1)
}

const SELECT: &str = "SELECT c.*, b.hash, b.timestamp, b.final FROM cases c JOIN blocks b ON b.number = c.block ";

async fn read(readers: &SqlitePool, mut select: QueryBuilder<sqlx::Sqlite>) -> Result<Vec<Case>> {
    // One transaction, so that no reorganisation comes between a case and its steps.
    let mut snapshot = readers.begin().await.map_err(unavailable(READING))?;
    let rows = select.build().fetch_all(&mut *snapshot).await.map_err(unavailable(READING))?;
    let mut cases = Vec::with_capacity(rows.len());
    for row in &rows {
        let case_id: Digest = fixed(row, "case_id")?;
        let steps = query(
            "SELECT s.*, b.hash, b.timestamp, b.final FROM case_steps s JOIN blocks b ON b.number = s.block \
             WHERE s.case_id = ? ORDER BY s.block, s.log_index",
        )
        .bind(case_id.to_vec())
        .fetch_all(&mut *snapshot)
        .await
        .map_err(unavailable(READING))?;
        let steps = steps.iter().map(|row| Ok((moment(row)?, event(row)?))).collect::<Result<_>>()?;
        cases.push(Case { case_id, filing: filing(row)?, filed: moment(row)?, steps });
    }
    Ok(cases)
}

fn moment(row: &SqliteRow) -> Result<Moment> {
    let number = number(row, "block")?;
    let is_final: bool = row.try_get("final").map_err(|_| Error::Damaged("final"))?;
    let block = BlockRef { number, hash: fixed(row, "hash")?, timestamp: self::number(row, "timestamp")? };
    let (log_index, transaction) = (self::number(row, "log_index")?, fixed(row, "transaction_hash")?);
    Ok(Moment { block, log_index, transaction, is_final })
}

fn filing(row: &SqliteRow) -> Result<Filing> {
    Ok(Filing {
        kind: number(row, "kind")?,
        subject: fixed(row, "subject")?,
        node: fixed(row, "node")?,
        provider: fixed(row, "provider")?,
        filer: fixed(row, "filer")?,
        rental: fixed(row, "rental")?,
        evidence: fixed(row, "evidence")?,
        bond: amount(row, "bond")?,
        cap: amount(row, "cap")?,
        answer_until: number(row, "answer_until")?,
        ruling_until: number(row, "ruling_until")?,
        frozen_until: number(row, "frozen_until")?,
    })
}
