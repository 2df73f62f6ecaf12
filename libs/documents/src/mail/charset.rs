//! Character sets of encoded parts: bytes as characters, and back.

/// What bytes stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    Utf8,
    Latin1,
    Windows1252,
}

/// 0x80 to 0x9f of Windows-1252, as the WHATWG's encoding standard maps them.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

impl Charset {
    /// None has the name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "" | "utf-8" | "utf8" | "us-ascii" | "ascii" => Some(Self::Utf8),
            "iso-8859-1" | "latin1" => Some(Self::Latin1),
            "windows-1252" | "cp1252" => Some(Self::Windows1252),
            _ => None,
        }
    }

    /// The character that bytes begin with, and how many it takes.
    pub(crate) fn first(self, bytes: &[u8]) -> Option<(char, usize)> {
        let first = *bytes.first()?;
        match self {
            Self::Utf8 => {
                let length = match first {
                    0..=0x7f => 1,
                    0xc0..=0xdf => 2,
                    0xe0..=0xef => 3,
                    _ => 4,
                };
                let c = std::str::from_utf8(bytes.get(..length)?).ok()?.chars().next()?;
                Some((c, length))
            }
            Self::Windows1252 if (0x80..0xa0).contains(&first) => {
                WINDOWS.get(usize::from(first - 0x80)).map(|c| (*c, 1))
            }
            Self::Latin1 | Self::Windows1252 => Some((char::from(first), 1)),
        }
    }

    /// Characters that the set does not have become `?`: who reads it again sees that.
    pub(crate) fn bytes(self, text: &str) -> Vec<u8> {
        if self == Self::Utf8 {
            return text.as_bytes().to_vec();
        }
        let byte = |c: char| {
            let windows = WINDOWS.iter().position(|known| *known == c);
            let windows = windows.filter(|_| self == Self::Windows1252);
            let high = windows.and_then(|at| u8::try_from(at + 0x80).ok());
            let c = u8::try_from(c).ok();
            let c = c.filter(|c| self == Self::Latin1 || !(0x80..0xa0).contains(c));
            high.or(c).unwrap_or(b'?')
        };
        text.chars().map(byte).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        for (charset, text) in [
            (Charset::Utf8, "Zoë € 😀"),
            (Charset::Latin1, "Zoë \u{80}"),
            (Charset::Windows1252, "Zoë € „x“"),
        ] {
            let (bytes, mut at, mut read) = (charset.bytes(text), 0, String::new());
            while let Some((c, length)) = charset.first(&bytes[at..]) {
                read.push(c);
                at += length;
            }
            assert_eq!((read.as_str(), at), (text, bytes.len()));
        }
        assert_eq!(Charset::Latin1.bytes("€"), b"?");
        assert_eq!((Charset::named("koi8-r"), Charset::Utf8.first(&[0xff])), (None, None));
        assert_eq!(Charset::named("ISO-8859-1"), Some(Charset::Latin1));
    }
}
