//! How a target reads its bytes.

/// The input as text, if it is.
pub(crate) fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// Something valid with the input's edits: three bytes each, place and byte.
/// No edit leaves it as it was.
pub(crate) fn edited(valid: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for edit in edits.chunks_exact(3) {
        let place = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % bytes.len().max(1);
        match edit[2] {
            255 => bytes.truncate(place),
            254 => bytes.insert(place, b'"'),
            byte => {
                if let Some(at) = bytes.get_mut(place) {
                    *at = byte;
                }
            }
        }
    }
    bytes
}

/// Pieces of the input: each has its length in one byte before it.
pub(crate) fn pieces(mut data: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let Some((length, rest)) = data.split_first() {
        let (piece, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        pieces.push(piece);
        data = rest;
    }
    pieces
}
