//! Property lists of macOS, in XML and binary: versions of the system and of applications.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use plist::stream::{Event, Reader};

/// A property list that names a version is some kilobytes; those of large applications have 100.
pub const MAX: u64 = 512 << 10;
/// How deep one may be nested.
const MAX_DEPTH: usize = 64;
/// How many values one may hold. A binary one can name the same part many times, and so be far longer than its bytes.
const MAX_VALUES: usize = 100_000;

/// What macOS says of itself (`/System/Library/CoreServices/SystemVersion.plist`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemVersion {
    /// `macOS`.
    pub name: String,
    /// `15.1`.
    pub version: String,
    /// `24B83`; empty where it is not told.
    pub build: String,
}

/// Reads the system's version.
///
/// # Errors
/// When this is no property list, or names no version.
pub fn system_version(bytes: &[u8]) -> Result<SystemVersion, String> {
    let [name, version, build] = texts(bytes, ["ProductName", "ProductVersion", "ProductBuildVersion"])?;
    Ok(SystemVersion {
        name: name.unwrap_or_else(|| "macOS".to_owned()),
        version: version.ok_or("the property list names no ProductVersion")?,
        build: build.unwrap_or_default(),
    })
}

/// The version of an application by its `Contents/Info.plist`; `None` where it names none.
///
/// # Errors
/// When this is no property list.
pub fn bundle_version(bytes: &[u8]) -> Result<Option<String>, String> {
    let [short, build] = texts(bytes, ["CFBundleShortVersionString", "CFBundleVersion"])?;
    Ok(short.or(build))
}

/// The texts behind some keys of the outermost dictionary. The whole list is read, so that one that was cut is noticed.
fn texts<const N: usize>(bytes: &[u8], keys: [&str; N]) -> Result<[Option<String>; N], String> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX) {
        return Err(format!(
            "longer than the {MAX} bytes of any property list that names a version"
        ));
    }
    let mut found = [const { None }; N];
    let mut depth = 0_usize;
    let mut key: Option<String> = None;
    let mut is_over = false;
    for (count, event) in Reader::new(Metered::over(bytes)).enumerate() {
        let event = event.map_err(|error| format!("no property list: {error}"))?;
        if count >= MAX_VALUES || depth > MAX_DEPTH {
            return Err("more values, or deeper ones, than in any sound property list".to_owned());
        }
        match event {
            Event::StartDictionary(_) if depth == 0 && !is_over => depth = 1,
            _ if depth == 0 => return Err("the property list holds no dictionary".to_owned()),
            Event::StartDictionary(_) | Event::StartArray(_) => depth += 1,
            Event::EndCollection => {
                depth -= 1;
                is_over = depth == 0;
                key = None;
            }
            Event::String(text) if depth == 1 => match key.take() {
                None => key = Some(text.into_owned()),
                Some(key) => {
                    if let Some(at) = keys.iter().position(|wanted| *wanted == key) {
                        found[at] = plain(&text);
                    }
                }
            },
            // Behind its key, where it is one of the outermost dictionary's.
            Event::Boolean(_)
            | Event::Data(_)
            | Event::Date(_)
            | Event::Integer(_)
            | Event::Real(_)
            | Event::String(_)
            | Event::Uid(_)
            | _ => {
                if depth == 1 {
                    key = None;
                }
            }
        }
    }
    if is_over {
        Ok(found)
    } else {
        Err("the property list has no end".to_owned())
    }
}

/// A word of one line; whatever else stands there is none.
fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = !text.is_empty() && text.len() <= 100 && !text.contains(char::is_control);
    is_plain.then(|| text.to_owned())
}

/// Bytes of which no more than some times their number are read: a binary list's parts may name one another, and each
/// time is read again.
pub(super) struct Metered<'b> {
    bytes: Cursor<&'b [u8]>,
    left: usize,
}

impl<'b> Metered<'b> {
    pub(super) fn over(bytes: &'b [u8]) -> Self {
        Self {
            bytes: Cursor::new(bytes),
            // A sound one is read once, and a few bytes of its head and end again.
            left: bytes.len() * 2 + 1024,
        }
    }
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        let too_much = || io::Error::new(io::ErrorKind::InvalidData, "it names its own parts again and again");
        self.left = self.left.checked_sub(read).ok_or_else(too_much)?;
        Ok(read)
    }
}

impl Seek for Metered<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use plist::Value;

    use super::*;

    const SYSTEM: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>ProductBuildVersion</key><string>24B83</string>
<key>ProductName</key><string>macOS</string>
<key>ProductVersion</key><string>15.1</string>
</dict></plist>"#;

    #[test]
    fn the_system_says_its_version_in_xml_and_in_binary() {
        let expected = SystemVersion {
            name: "macOS".into(),
            version: "15.1".into(),
            build: "24B83".into(),
        };
        assert_eq!(system_version(SYSTEM.as_bytes()), Ok(expected.clone()));
        let mut binary = Vec::new();
        let list = Value::from_reader(Cursor::new(SYSTEM)).expect("sound");
        list.to_writer_binary(&mut binary).expect("written");
        assert_eq!(system_version(&binary), Ok(expected));
    }

    #[test]
    fn an_application_says_its_version_or_none() {
        let short = SYSTEM.replace("ProductVersion", "CFBundleShortVersionString");
        assert_eq!(bundle_version(short.as_bytes()), Ok(Some("15.1".into())));
        let build = SYSTEM.replace("ProductVersion", "CFBundleVersion");
        assert_eq!(bundle_version(build.as_bytes()), Ok(Some("15.1".into())));
        assert_eq!(bundle_version(SYSTEM.as_bytes()), Ok(None));
    }

    #[test]
    fn what_is_no_property_list_says_nothing() {
        for text in [
            "",
            "bplist00",
            "<plist><array/></plist>",
            "<plist><dict><key>a</key>",
            "{}",
        ] {
            assert!(bundle_version(text.as_bytes()).is_err(), "{text}");
        }
        assert!(system_version(SYSTEM.replace("ProductVersion", "Other").as_bytes()).is_err());
    }

    /// A binary list of an array that names the next twice, and so on: 2^depth values in some bytes each.
    fn doubling(depth: u8) -> Vec<u8> {
        let mut list = b"bplist00".to_vec();
        let mut offsets = Vec::new();
        // The outermost is a dictionary of one key, which is the last object.
        offsets.push(list.len());
        list.extend([0xd1, depth + 1, 1]);
        for object in 1..=depth {
            offsets.push(list.len());
            let next = object + 1;
            list.extend([0xa2, next, next]);
        }
        offsets.push(list.len());
        list.extend([0x51, b'k']);
        let table = list.len();
        for offset in &offsets {
            list.extend(u16::try_from(*offset).expect("short").to_be_bytes());
        }
        list.extend([0, 0, 0, 0, 0, 0, 2, 1]);
        for number in [offsets.len(), 0, table] {
            list.extend(u64::try_from(number).expect("fits").to_be_bytes());
        }
        list
    }

    #[test]
    fn a_list_that_is_far_longer_than_its_bytes_is_refused() {
        assert_eq!(bundle_version(&doubling(1)), Ok(None), "the form itself is sound");
        let why = bundle_version(&doubling(60)).expect_err("2^60 values");
        assert!(why.contains("again and again") || why.contains("more values"), "{why}");
    }

    #[test]
    fn a_list_that_is_nested_without_end_is_refused() {
        let deep = format!("<plist><dict><key>a</key>{}", "<array>".repeat(20_000));
        assert!(bundle_version(deep.as_bytes()).is_err());
        let closed = format!("{deep}{}</dict></plist>", "</array>".repeat(20_000));
        assert!(bundle_version(closed.as_bytes()).expect_err("deep").contains("deeper"));
    }

    #[test]
    fn only_the_outermost_dictionary_says_the_version() {
        let nested = SYSTEM.replace(
            "<dict>",
            "<dict><key>x</key><dict><key>ProductVersion</key><string>9</string></dict>",
        );
        assert_eq!(
            system_version(nested.as_bytes()).map(|it| it.version),
            Ok("15.1".into())
        );
    }
}
