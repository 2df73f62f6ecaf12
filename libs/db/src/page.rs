//! Lists in pages, after <https://google.aip.dev/158>: by key, not by offset, so
//! that a page costs the same wherever it is and nothing shifts under the reader.
//!
//! A token is opaque and belongs to one tenant, method and filter. It carries a
//! digest over these, not a secret: a token gives no access (every query is
//! bound to the caller's tenant anyway), it only says where to go on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{Fault, Result, TenantId, common};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

const DEFAULT_SIZE: u32 = 50;
const MAX_SIZE: u32 = 1_000;
/// Longer cannot be one of ours; checked before anything is decoded.
const MAX_TOKEN: usize = 2_048;
const DIGEST: usize = 16;

/// The list that a token belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub tenant: TenantId,
    /// The full name of the RPC.
    pub method: &'a str,
    /// Filter and order of the request, in any fixed encoding.
    pub filter: &'a str,
}

/// A request for a page, checked. `C` is the key of the last row seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<C> {
    size: u32,
    pub after: Option<C>,
}

impl<C: Serialize + DeserializeOwned> Page<C> {
    /// Checks `page_size` and `page_token` of a request.
    pub fn parse(scope: &Scope<'_>, page_size: i32, page_token: &str) -> Result<Self> {
        let after = if page_token.is_empty() { None } else { Some(decode(scope, page_token)?) };
        Ok(Self { size: size(page_size)?, after })
    }

    /// What to bind as `LIMIT`: one more than the page, to see whether more follows.
    pub fn limit(&self) -> i64 {
        i64::from(self.size) + 1
    }

    /// Cuts the extra row off; the token is empty on the last page.
    pub fn cut<T>(
        &self,
        scope: &Scope<'_>,
        mut rows: Vec<T>,
        key: impl Fn(&T) -> C,
    ) -> Result<(Vec<T>, String)> {
        let size = self.size as usize;
        if rows.len() <= size {
            return Ok((rows, String::new()));
        }
        rows.truncate(size);
        let token = match rows.last() {
            Some(last) => encode(scope, &key(last))?,
            None => String::new(),
        };
        Ok((rows, token))
    }
}

/// The size to use: 50 unless asked for, 1,000 at most (AIP-158: larger is
/// lowered, negative is refused).
fn size(requested: i32) -> Result<u32> {
    match u32::try_from(requested) {
        Ok(0) => Ok(DEFAULT_SIZE),
        Ok(size) => Ok(size.min(MAX_SIZE)),
        Err(_) => Err(Fault::invalid("page_size", "must not be negative")),
    }
}

fn encode<C: Serialize>(scope: &Scope<'_>, cursor: &C) -> Result<String> {
    let cursor = serde_json::to_vec(cursor).map_err(Fault::internal)?;
    let mut token = digest(scope, &cursor).to_vec();
    token.extend_from_slice(&cursor);
    Ok(URL_SAFE_NO_PAD.encode(token))
}

/// Also the entry for fuzzing: takes any text.
pub fn decode<C: DeserializeOwned>(scope: &Scope<'_>, token: &str) -> Result<C> {
    let invalid = || Fault::new(&common::PAGE_TOKEN_INVALID);
    if token.len() > MAX_TOKEN {
        return Err(invalid());
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
    let (found, cursor) = bytes.split_at_checked(DIGEST).ok_or_else(invalid)?;
    if found != digest(scope, cursor) {
        return Err(invalid());
    }
    serde_json::from_slice(cursor).map_err(|_| invalid())
}

fn digest(scope: &Scope<'_>, cursor: &[u8]) -> [u8; DIGEST] {
    let mut hash = Sha256::new_with_prefix(b"signet page token v1");
    // Lengths in front, so that no two scopes give the same bytes.
    for part in
        [scope.tenant.uuid().as_bytes(), scope.method.as_bytes(), scope.filter.as_bytes(), cursor]
    {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut short = [0; DIGEST];
    short.copy_from_slice(&hash.finalize()[..DIGEST]);
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(filter: &str) -> Scope<'_> {
        Scope { tenant: TenantId::SYSTEM, method: "signet.x.v1.X/List", filter }
    }

    #[test]
    fn sizes() {
        let size = |asked| Page::<u8>::parse(&scope(""), asked, "").map(|page| page.limit() - 1);
        assert_eq!(size(0).unwrap(), 50);
        assert_eq!(size(7).unwrap(), 7);
        assert_eq!(size(1_000_000).unwrap(), 1_000);
        assert_eq!(size(-1).unwrap_err().violations()[0].field, "page_size");
    }

    #[test]
    fn walking_the_pages_gives_every_row_once() {
        let (all, scope) = ((0..25).collect::<Vec<u32>>(), scope("a"));
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = Page::<u32>::parse(&scope, 10, &token).unwrap();
            let rows =
                all.iter().copied().filter(|row| page.after.is_none_or(|after| *row > after));
            let rows = rows.take(usize::try_from(page.limit()).unwrap()).collect();
            let (rows, next) = page.cut(&scope, rows, |row| *row).unwrap();
            seen.extend(rows);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_token_of_another_tenant_method_or_filter_is_refused() {
        let token = encode(&scope("f"), &7_u32).unwrap();
        assert_eq!(decode::<u32>(&scope("f"), &token).unwrap(), 7);
        let others = [
            scope("g"),
            Scope { tenant: TenantId::new(), ..scope("f") },
            Scope { method: "signet.x.v1.X/Lis", filter: "tf", ..scope("f") },
        ];
        for other in others {
            let fault = decode::<u32>(&other, &token).unwrap_err();
            assert_eq!(fault.reason(), &common::PAGE_TOKEN_INVALID);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_a_panic(token in "\\PC{0,200}") {
            prop_assert!(decode::<String>(&scope(""), &token).is_err());
        }

        #[test]
        fn an_edited_token_is_refused(cursor in ".{0,40}", at in any::<prop::sample::Index>(), with in "[A-Za-z0-9_-]") {
            let token = encode(&scope(""), &cursor).unwrap();
            let at = at.index(token.len());
            let mut edited = token.clone();
            edited.replace_range(at..=at, &with);
            prop_assume!(edited != token);
            prop_assert!(decode::<String>(&scope(""), &edited).is_err());
        }
    }
}
