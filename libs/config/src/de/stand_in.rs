//! What is given to a type in place of a wrong or missing value.

/// Tried in this order, since a text may have to be a duration, a size, an
/// address, a path, a URL or an id; of an enum, the variant of that place. Numbers
/// and the rest have one stand-in each.
pub(super) const TEXTS: &[&str] = &[
    "",
    "1s",
    "1MiB",
    "127.0.0.1:1",
    "127.0.0.1",
    "/stand-in",
    "https://stand-in.invalid/",
    "00000000-0000-7000-8000-000000000000",
    "00",
];

pub(super) fn text(tried: usize) -> &'static str {
    TEXTS.get(tried).copied().unwrap_or_default()
}
