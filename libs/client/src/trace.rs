//! The trace that the client begins, so that its id is known before the first
//! span is. <https://www.w3.org/TR/trace-context/>

use std::fmt;

use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace(u128);

impl Trace {
    #[allow(clippy::new_without_default, reason = "a default trace would be a new one each time")]
    pub fn new() -> Self {
        // Sampling by ratio looks at the last eight bytes; these are random.
        Self(Uuid::now_v7().as_u128())
    }

    /// The header of one call: this trace, a new parent, sampled.
    pub fn parent(self) -> String {
        let span = Uuid::now_v7().as_u64_pair().1;
        format!("00-{self}-{span:016x}-01")
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_the_form_of_the_specification() {
        let trace = Trace::new();
        let parent = trace.parent();
        let parts: Vec<_> = parent.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2]);
        assert_eq!(parts[1], trace.to_string());
        assert!(parts[2].bytes().all(|b| b.is_ascii_hexdigit()) && parts[2] != "0".repeat(16));
        assert_ne!(parent, trace.parent());
    }
}
