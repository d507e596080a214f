//! Brings the tables up to date. Whoever writes a migration's row does it; another aggregator waits for that row and finds it
//! done. No advisory lock, which not every server has.

use deadpool_postgres::Object;
use tokio_postgres::error::SqlState;

use super::trouble::Trouble;
use crate::limits::POSTGRES_MIGRATION_ATTEMPTS;

/// Every migration there ever was, oldest first; frozen once released.
const MIGRATIONS: [(i32, &str, &str); 1] = [(1, "tables", include_str!("migrations/0001_tables.sql"))];

const REGISTER: &str = "CREATE TABLE IF NOT EXISTS qucan_migrations (
    number  integer NOT NULL,
    name    text    NOT NULL,
    PRIMARY KEY (number)
)";

/// Does what is missing. Refuses tables of a later version.
pub(super) async fn migrate(client: &mut Object) -> Result<(), Trouble> {
    let mut attempt = 1;
    loop {
        match attempt_all(client).await {
            Ok(()) => break,
            Err(error) if attempt < POSTGRES_MIGRATION_ATTEMPTS && is_collision(&error) => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
    let known = MIGRATIONS.map(|(number, ..)| number).into_iter().max().unwrap_or(0);
    let row = client.query_one("SELECT coalesce(max(number), 0)::int8 FROM qucan_migrations", &[]).await?;
    let found: i64 = row.try_get(0)?;
    if found > i64::from(known) {
        let why = format!("its tables are of a later version of qucan (migration {found}, this one knows {known})");
        return Err(Trouble::Refused(why));
    }
    Ok(())
}

async fn attempt_all(client: &mut Object) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(REGISTER).await?;
    for (number, name, script) in MIGRATIONS {
        let transaction = client.transaction().await?;
        let claim = "INSERT INTO qucan_migrations (number, name) VALUES ($1, $2) ON CONFLICT (number) DO NOTHING";
        if transaction.execute(claim, &[&number, &name]).await? == 1 {
            for statement in statements(script) {
                transaction.batch_execute(statement).await?;
            }
        }
        transaction.commit().await?;
    }
    Ok(())
}

/// Two that make the same thing at once, `IF NOT EXISTS` or not, may both find it missing.
fn is_collision(error: &tokio_postgres::Error) -> bool {
    let passing = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_OBJECT,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::INTERNAL_ERROR, // "tuple concurrently updated"
    ];
    error.code().is_some_and(|code| passing.contains(code))
}

/// One by one, because not every server takes several definitions in one message.
fn statements(script: &str) -> impl Iterator<Item = &str> {
    script.split_inclusive(";\n").filter(|statement| statement.contains(';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_and_can_be_repeated() {
        for ((number, name, script), expected) in MIGRATIONS.into_iter().zip(1..) {
            assert_eq!(number, expected, "{name}");
            let code = |statement: &str| {
                let lines = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
                lines.collect::<Vec<_>>().join("\n").trim().to_owned()
            };
            let all: Vec<String> = statements(script).map(code).collect();
            assert_eq!(all.len(), 8, "{name}");
            for statement in all {
                assert!(statement.contains("IF NOT EXISTS") && statement.matches(';').count() == 1, "{statement}");
                assert!(
                    !statement.starts_with("CREATE TABLE") || statement.contains("PRIMARY KEY (region"),
                    "{statement}"
                );
            }
        }
    }
}
