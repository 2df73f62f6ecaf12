//! Terms of a list's filter, as SQL over the columns of `keys f`.

use sqlx::{Database, Encode, QueryBuilder, Type};

use super::key_rows::{purpose_text, state_text};
use crate::domain::{State, Term};

/// The labels of a key as rows with a `value` of two: each dialect has its own
/// function for that.
pub(super) const LABELS_POSTGRES: &str = "jsonb_array_elements(f.labels) AS one(value)";
pub(super) const LABELS_SQLITE: &str = "json_each(f.labels) AS one";

pub(super) fn push_terms<D>(sql: &mut QueryBuilder<D>, terms: &[Term], labels: &'static str)
where
    D: Database,
    for<'q> String: Encode<'q, D> + Type<D>,
    for<'q> &'static str: Encode<'q, D> + Type<D>,
    for<'q> bool: Encode<'q, D> + Type<D>,
{
    for term in terms {
        match term {
            Term::Use(key_use) => {
                sql.push(" AND f.purpose = ").push_bind(purpose_text(*key_use));
            }
            Term::Algorithm(algorithm) => {
                sql.push(" AND f.algorithm = ").push_bind(algorithm.as_str());
            }
            Term::Owner(owner) => {
                sql.push(" AND f.owner = ").push_bind(owner.clone());
            }
            Term::Registered(registered) => {
                sql.push(" AND f.registered = ").push_bind(*registered);
            }
            Term::Label(key, value) => {
                sql.push(" AND EXISTS (SELECT 1 FROM ").push(labels);
                sql.push(" WHERE one.value ->> 0 = ").push_bind(key.clone());
                sql.push(" AND one.value ->> 1 = ").push_bind(value.clone()).push(")");
            }
            Term::State(state) => push_state(sql, *state),
        }
    }
}

/// A disabled key has no version that does anything.
fn push_state<D>(sql: &mut QueryBuilder<D>, state: State)
where
    D: Database,
    for<'q> &'static str: Encode<'q, D> + Type<D>,
{
    sql.push(" AND (");
    if state == State::Disabled {
        sql.push("f.state = ").push_bind(state_text(true)).push(" OR ");
    } else if state.may_process() {
        sql.push("f.state = ").push_bind(state_text(false)).push(" AND ");
    }
    sql.push("EXISTS (SELECT 1 FROM key_versions s WHERE s.tenant = f.tenant AND s.key_id = f.id");
    sql.push(" AND s.state = ").push_bind(state.word()).push("))");
}
