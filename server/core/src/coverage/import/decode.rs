//! Bytes to text, and text to records.

/// The largest file.
pub const MAX_BYTES: usize = 32 << 20;

/// The most lines, the widest line.
pub(super) const MAX_ROWS: usize = 200_000;
pub(super) const MAX_COLUMNS: usize = 500;

/// Why a file cannot be read at all. Nothing of it counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Too large.
    #[error(
        "the file has {bytes} bytes; {MAX_BYTES} are read at most: export it in parts, each with a source of its own"
    )]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// Too many lines.
    #[error("the file has more than {MAX_ROWS} lines: export it in parts, each with a source of its own")]
    TooLong,
    /// Nothing in it.
    #[error("the file has no header line")]
    Empty,
    /// Not text.
    #[error(
        "the file is no text in UTF-8 or UTF-16 (line {line}); export it again as UTF-8 (PowerShell: -Encoding UTF8)"
    )]
    Encoding {
        /// Where the first such byte is.
        line: usize,
    },
    /// The header has too many columns.
    #[error("the header has {columns} columns; {MAX_COLUMNS} are read at most")]
    TooWide {
        /// How many.
        columns: usize,
    },
    /// Two columns of one name.
    #[error("two columns are called `{column}`; rename one, so that it is clear which is meant")]
    TwoOfOneName {
        /// Which.
        column: String,
    },
    /// A mapped column is not there.
    #[error("{field} is to come from column `{column}`, which the file does not have; it has: {there}")]
    NoSuchColumn {
        /// What for.
        field: &'static str,
        /// The name that is missing.
        column: String,
        /// What there is.
        there: String,
    },
    /// Nothing tells machines apart.
    #[error(
        "no column of the file names machines; map one: --map name=COLUMN (or serial, uuid, fqdn). It has: {there}"
    )]
    NoIdentity {
        /// What there is.
        there: String,
    },
}

/// The text of a file: UTF-8 with or without mark, or UTF-16 as PowerShell writes it.
pub(super) fn text(bytes: &[u8]) -> Result<String, Unreadable> {
    if bytes.len() > MAX_BYTES {
        return Err(Unreadable::TooLarge { bytes: bytes.len() });
    }
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        // The mark was lost, and what is left is still plain: every other byte of a latin letter is zero.
        [first, 0, ..] if *first != 0 => wide(bytes, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => wide(bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => narrow(rest),
        _ => narrow(bytes),
    }
}

fn narrow(bytes: &[u8]) -> Result<String, Unreadable> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            Err(Unreadable::Encoding {
                line: 1 + good.iter().filter(|byte| **byte == b'\n').count(),
            })
        }
    }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Unreadable> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let mut text = String::with_capacity(bytes.len() / 2);
    for read in char::decode_utf16(units) {
        match read {
            Ok(read) => text.push(read),
            Err(_) => return Err(broken(&text)),
        }
    }
    if rest.is_empty() { Ok(text) } else { Err(broken(&text)) }
}

fn broken(good: &str) -> Unreadable {
    Unreadable::Encoding {
        line: 1 + good.matches('\n').count(),
    }
}

/// What separates columns, and the text from the header on. `sep=;` is Excel's, `#TYPE ...` is PowerShell's.
pub(super) fn body(text: &str) -> (u8, &str, u64) {
    let (mut rest, mut skipped, mut said) = (text, 0, None);
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let line = line.trim();
        if let Some(sign) = line.strip_prefix("sep=").and_then(|sign| sign.bytes().next()) {
            said = Some(sign);
        } else if !line.starts_with("#TYPE ") && !line.is_empty() {
            return (said.unwrap_or_else(|| separator(line)), rest, skipped);
        }
        if after.is_empty() {
            return (b',', "", skipped);
        }
        (rest, skipped) = (after, skipped + 1);
    }
}

/// The sign that the header has most often outside quotes.
fn separator(header: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in header.bytes() {
        quoted ^= byte == b'"';
        for (sign, count) in &mut counts {
            *count += i32::from(!quoted && byte == *sign);
        }
    }
    counts
        .iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b',', |(sign, _)| *sign)
}
