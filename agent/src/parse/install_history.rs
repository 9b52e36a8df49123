//! macOS's list of what was installed, `/Library/Receipts/InstallHistory.plist`: an array of dictionaries with the date, the
//! names of the packages (`packageIdentifiers`) and the program that installed them (`processName`). That it has these keys is
//! read from public readers of it (plaso's `install_history`, collectors of incident response).

use plist::stream::{Event, Reader};

use super::{installs::Install, property_list::Metered};

/// A list of many years has some hundred kilobytes.
pub const MAX: u64 = 2 << 20;
const MAX_VALUES: usize = 100_000;
/// The outermost array, an entry, the array of its packages.
const MAX_DEPTH: usize = 8;

/// The newest entry with a package that is meant. `None` also where the list is damaged behind it: what was cut off may have been
/// newer.
#[must_use]
pub fn newest(bytes: &[u8], is_meant: impl Fn(&str) -> bool) -> Option<Install> {
    let mut newest: Option<(String, Install)> = None;
    let (mut depth, mut key, mut of_packages) = (0_usize, None::<String>, false);
    let (mut date, mut process, mut meant) = (String::new(), String::new(), false);
    let mut is_over = false;
    for (count, event) in Reader::new(Metered::over(bytes)).enumerate() {
        let event = event.ok()?;
        if count >= MAX_VALUES || depth > MAX_DEPTH {
            return None;
        }
        match event {
            Event::StartArray(_) | Event::StartDictionary(_) => {
                of_packages = depth == 2 && key.as_deref() == Some("packageIdentifiers");
                depth += 1;
                key = None;
            }
            Event::EndCollection => {
                depth = depth.checked_sub(1)?;
                of_packages = false;
                if depth == 1 {
                    let is_newer = newest.as_ref().is_none_or(|(known, _)| *known <= date);
                    if std::mem::take(&mut meant) && is_newer {
                        let install = Install {
                            day: super::installs::date(&date),
                            called: process.clone(),
                            by_person: None,
                        };
                        newest = Some((date.clone(), install));
                    }
                    (date, process) = (String::new(), String::new());
                }
                is_over = depth == 0;
            }
            Event::String(text) if depth == 3 && of_packages => meant |= is_meant(&text),
            Event::String(text) if depth == 2 => match key.take() {
                None => key = Some(text.into_owned()),
                Some(name) if name == "processName" => process = text.into_owned(),
                Some(_) => {}
            },
            Event::Date(at) if depth == 2 => {
                if key.take().as_deref() == Some("date") {
                    date = at.to_xml_format();
                }
            }
            Event::Boolean(_)
            | Event::Data(_)
            | Event::Date(_)
            | Event::Integer(_)
            | Event::Real(_)
            | Event::String(_)
            | Event::Uid(_)
            | _ => {
                if depth == 2 {
                    key = None;
                }
            }
        }
    }
    newest.filter(|_| is_over).map(|(_, install)| install)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><array>{entries}</array></plist>"#
        )
    }

    fn entry(date: &str, process: &str, package: &str) -> String {
        format!(
            "<dict><key>date</key><date>{date}</date><key>displayName</key><string>X</string>\
             <key>packageIdentifiers</key><array><string>com.apple.x</string><string>{package}</string></array>\
             <key>processName</key><string>{process}</string></dict>"
        )
    }

    fn is_kav(id: &str) -> bool {
        id.starts_with("com.kaspersky.kav")
    }

    #[test]
    fn the_newest_entry_names_the_program_that_installed() {
        let all = [
            entry("2024-08-01T10:00:00Z", "jamf", "com.kaspersky.kav.core"),
            entry("2024-07-01T10:00:00Z", "Installer", "com.kaspersky.kav.core"),
            entry("2024-09-01T10:00:00Z", "softwareupdated", "com.apple.pkg"),
        ];
        let found = newest(list(&all.concat()).as_bytes(), is_kav).unwrap();
        assert_eq!((found.called.as_str(), found.day), ("jamf", Some(19_936)));
        let mut binary = Vec::new();
        let value = plist::Value::from_reader_xml(list(&all.concat()).as_bytes()).unwrap();
        value.to_writer_binary(&mut binary).unwrap();
        assert_eq!(newest(&binary, is_kav), Some(found));
        assert_eq!(newest(list(&all[2]).as_bytes(), is_kav), None);
    }

    #[test]
    fn a_damaged_list_tells_nothing() {
        let whole = list(&entry("2024-08-01T10:00:00Z", "jamf", "com.kaspersky.kav.core"));
        for cut in 0..whole.len() - "</plist>".len() - "</array>".len() {
            if whole.is_char_boundary(cut) {
                assert_eq!(newest(&whole.as_bytes()[..cut], is_kav), None, "{cut}");
            }
        }
        let nested = list(&"<array>".repeat(5000));
        assert_eq!(newest(nested.as_bytes(), is_kav), None);
        assert_eq!(newest(list("<string>date</string>").as_bytes(), is_kav), None);
    }
}
