//! PEM, strictly ([RFC 7468](https://www.rfc-editor.org/rfc/rfc7468), section 3): one block, lines
//! of 64 letters, nothing around it but line ends.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::key::KeyError;

pub(crate) const PRIVATE: &str = "PRIVATE KEY";
pub(crate) const PUBLIC: &str = "PUBLIC KEY";

const LINE: usize = 64;
/// The letters of the largest block taken; an RSA-4096 key has 3,300.
pub(crate) const MAX_PEM: usize = 8 * 1024;

pub(crate) fn write(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = tail;
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}

pub(crate) fn read(label: &'static str, pem: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if pem.len() > MAX_PEM {
        return Err(KeyError::TooLarge(MAX_PEM));
    }
    let body = pem
        .trim_end_matches(['\r', '\n'])
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.strip_prefix(label)?.strip_prefix("-----"))
        .and_then(|rest| rest.strip_suffix("-----")?.strip_suffix(label)?.strip_suffix("-----END "))
        .ok_or(KeyError::Pem(label))?;
    let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
    let mut lines = body.lines();
    // The rest of the line of BEGIN, and the start of the line of END.
    let framed = lines.next() == Some("") && body.ends_with('\n');
    let mut last = LINE;
    for line in lines {
        // A short line can only be the last one.
        if last != LINE || line.is_empty() || line.len() > LINE {
            return Err(KeyError::Pem(label));
        }
        last = line.len();
        base64.push_str(line);
    }
    if !framed {
        return Err(KeyError::Pem(label));
    }
    let mut der = Zeroizing::new(Vec::with_capacity(base64.len()));
    STANDARD.decode_vec(base64.as_bytes(), &mut der).map_err(|_| KeyError::Pem(label))?;
    Ok(der)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_with_either_line_end() {
        for size in [0, 1, 47, 48, 49, 96, 2_400] {
            let der = vec![7; size];
            let pem = write(PRIVATE, &der);
            assert!(read(PRIVATE, &pem).is_ok_and(|read| *read == der), "{size}");
            let dos = pem.replace('\n', "\r\n");
            assert!(read(PRIVATE, &dos).is_ok_and(|read| *read == der), "{size}");
        }
    }

    #[test]
    fn nothing_else_is_read() {
        let pem = write(PRIVATE, &[7; 100]);
        let lines: Vec<_> = pem.lines().collect();
        for bad in [
            String::new(),
            pem.replace("PRIVATE", "PUBLIC"),
            pem.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            format!("text\n{pem}"),
            format!("{pem}text\n"),
            format!("{pem}{pem}"),
            pem.replacen('B', " B", 1),
            pem.replacen(lines[1], &format!("{} ", lines[1]), 1),
            pem.replacen(lines[1], &format!("{}\n", lines[1]), 1),
            pem.replacen(lines[1], &format!("{}*", &lines[1][1..]), 1),
            pem.replacen(&format!("{}\n", lines[2]), lines[2], 1),
            format!("{}\nProc-Type: 4,ENCRYPTED\n\n{}", lines[0], lines[1..].join("\n")),
            "A".repeat(MAX_PEM + 1),
        ] {
            assert!(read(PRIVATE, &bad).is_err(), "{bad}");
        }
    }
}
