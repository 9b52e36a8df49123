//! The registry in words: files that `reg export` writes, and what `reg query` prints.

use crate::facts::RegistryValue;

/// A key and its values, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextKey {
    /// Its whole path, `HKEY_LOCAL_MACHINE\...`.
    pub path: String,
    /// Names and values; the default value's name is empty.
    pub values: Vec<(String, RegistryValue)>,
}

impl TextKey {
    /// A value by its name, without regard to case.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&RegistryValue> {
        let mut values = self.values.iter();
        values
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// A text; empty where there is none of this name.
    #[must_use]
    pub fn text(&self, name: &str) -> String {
        match self.value(name) {
            Some(RegistryValue::Text(text)) => text.clone(),
            Some(RegistryValue::Number(_) | RegistryValue::Hex(_)) | None => String::new(),
        }
    }

    /// A number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.value(name) {
            Some(RegistryValue::Number(number)) => Some(*number),
            Some(RegistryValue::Text(_) | RegistryValue::Hex(_)) | None => None,
        }
    }

    /// The name below `parent`, where this key lies right below it.
    #[must_use]
    pub fn name_below(&self, parent: &str) -> Option<&str> {
        let rest = self.path.get(parent.len()..)?.strip_prefix('\\')?;
        let is_below = self.path.get(..parent.len())?.eq_ignore_ascii_case(parent);
        (is_below && !rest.is_empty() && !rest.contains('\\')).then_some(rest)
    }
}

/// Reads what `reg export` writes (version 5: `Windows Registry Editor Version 5.00`). A text may hold several exports.
///
/// # Errors
/// When a line is none of such a file, or a value is cut: then nothing is known of the rest either.
pub fn export(text: &str) -> Result<Vec<TextKey>, String> {
    let mut keys: Vec<TextKey> = Vec::new();
    let mut rest = text;
    while let Some((line, after)) = next_line(rest) {
        let plain = line.trim_end();
        if plain.is_empty() || plain.starts_with(';') || plain.starts_with("Windows Registry Editor Version ") {
            rest = after;
            continue;
        }
        if let Some(path) = plain.strip_prefix('[').and_then(|path| path.strip_suffix(']')) {
            keys.push(TextKey {
                path: path.to_owned(),
                values: Vec::new(),
            });
            rest = after;
            continue;
        }
        let key = keys
            .last_mut()
            .ok_or_else(|| damaged("a value stands before any key", line))?;
        let (name, value) = if let Some(value) = rest.strip_prefix("@=") {
            (String::new(), value)
        } else {
            let (name, after_name) = rest
                .strip_prefix('"')
                .and_then(quoted)
                .ok_or_else(|| damaged("neither a key nor a value", line))?;
            let value = after_name
                .strip_prefix('=')
                .ok_or_else(|| damaged("a name without a value", line))?;
            (name, value)
        };
        let (value, after) = exported_value(value).ok_or_else(|| damaged("a value that cannot be read", line))?;
        if let Some(value) = value {
            key.values.push((name, value));
        }
        rest = after;
    }
    Ok(keys)
}

/// Reads what `reg query` prints: keys at the beginning of a line, values below them. Other lines are words for people, in
/// the system's language.
#[must_use]
pub fn query(text: &str) -> Vec<TextKey> {
    let mut keys: Vec<TextKey> = Vec::new();
    for line in text.lines() {
        let line = line.trim_end();
        if line.starts_with("HKEY_") {
            keys.push(TextKey {
                path: line.to_owned(),
                values: Vec::new(),
            });
        } else if let (Some(key), Some(value)) = (keys.last_mut(), queried_value(line)) {
            key.values.push(value);
        }
    }
    keys
}

/// `    Name    REG_TYPE    data`; older ones part by tabs.
fn queried_value(line: &str) -> Option<(String, RegistryValue)> {
    let rest = line.strip_prefix("    ")?;
    let at = rest.find("    REG_").or_else(|| rest.find("\tREG_"))?;
    let (name, typed) = rest.split_at(at);
    let typed = typed.trim_start();
    let end = typed.find(|c: char| c.is_whitespace()).unwrap_or(typed.len());
    let (kind, data) = typed.split_at(end);
    let data = data.trim_start();
    let value = match kind {
        "REG_SZ" | "REG_EXPAND_SZ" => RegistryValue::Text(data.to_owned()),
        "REG_DWORD" | "REG_QWORD" => {
            RegistryValue::Number(u64::from_str_radix(data.trim_start_matches("0x"), 16).ok()?)
        }
        _ => return None,
    };
    Some((name.to_owned(), value))
}

fn damaged(what: &str, line: &str) -> String {
    let shown: String = line.chars().take(80).collect();
    format!("not an export of the registry: {what}, at `{shown}`; collect it again")
}

/// The first line without its end, and what follows it; `None` at the end of the text.
fn next_line(text: &str) -> Option<(&str, &str)> {
    if text.is_empty() {
        return None;
    }
    Some(text.split_once('\n').unwrap_or((text, "")))
}

/// A text in quotes that may go over several lines, and what follows its closing quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, text.get(at + 1..)?)),
            '\\' => out.push(chars.next()?.1),
            '\r' => {}
            plain => out.push(plain),
        }
    }
    None
}

/// A value, `None` where it is of a kind that is not kept, and what follows its line.
fn exported_value(text: &str) -> Option<(Option<RegistryValue>, &str)> {
    if let Some(rest) = text.strip_prefix('"') {
        let (value, rest) = quoted(rest)?;
        let (end, after) = next_line(rest).unwrap_or_default();
        return end
            .trim()
            .is_empty()
            .then_some((Some(RegistryValue::Text(value)), after));
    }
    if let Some(rest) = text.strip_prefix("dword:") {
        let (digits, after) = next_line(rest)?;
        let number = u64::from_str_radix(digits.trim(), 16).ok()?;
        return Some((Some(RegistryValue::Number(number)), after));
    }
    let rest = text.strip_prefix("hex")?;
    let (kind, rest) = match rest.strip_prefix('(') {
        Some(rest) => rest.split_once(')')?,
        None => ("3", rest),
    };
    let (bytes, after) = hex_bytes(rest.strip_prefix(':')?)?;
    let value = match kind {
        // REG_SZ and REG_EXPAND_SZ.
        "1" | "2" => Some(RegistryValue::Text(utf16(&bytes))),
        // REG_QWORD.
        "b" => Some(RegistryValue::Number(u64::from_le_bytes(bytes.try_into().ok()?))),
        _ => None,
    };
    Some((value, after))
}

/// Bytes in hexadecimal parted by commas; a backslash at the end of a line goes on in the next.
fn hex_bytes(text: &str) -> Option<(Vec<u8>, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text;
    loop {
        let (line, after) = next_line(rest).unwrap_or_default();
        let line = line.trim();
        let (digits, goes_on) = match line.strip_suffix('\\') {
            Some(digits) => (digits, true),
            None => (line, false),
        };
        for pair in digits.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            bytes.push(u8::from_str_radix(pair, 16).ok()?);
        }
        if !goes_on {
            return Some((bytes, after));
        }
        if after.is_empty() {
            return None;
        }
        rest = after;
    }
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)))
        .collect();
    String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORTED: &str = "Windows Registry Editor Version 5.00\r\n\r\n\
        [HKEY_LOCAL_MACHINE\\SOFTWARE\\X]\r\n\
        @=\"default\"\r\n\
        \"DisplayName\"=\"Kaspersky \\\"Endpoint\\\" \\\\ Security\"\r\n\
        \"Comments\"=\"first\r\nsecond\"\r\n\
        \"WindowsInstaller\"=dword:00000001\r\n\
        \"Size\"=hex(b):01,00,00,00,00,00,00,00\r\n\
        \"Icon\"=hex(2):43,00,3a,00,5c,\\\r\n  00,78,00,00,00\r\n\
        \"Raw\"=hex:01,02\r\n\r\n\
        [HKEY_LOCAL_MACHINE\\SOFTWARE\\X\\Below]\r\n";

    #[test]
    fn an_export_is_read_with_texts_of_several_lines_and_expandable_ones() {
        let keys = export(EXPORTED).expect("sound");
        let [key, below] = keys.as_slice() else {
            panic!("{keys:?}");
        };
        assert_eq!(key.text(""), "default");
        assert_eq!(key.text("displayname"), "Kaspersky \"Endpoint\" \\ Security");
        assert_eq!(key.text("Comments"), "first\nsecond");
        assert_eq!(key.number("WindowsInstaller"), Some(1));
        assert_eq!(key.number("Size"), Some(1));
        assert_eq!(key.text("Icon"), r"C:\x");
        assert_eq!(key.value("Raw"), None, "bytes are not kept");
        assert_eq!(below.name_below(r"hkey_local_machine\software\x"), Some("Below"));
        assert_eq!(key.name_below(r"HKEY_LOCAL_MACHINE\SOFTWARE\X"), None);
    }

    #[test]
    fn an_export_that_is_cut_in_a_value_is_an_error() {
        for cut in [
            "\"DisplayName\"=\"Kasp",
            "\"A\"=hex(2):43,00,\\",
            "\"Display",
            "DisplayName",
            "\"A\"=dword:zz",
        ] {
            let text = format!("[HKEY_LOCAL_MACHINE\\X]\n{cut}");
            assert!(export(&text).is_err(), "{cut}");
        }
        assert!(export("\"A\"=\"b\"\n").is_err(), "a value before any key");
    }

    #[test]
    fn what_reg_query_prints_is_read_and_its_words_are_passed_over() {
        let printed = "\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\AVP\r\n    \
            ImagePath    REG_EXPAND_SZ    \"C:\\Program Files (x86)\\Kaspersky Lab\\avp.exe\" -r\r\n    \
            Type    REG_DWORD    0x110\r\n    Blob    REG_BINARY    0102\r\n\r\nEnd of search: 2 match(es) found.\r\n";
        let keys = query(printed);
        let [key] = keys.as_slice() else {
            panic!("{keys:?}");
        };
        assert_eq!(
            key.text("ImagePath"),
            r#""C:\Program Files (x86)\Kaspersky Lab\avp.exe" -r"#
        );
        assert_eq!(key.number("Type"), Some(0x110));
        assert_eq!(key.values.len(), 2);
    }
}
