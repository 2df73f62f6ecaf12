//! The dispatch: a value for PostgreSQL or a value for SQLite.

/// One of two: what belongs to PostgreSQL or what belongs to SQLite.
#[derive(Debug, Clone, Copy)]
pub enum Of<P, S> {
    Postgres(P),
    Sqlite(S),
}

/// Runs the same expression on whichever database it is:
/// `sql!(tx.on(), |c| sqlx::query(TEXT).bind(id).execute(c).await.map(drop))`.
///
/// The expression is compiled once for each database, so its type must be the
/// same for both: end an `execute` with `.map(drop)` or `?.rows_affected()`.
#[macro_export]
macro_rules! sql {
    ($on:expr, |$c:ident| $body:expr) => {
        match $on {
            $crate::Of::Postgres($c) => $body,
            $crate::Of::Sqlite($c) => $body,
        }
    };
}
