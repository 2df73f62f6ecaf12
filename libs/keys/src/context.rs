//! What a data key is for.

use kernel::{Fault, Result};

const MAX_PAIRS: usize = 16;
const MAX_NAME: usize = 64;
const MAX_VALUE: usize = 512;

/// The identity of the object that a data key is for: `kind=prompt, id=…, revision=3`.
///
/// Not secret, but bound into every wrapping. The order of the pairs does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Context(Vec<(String, String)>);

impl Context {
    /// From 1 to 16 pairs; names of 1 to 64 characters out of `a-z 0-9 _ . -`,
    /// none twice; values of up to 512 bytes.
    pub fn new<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self> {
        let mut pairs: Vec<(String, String)> = pairs
            .into_iter()
            .take(MAX_PAIRS + 1)
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        if pairs.is_empty() || pairs.len() > MAX_PAIRS {
            return Err(Fault::invalid("context", "must have 1 to 16 pairs"));
        }
        for (name, value) in &pairs {
            let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
            if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(allowed) {
                return Err(Fault::invalid(
                    "context",
                    "names must be 1 to 64 characters out of a-z 0-9 _ . -",
                ));
            }
            if value.len() > MAX_VALUE {
                return Err(Fault::invalid("context", "values must be up to 512 bytes"));
            }
        }
        pairs.sort_unstable();
        if pairs.windows(2).any(|two| two[0].0 == two[1].0) {
            return Err(Fault::invalid("context", "names must not repeat"));
        }
        Ok(Self(pairs))
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The one encoding that providers bind: sorted, every part with its
    /// length, so that no two contexts share it.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = b"signet.dev context v1".to_vec();
        let mut part = |text: &str| {
            // Both fit: see the limits in `new`.
            out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        };
        for (name, value) in &self.0 {
            part(name);
            part(value);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_does_not_matter_and_content_does() {
        let one = Context::new([("kind", "prompt"), ("id", "7")]).unwrap();
        let two = Context::new([("id", "7"), ("kind", "prompt")]).unwrap();
        assert_eq!(one, two);
        assert_eq!(one.encode(), two.encode());
        assert_ne!(one.encode(), Context::new([("kind", "prompt"), ("id", "8")]).unwrap().encode());
    }

    #[test]
    fn bad_contexts_name_the_field() {
        let long = "x".repeat(513);
        let many: Vec<_> = (0..17).map(|n| (format!("n{n}"), "v")).collect();
        for fault in [
            Context::new::<String, String>([]).unwrap_err(),
            Context::new([("", "v")]).unwrap_err(),
            Context::new([("Id", "v")]).unwrap_err(),
            Context::new([("id", long.as_str())]).unwrap_err(),
            Context::new([("id", "1"), ("id", "2")]).unwrap_err(),
            Context::new(many).unwrap_err(),
        ] {
            assert_eq!(fault.violations()[0].field, "context");
        }
    }

    prop_compose! {
        fn any_context()(pairs in prop::collection::btree_map("[a-z0-9_.-]{1,4}", "\\PC{0,4}", 1..4))
            -> Context { Context::new(pairs).unwrap() }
    }

    proptest! {
        #[test]
        fn different_contexts_encode_differently(one in any_context(), two in any_context()) {
            prop_assert_eq!(one == two, one.encode() == two.encode());
        }
    }
}
