//! Sizes and depths, checked before anything is built.

use super::error::ChatError;

/// What a request may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_bytes: usize,
    /// Nesting of arrays and objects, also inside arguments.
    pub max_depth: usize,
    pub max_messages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 4 << 20, max_depth: 64, max_messages: 2_000 }
    }
}

impl Limits {
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), ChatError> {
        if bytes.len() > self.max_bytes {
            return Err(ChatError::TooLarge { limit: self.max_bytes });
        }
        if depth(bytes) > self.max_depth {
            return Err(ChatError::TooDeep { path: ".".to_owned(), limit: self.max_depth });
        }
        Ok(())
    }
}

/// The deepest nesting outside of strings, without parsing.
pub(super) fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
