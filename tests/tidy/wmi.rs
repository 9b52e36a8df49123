//! What nobody may ask of Windows: its class of installed programs repairs every one of them while it lists them.

use std::path::Path;

use crate::finding::Finding;

/// Written in two parts so that this file does not name it either. Lower case.
const CLASS: (&str, &str) = ("win32_", "product");

/// Every line of a program or script that names the class.
pub(crate) fn named(file: &Path, content: &[u8]) -> Vec<Finding> {
    let class = format!("{}{}", CLASS.0, CLASS.1);
    let text = String::from_utf8_lossy(content).to_lowercase();
    let lines = text.lines().enumerate().filter(|(_, line)| line.contains(&class));
    lines
        .map(|(number, _)| {
            let what =
                "asks the class of installed programs, which reinstalls them: read the uninstall keys".to_owned();
            Finding::at(file, number + 1, what)
        })
        .collect()
}

#[test]
fn the_class_is_found_in_any_case_and_others_are_not() {
    let (one, other) = CLASS;
    let planted = format!("a\nSELECT Name FROM {}{}\n", one.to_uppercase(), other);
    assert_eq!(named(Path::new("a.rs"), planted.as_bytes()).len(), 1);
    let others = format!("{one}EncryptableVolume {one}Computersystem{other}");
    assert_eq!(named(Path::new("a.rs"), others.as_bytes()), []);
}
