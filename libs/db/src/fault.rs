//! What can go wrong with a database, without any value of a row in it.
//!
//! sqlx's own errors quote values (`invalid input syntax for type uuid: "…"`,
//! the detail of a unique violation), so none of their text is kept: only the
//! kind, the SQLSTATE or SQLite code, and the constraint's name.

use std::fmt;
use std::time::Duration;

use kernel::{Fault, Reason};
use sqlx::error::{DatabaseError, ErrorKind};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A database error, stripped of values. Turns into a [`Fault`] with `?`.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    code: Option<String>,
    constraint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Lost a race (serialization failure, deadlock, busy): repeat the whole.
    Contended,
    Unique,
    /// Another constraint: not null, check, foreign key.
    Constraint,
    /// No connection became free in time.
    PoolTimeout,
    /// The server is gone, restarting, or out of connections.
    Unreachable,
    /// The statement ran longer than it may.
    StatementTimeout,
    RowNotFound,
    Decode,
    Other,
}

impl Error {
    /// Whether a unique index refused the row.
    pub fn is_unique_violation(&self) -> bool {
        self.kind == Kind::Unique
    }

    pub fn is_contended(&self) -> bool {
        self.kind == Kind::Contended
    }

    /// The reason given if a unique index refused the row, else what any other
    /// fault of the database is: `.map_err(|e| e.on_unique(&RESOURCE_EXISTS))`.
    pub fn on_unique(self, reason: &'static Reason) -> Fault {
        if self.is_unique_violation() { Fault::new(reason).with_source(self) } else { self.into() }
    }

    fn of_kind(kind: Kind) -> Self {
        Self { kind, code: None, constraint: None }
    }

    #[cfg(test)]
    pub(crate) fn contention_for_tests() -> Self {
        Self::of_kind(Kind::Contended)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Contended => "database: lost a race",
            Kind::Unique => "database: unique constraint",
            Kind::Constraint => "database: constraint",
            Kind::PoolTimeout => "database: no free connection in time",
            Kind::Unreachable => "database: unreachable",
            Kind::StatementTimeout => "database: statement timeout",
            Kind::RowNotFound => "database: no row where one was expected",
            Kind::Decode => "database: a column does not hold what the code expects",
            Kind::Other => "database: error",
        })?;
        if let Some(code) = &self.code {
            write!(f, " (code {code})")?;
        }
        if let Some(constraint) = &self.constraint {
            write!(f, " [{constraint}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => Self {
                kind: classify(error.as_ref()),
                code: error.code().map(|code| code.into_owned()),
                constraint: error.constraint().map(str::to_owned),
            },
            sqlx::Error::PoolTimedOut => Self::of_kind(Kind::PoolTimeout),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::of_kind(Kind::Unreachable),
            sqlx::Error::RowNotFound => Self::of_kind(Kind::RowNotFound),
            sqlx::Error::ColumnDecode { index, .. } => Self {
                // The column's name or number, never what is in it.
                constraint: Some(format!("column {index}")),
                ..Self::of_kind(Kind::Decode)
            },
            sqlx::Error::Decode(_) => Self::of_kind(Kind::Decode),
            _ => Self::of_kind(Kind::Other),
        }
    }
}

fn classify(error: &dyn DatabaseError) -> Kind {
    match error.kind() {
        ErrorKind::UniqueViolation => return Kind::Unique,
        ErrorKind::NotNullViolation
        | ErrorKind::CheckViolation
        | ErrorKind::ForeignKeyViolation => {
            return Kind::Constraint;
        }
        _ => {}
    }
    let Some(code) = error.code() else { return Kind::Other };
    // PostgreSQL: five characters (Appendix A of its manual). SQLite: a number
    // whose low byte is the primary code; 5 is BUSY, 6 LOCKED.
    match code.as_ref() {
        "40001" | "40P01" => Kind::Contended,
        "57014" | "55P03" => Kind::StatementTimeout,
        "53300" | "57P01" | "57P02" | "57P03" | "25P03" => Kind::Unreachable,
        text if text.len() == 5 && text.starts_with("08") => Kind::Unreachable,
        text => match text.parse::<u32>().map(|code| code & 0xff) {
            Ok(5 | 6) if text.len() < 5 => Kind::Contended,
            _ => Kind::Other,
        },
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error.kind {
            // Contention gets here only after the bounded retries.
            Kind::Contended | Kind::PoolTimeout | Kind::Unreachable | Kind::StatementTimeout => {
                Self::unavailable(error).with_retry_after(Duration::from_millis(250))
            }
            Kind::Unique | Kind::Constraint | Kind::RowNotFound | Kind::Decode | Kind::Other => {
                Self::internal(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::common;

    use super::*;

    #[test]
    fn kinds_become_the_right_reasons() {
        let reason = |error| Fault::from(Error::from(error)).reason();
        assert_eq!(reason(sqlx::Error::PoolTimedOut), &common::DEPENDENCY_UNAVAILABLE);
        assert_eq!(reason(sqlx::Error::PoolClosed), &common::DEPENDENCY_UNAVAILABLE);
        assert_eq!(reason(sqlx::Error::RowNotFound), &common::INTERNAL);
    }

    #[test]
    fn no_text_of_the_cause_is_kept() {
        let cause = sqlx::Error::Decode("bad value: marker-4711".into());
        let fault = Fault::from(Error::from(cause));
        assert!(!format!("{fault} {fault:?}").contains("marker-4711"));
    }
}
