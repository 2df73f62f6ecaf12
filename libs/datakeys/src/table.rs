//! What the SQL of the holders has in common: one table of wrapped keys, of which
//! each service says the columns.

use db::{Db, Error};
use kernel::{Fault, Result, TenantId};
use uuid::Uuid;

use crate::{Counts, Range, Swap};

/// A column of a row's name.
pub enum Column {
    Uuid(Uuid),
    Number(i64),
    Text(String),
}

/// The swap of a [`Holder`](crate::Holder): `sql` updates one row, `$1` being the
/// new key, `$2` the old one, and the row's name what follows. A row that has
/// another key by now is left alone.
pub async fn swap(
    db: &Db,
    sql: &'static str,
    swaps: &[Swap],
    name: impl Fn(&[u8]) -> Result<Vec<Column>>,
) -> Result<u64> {
    db::retry!(async {
        let mut tx = db.begin("swap_data_keys").await?;
        let mut swapped = 0;
        for swap in swaps {
            let name = name(&swap.row)?;
            swapped += db::sql!(tx.on(), |c| {
                let mut update = sqlx::query(sql).bind(&swap.new).bind(&swap.old);
                for column in name {
                    update = match column {
                        Column::Uuid(value) => update.bind(value),
                        Column::Number(value) => update.bind(value),
                        Column::Text(value) => update.bind(value),
                    };
                }
                update.execute(c).await.map(|done| done.rows_affected())
            })
            .map_err(Error::from)?;
        }
        tx.commit().await?;
        Ok::<_, Fault>(swapped)
    })
}

/// The count of a [`Holder`](crate::Holder): `sql` gives the number of keys, and
/// of those below `$1` or not below `$2`; `$3` is the tenant, where rows have one.
pub async fn count(
    db: &Db,
    sql: &'static str,
    tenant: Option<TenantId>,
    range: &Range,
) -> Result<Counts> {
    let (all, remaining): (i64, i64) = db::sql!(db.read(), |c| {
        let mut query = sqlx::query_as(sql).bind(&range.lower).bind(&range.upper);
        if let Some(tenant) = tenant {
            query = query.bind(tenant.uuid());
        }
        query.fetch_one(c).await
    })
    .map_err(Error::from)?;
    Ok(Counts { remaining, current: all - remaining })
}
