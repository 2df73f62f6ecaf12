//! What a data key is for.

use proto::common::v1::KeyValue;
use proto::envelope::v1::KeyContext;

/// The identity of the object that a data key is for. It is bound to the wrapped
/// key, which opens under no other; the envelope service adds the calling
/// service's name and the tenant. Not secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding(Vec<(&'static str, String)>);

impl Binding {
    /// 1 to 8 pairs, each name once; the order does not matter.
    pub fn new<const N: usize>(pairs: [(&'static str, String); N]) -> Self {
        let mut pairs = Vec::from(pairs);
        pairs.sort_unstable();
        Self(pairs)
    }

    pub(crate) fn message(&self) -> KeyContext {
        let pair = |(key, value): &(&str, String)| KeyValue {
            key: (*key).to_owned(),
            value: value.clone(),
        };
        KeyContext { fields: self.0.iter().map(pair).collect() }
    }

    /// Every part with its length before it: no two bindings share an encoding.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut encoded = Vec::new();
        for text in self.0.iter().flat_map(|(key, value)| [*key, value]) {
            encoded.extend_from_slice(&(text.len() as u64).to_be_bytes());
            encoded.extend_from_slice(text.as_bytes());
        }
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_boundaries_do() {
        let one = Binding::new([("a", "1".into()), ("b", "2".into())]);
        let same = Binding::new([("b", "2".into()), ("a", "1".into())]);
        assert_eq!(one, same);
        assert_eq!(one.encode(), same.encode());
        let shifted = Binding::new([("a", "1b".into()), ("", "2".into())]);
        assert_ne!(one.encode(), shifted.encode());
        assert_eq!(one.message().fields.len(), 2);
    }
}
