//! Where the program of a Windows service or the file of a driver lies.

/// The file that `ImagePath` names, as Windows spells it: the program of a command line (quoted, or up to its first `.exe`
/// or `.sys`), with `\SystemRoot\`, `System32\` and `\??\` written out. `None` where it names none below a drive.
#[must_use]
pub fn file(image: &str, system_root: &str) -> Option<String> {
    let text = image.trim();
    let program = match text.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => unquoted(text),
    };
    let program = program.strip_prefix(r"\??\").unwrap_or(program);
    let below_root = |prefix: &str| {
        let start = program.get(..prefix.len())?;
        start
            .eq_ignore_ascii_case(prefix)
            .then(|| program.get(prefix.len()..))?
    };
    let root = system_root.trim_end_matches('\\');
    if let Some(rest) = below_root(r"\SystemRoot\").or_else(|| below_root(r"%SystemRoot%\")) {
        return Some(format!(r"{root}\{rest}"));
    }
    if let Some(rest) = below_root(r"System32\") {
        return Some(format!(r"{root}\System32\{rest}"));
    }
    let mut start = program.chars();
    let has_drive = start.next().is_some_and(|c| c.is_ascii_alphabetic()) && start.as_str().starts_with(r":\");
    has_drive.then(|| program.to_owned())
}

/// A command line without quotes: Windows tries each beginning in turn, so the first that ends a program's name counts.
fn unquoted(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let end = [".exe", ".sys", ".dll"]
        .iter()
        .filter_map(|suffix| {
            let at = lower.find(suffix)? + suffix.len();
            lower
                .get(at..)?
                .chars()
                .next()
                .is_none_or(char::is_whitespace)
                .then_some(at)
        })
        .min();
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_found_in_every_spelling_that_windows_keeps() {
        let cases = [
            (
                r#""C:\Program Files (x86)\Kaspersky Lab\KES.12.4\avp.exe" -r"#,
                Some(r"C:\Program Files (x86)\Kaspersky Lab\KES.12.4\avp.exe"),
            ),
            (
                r"C:\Program Files\X Y\a.exe /service",
                Some(r"C:\Program Files\X Y\a.exe"),
            ),
            (
                r"\SystemRoot\System32\drivers\klim6.sys",
                Some(r"C:\Windows\System32\drivers\klim6.sys"),
            ),
            (
                r"system32\DRIVERS\K4W-21-25\klif.sys",
                Some(r"C:\Windows\System32\DRIVERS\K4W-21-25\klif.sys"),
            ),
            (
                r"\??\C:\ProgramData\Kaspersky Lab\klids.sys",
                Some(r"C:\ProgramData\Kaspersky Lab\klids.sys"),
            ),
            (
                r"%systemroot%\system32\svchost.exe -k x",
                Some(r"C:\Windows\system32\svchost.exe"),
            ),
            ("", None),
            ("avp", None),
            (r"\Driver\kl1", None),
        ];
        for (image, wanted) in cases {
            assert_eq!(file(image, r"C:\Windows\").as_deref(), wanted, "{image}");
        }
    }
}
